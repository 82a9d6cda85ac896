"""Run the programs in tests/keras/programs with real Keras and with tinynet, compare, and write keras_programs.json.

    python -m pip install keras jax && KERAS_BACKEND=jax python tests/keras/reference/keras_programs.py

With the names of programs behind it, it runs those and writes nothing. Each program is written for Keras and sets a
dict `results` at its end. For tinynet nothing of its text is changed but the imports (`translated`). What the two
libraries would draw by themselves is made the same from outside:

- Starting weights. Every random initializer of both gives `start(program, shape, count)`, a Glorot uniform draw that
  depends on the program, the shape, and how many weights of that shape came before.
- The order of samples. Keras shuffles by NumPy's global generator and tinynet by the model's seed, so the programs
  pass `shuffle=False` wherever the order shows in the results.
- Dropout. The masks cannot be made the same; its program reports only what does not depend on them.

How far may the results differ? Both compute in float32 and sum in different orders, which is like changing each weight
by 6e-8 of its size or a few times as much at each step. More comes from Adam: in Keras 1 - beta_2^t is a float32 too,
and as 0.999 is 0.99900001287 there, it is 1.3e-5 too small at first, and each update 6e-6. Training may amplify either.
By how much is measured here, with Keras alone: three more runs, in which every random starting weight is off by up to
1e-5 of its size. The largest change of each result, its `spread`, is written beside it, and `differences` allows three
times as much, and besides 1e-5 of the largest number, and 1e-6, for results that hang on no random weight: a sum of a
hundred float32 terms is off by 1e-6 or so. Where the three runs differ in what is not a float (an epoch at which the
training stops, say), or in an accuracy, the program is too close to an edge, and its data needs another seed.
"""

import contextlib
import importlib
import io
import json
import os
import re
import sys
import time
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

PROGRAMS = Path(__file__).parents[1] / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))
RECORD = Path(__file__).with_suffix(".json")

NOISE, RUNS = 1e-5, 3
RANDOM = (
    *("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal"),
    *("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"),
)


def start(program, shape, count):
    """The starting weight of that shape which is the count-th in the program: Glorot uniform, float64."""
    fan_in, fan_out = (*shape, *shape, 1, 1)[:2] if len(shape) < 2 else shape[-2:]
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.random.default_rng([zlib.crc32(program.encode()), count, *shape]).uniform(-limit, limit, shape)


def translated(text):
    """A program's text for tinynet: other imports, and nothing else."""

    def changed(match):
        line = f"{match[1]}import tinynet{match[2]}"
        return f"{line}, tinynet as keras" if match[2] else f"{line} as keras"

    text = re.sub(r"^( *)import keras((?:\.\w+)*)$", changed, text, flags=re.MULTILINE)
    return re.sub(r"^( *)(from|import) keras\b", r"\1\2 tinynet", text, flags=re.MULTILINE)


def subclasses(cls):
    """All classes below that one."""
    return {below for child in cls.__subclasses__() for below in (child, *subclasses(child))}


@contextlib.contextmanager
def same_start(program, library, noise=None):
    """Within this, the random initializers of the library ("keras" or "tinynet") give `start`, off by the noise."""
    counts, rng = {}, np.random.default_rng(noise)

    def values(shape):
        shape = tuple(int(size) for size in shape)
        counts[shape] = counts.get(shape, -1) + 1
        weight = start(program, shape, counts[shape])
        return weight if noise is None else weight * (1 + rng.uniform(-NOISE, NOISE, shape))

    with contextlib.ExitStack() as stack:
        if library == "keras":
            import keras
            from keras.src.initializers.random_initializers import RandomInitializer

            def call(self, shape, dtype=None, **options):
                return keras.ops.convert_to_tensor(values(shape).astype(dtype or "float32"))

            for cls in subclasses(RandomInitializer):
                stack.enter_context(mock.patch.object(cls, "__call__", call))
        else:
            base = importlib.import_module("tinynet.initializers").Initializer
            for cls in subclasses(base):
                if cls.__name__ in RANDOM:
                    stack.enter_context(mock.patch.object(cls, "draw", lambda self, shape, rng=None: values(shape)))
        yield


def run(program, library, noise=None):
    """The results of a program, as JSON would give them; what it prints is not shown."""
    path = PROGRAMS / f"{program}.py"
    text = path.read_text(encoding="utf-8")
    scope = {"__name__": program}
    with (
        same_start(program, library, noise),
        mock.patch.dict(os.environ, COLUMNS="80"),  # the width of summaries
        contextlib.redirect_stdout(io.StringIO()),
    ):
        exec(compile(text if library == "keras" else translated(text), str(path), "exec"), scope)
    return plain(scope["results"])


def plain(value):
    """Dicts, lists, strings, booleans, integers, and floats of 9 digits, which float32 needs."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return plain(np.asarray(value).tolist())


def leaves(value, path=""):
    """(path, leaf) for everything in the results; lists of numbers of one shape are leaves, as arrays."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
        return
    if isinstance(value, list):
        with contextlib.suppress(ValueError):  # of lists of several lengths
            array = np.array(value)
            if array.dtype.kind in "if" and array.size:
                yield path, array
                return
        yield f"{path}.length", len(value)
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
        return
    yield path, np.float64(value) if isinstance(value, float) else value


def is_float(leaf):
    """Whether a leaf is to be compared with a tolerance."""
    return getattr(leaf, "dtype", np.dtype(int)).kind == "f"


def distance(a, b):
    """The largest difference of two leaves; 0 where both are NaN, infinite where they are no floats and not equal."""
    if np.shape(a) != np.shape(b):
        return np.inf
    if not is_float(a) or isinstance(b, (str, bool, type(None))):
        return 0.0 if np.array_equal(a, b) else np.inf
    with np.errstate(invalid="ignore"):
        gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(np.subtract(a, b)))
    return float(np.where(np.isnan(gap), np.inf, gap).max())


def allowed(leaf, spread):
    """How far another library may be from this leaf."""
    return 3 * spread + 1e-5 * float(np.abs(leaf).max()) + 1e-6 if is_float(leaf) else 0.0


def ratios(expected, got):
    """{path: difference / what is allowed}; infinite where a key is missing, too many, or no float and not equal."""
    theirs, ours = dict(leaves(expected["results"])), dict(leaves(got))
    result = dict.fromkeys(theirs.keys() ^ ours.keys(), np.inf)
    for path in theirs.keys() & ours.keys():
        gap = distance(theirs[path], ours[path])
        room = allowed(theirs[path], expected["spread"].get(path, 0.0))
        result[path] = 0.0 if gap == 0 else gap / room if room else np.inf
    return result


def differences(expected, got):
    """Lines on all that differs by more than is allowed; none if nothing does."""
    theirs, ours = dict(leaves(expected["results"])), dict(leaves(got))
    bad = sorted(path for path, ratio in ratios(expected, got).items() if not ratio <= 1)
    lines = []
    for path in bad:
        a, b = theirs.get(path, "nothing"), ours.get(path, "nothing")
        if isinstance(a, np.ndarray) and np.shape(a) == np.shape(b):
            worst = np.unravel_index(np.abs(np.subtract(a, b)).argmax(), a.shape)
            path, a, b = f"{path}{[int(index) for index in worst]}", a[worst], b[worst]
        lines.append(f"{path}: Keras {a!s}, tinynet {b!s}")
    return lines


def recorded(program):
    """The entry of the record for a program, from real Keras: its results and their spread."""
    results = run(program, "keras")
    spread = {}
    for seed in range(RUNS):
        other = dict(leaves(run(program, "keras", noise=seed)))
        for path, leaf in leaves(results):
            gap = distance(leaf, other.get(path, "nothing"))
            if gap == np.inf or (gap and re.search(r"acc|top|within", path) and gap > 1e-4):
                raise ValueError(f"{program}: {path} hangs on the rounding: {leaf} or {other.get(path)}")
            if gap:
                spread[path] = float(f"{max(gap, spread.get(path, 0.0)):.2g}")
    return {"results": results, "spread": spread}


def compare(program, entry):
    """A cell of the table: how the program goes under tinynet."""
    try:
        got = run(program, "tinynet")
    except Exception as error:
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0] if lines else ''}"
    lines = differences(entry, got)
    worst = max(ratios(entry, got).values())
    return f"differs: {'; '.join(lines)}" if lines else f"the same: at most {worst:.2f} of what is allowed"


def main(names):
    import keras

    sys.path.append(str(PROGRAMS.parents[2]))
    try:
        import tinynet  # noqa: F401
    except ImportError as error:
        print(f"tinynet cannot be imported: {error}")
    entries = {}
    print(f"{'program':24} {'seconds':>7} {'numbers':>7} {'spread':>8}  tinynet")
    for name in names or NAMES:
        begin = time.perf_counter()
        entries[name] = recorded(name)
        seconds = time.perf_counter() - begin
        found = dict(leaves(entries[name]["results"]))
        sizes = sum(np.size(leaf) for leaf in found.values())
        spread = max((gap / np.abs(found[path]).max() for path, gap in entries[name]["spread"].items()), default=0)
        cell = compare(name, entries[name]) if "tinynet" in sys.modules else "-"
        print(f"{name:24} {seconds:7.1f} {sizes:7} {spread:8.1e}  {cell[:600]}", flush=True)
    if not names:
        record = {"keras": keras.__version__, "backend": keras.backend.backend(), **entries}
        lines = [f"{json.dumps(key)}:{json.dumps(item, separators=(',', ':'))}" for key, item in record.items()]
        RECORD.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
