"""Files in Keras's format from strangers: what is damaged, hostile or unknown is refused, and nothing in it is run."""

import io
import json
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_file import FOLDER, LESSON, changed, config_of, data, members, refused, restore, with_members

from tinynet.formats import archive, h5, keras
from tinynet.formats.record import FileError

h5py = pytest.importorskip("h5py")
# ---- files of strangers ---------------------------------------------------------------------------------------------


def record(module, name, config=None, registered=None):
    return {"module": module, "class_name": name, "config": {} if config is None else config,
            "registered_name": registered}  # fmt: skip


ATTACKS = {
    # CVE-2024-3660 and CVE-2025-9906: code in a Lambda, and a configuration that switches the safe mode off
    "lambda": (record("keras.layers", "Lambda", {"function": {"class_name": "__lambda__", "config": {"code": "4wAA"}}}),
               "no layer 'Lambda'"),
    "safe mode": (record("keras.config", "function", "enable_unsafe_deserialization", "function"), "a layer is of"),
    "unsafe": (record("builtins", "function", "enable_unsafe_deserialization", "function"), "a layer is of 'builtins'"),
    # CVE-2025-1550: any function of any module
    "os.system": (record("os", "function", "system", "function"), "a layer is of 'os'"),
    "subprocess": (record("subprocess", "Popen", {"args": ["true"]}), "a layer is of 'subprocess'"),
    "planted module": (record("planted", "Dense", {"units": 1}), "a layer is of 'planted'"),
    "keras.utils": (record("keras.utils", "get_file", {"origin": "http://x"}), "a layer is of 'keras.utils'"),
    "keras.src": (record("keras.src.layers.core.dense", "Dense", {"units": 1}), "a layer is of 'keras.src"),
    # CVE-2025-49655 and CVE-2026-1462: layers that load other formats
    "torch": (record("keras.layers", "TorchModuleWrapper", {"module": "gASVAAAA"}), "no layer 'TorchModuleWrapper'"),
    "tfsm": (record("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}), "no layer 'TFSMLayer'"),
    "registered": (record("keras.layers", "Dense", {"units": 1}, "Custom>Dense"), "registered as 'Custom>Dense'"),
    "registered elsewhere": (record(None, "Dense", {"units": 1}, "os>system"), "a layer is of None"),
    "functional": (record("keras", "Functional"), "a layer is of 'keras'"),
    "no record": ("Dense", "a layer is no record"),
    "a long name": (record("keras.layers", "x" * 10**5), "more than 10,000 characters"),
    "a long module": (record("x" * 10**5, "x" * 10**5), "more than 10,000 characters"),
    "a list": ([record("keras.layers", "Dense")], "a layer is no record"),
    "a number for a class": (record("keras.layers", 3), "no record of a class"),
    "a strange entry": ({**record("keras.layers", "Dense"), "__reduce__": []}, "unknown entry '__reduce__'"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_records_of_other_things_are_refused(name):
    attack, message = ATTACKS[name]
    refused(changed(lambda config: config["config"]["layers"].append(attack)), message)
    nested = record("keras", "Sequential", {"name": "inner", "layers": [attack]})
    refused(changed(lambda config: config["config"]["layers"].append(nested)), message)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(
    "key", ["activation", "kernel_initializer", "kernel_regularizer", "kernel_constraint", "dtype"]
)
def test_so_they_are_inside_a_layer(name, key):
    refused(changed(lambda config: config["config"]["layers"][-1]["config"].update({key: ATTACKS[name][0]})), ".")


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("key", ["optimizer", "loss", "metrics", "weighted_metrics", "loss_weights", "other"])
def test_so_they_are_in_compile_config(name, key):
    attack = ATTACKS[name][0]
    refused(changed(lambda config: config["compile_config"].update({key: attack})), ".")
    refused(changed(lambda config: config["compile_config"].update({key: [attack]})), ".")
    if key == "optimizer":
        refused(changed(lambda config: config["compile_config"][key]["config"].update({"learning_rate": attack})), ".")


def test_nothing_is_imported_or_run(monkeypatch, tmp_path):
    """A module beside the program that a file names stays unread, whatever names it."""
    (tmp_path / "planted.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    for attack in (record("planted", "Dense"), record("planted", "function", "f", "function"),
                   record("keras.layers", "planted.Dense"), "planted.f", "planted"):  # fmt: skip
        refused(changed(lambda config, a=attack: config["config"]["layers"].append(a)), ".")
        for key in ("activation", "kernel_initializer"):
            refused(
                changed(lambda config, a=attack, k=key: config["config"]["layers"][-1]["config"].update({k: a})), "."
            )
    assert "planted" not in __import__("sys").modules


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": 10**15}, "it should be"),  # nothing of that size is allocated
        ({"units": "8"}, "units must be"),
        ({"units": -1}, "units must be"),
        ({"units": [8]}, "units must be"),
        ({"use_bias": "no"}, "neither true nor false"),
        ({"trainable": 1}, "neither true nor false"),
        ({"name": None}, "name that is no string"),
        ({"name": "dense"}, "two layers of one name"),
        ({"activation": "eval"}, "activation 'eval'"),
        ({"activation": record("builtins", "function", "eval", "function")}, "activation 'eval'"),
        ({"activation": record("os", "function", "system", "function")}, "function 'system' of 'os'"),
        ({"activation": record("keras.layers", "Dense", {"units": 3})}, "activation 'Dense'"),
        ({"kernel_constraint": record("keras.constraints", "NonNeg")}, "kernel_constraint"),
        ({"lora_rank": 3}, "lora_rank=3"),
        ({"input_shape": [3]}, "input_shape"),
        ({"kernel_initializer": "orthogonal"}, "initializer 'orthogonal' is not read"),
        ({"kernel_initializer": record("keras.initializers", "Orthogonal")}, "no initializer 'Orthogonal'"),
        ({"kernel_initializer": record("keras.initializers", "VarianceScaling", {"scale": 10**400})}, "has 401 digits"),
        ({"dtype": "mixed_float16"}, "dtype 'mixed_float16'"),
        ({"dtype": "float64"}, "float64 in a model of float32"),
        ({"dtype": record("keras", "QuantizedDTypePolicy", {"mode": "int8"})}, "dtype 'QuantizedDTypePolicy'"),
    ],
)
def test_arguments_are_checked(changes, message):
    refused(changed(lambda config: config["config"]["layers"][-1]["config"].update(changes)), message)


def test_other_records_of_the_model_are_refused():
    deep = record("keras.layers", "Flatten", {"name": "f"})
    for index in range(60):
        deep = record("keras", "Sequential", {"name": f"s{index}", "layers": [deep]})
    first = config_of(LESSON)["config"]["layers"][0]
    for change, message in (
        (lambda c: c.update(class_name="Functional"), "functional model"),
        (lambda c: c.update(class_name="Model"), "model 'Model'"),
        (lambda c: c.update(module="keras.models"), "the model is of"),
        (lambda c: c["config"].update(layers=None), "no list of layers"),
        (lambda c: c["config"].update(layers=[first, deep]), "nested"),
        (lambda c: c["config"]["layers"].insert(1, first), "no layer 'InputLayer'"),
        (lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[None, None, 3]), "inputs of shape"),
        (lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[None, 4, 4, 10**12]), "it should be"),
        (lambda c: c["config"]["layers"][0]["config"].update(sparse=True), "sparse=True"),
        (lambda c: c["compile_config"].update(loss=None), "without a loss"),
        (lambda c: c["compile_config"].update(loss="crossentropy"), "loss 'crossentropy'"),
        (lambda c: c["compile_config"].update(loss_weights=[1.0]), "loss_weights"),
        (lambda c: c["compile_config"].update(metrics=["auc"]), "metric 'auc'"),
        (lambda c: c["compile_config"].update(optimizer="lion"), "optimizer 'lion'"),
        (lambda c: c["compile_config"]["optimizer"].update(class_name="Lion"), "no optimizer 'Lion'"),
        (lambda c: c["compile_config"]["optimizer"]["config"].update(use_ema=True), "use_ema=True"),
        (lambda c: c["compile_config"]["optimizer"]["config"].update(amsgrad=True), "optimizer has 10 arrays"),
        (lambda c: c["compile_config"]["optimizer"]["config"].update(beta_1=1.5), "beta_1 must be"),
        (lambda c: c["compile_config"].update(optimizer=[]), "no record of a class"),
    ):
        refused(changed(change), message)


def test_a_model_inside_may_not_declare_another_shape():
    """It would be built for that shape: memory for whatever size a file declares."""
    content = members((FOLDER / "many-3.15.1-jax.keras").read_bytes())
    for inner, outer in ((10**12, [None, 2, 3]), (4, None)):
        config = json.loads(content["config.json"])
        stack = config["config"]["layers"]
        model = next(one for one in stack if one["class_name"] == "Sequential")
        model["config"]["layers"][0]["config"]["batch_shape"] = [None, inner]
        if outer is None:
            del stack[0], config["build_config"], config["config"]["build_input_shape"]
        refused(archive.pack({**content, "config.json": json.dumps(config).encode()}), "declares inputs of shape")


def nodes(value, path=()):
    """The path of every value inside a value."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from nodes(value[key], (*path, key))


@pytest.mark.parametrize(
    "other",
    [None, True, 0, -1, 2.5, 10**400, "", "x", [], {}, [[]], [None], {"class_name": "Dense", "config": {}}],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize(
    "name", [pytest.param("many-3.15.1-jax.keras", marks=pytest.mark.slow), "rmsprop-3.15.1-jax.keras"]
)
def test_anything_at_any_place_of_the_configuration(monkeypatch, name, other):
    """It is read, where it says nothing, or refused; no other error comes out."""
    content = members((FOLDER / name).read_bytes())
    tree = h5.decode(content["model.weights.h5"])
    monkeypatch.setattr(h5, "decode", lambda content: tree)
    text = content["config.json"]
    outcomes = set()
    for path in nodes(json.loads(text)):
        config = json.loads(text)
        place = config
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = other
        try:
            keras.decode(archive.pack({**content, "config.json": json.dumps(config).encode()}))
            outcomes.add("read")
        except FileError:
            outcomes.add("refused")
    assert "refused" in outcomes


def test_json_that_is_none_or_says_two_things():
    config = members(LESSON)["config.json"]
    for content, message in (
        (b"", "no JSON"),
        (b"[]", "no record"),
        (b"[" * 100_000, "no JSON"),
        (config[:-1], "no JSON"),
        (b"\xff" + config, "no JSON"),
        (b'{"module": "keras", ' + config[1:], "there twice in one record"),
        (config.replace(b"0.9", b"NaN", 1), "NaN is no number"),
        (b" " * (1 << 20) + config, "more than"),
        (config.replace(b'"units": 8', b'"units": ' + b"9" * 5000), "5,000 digits"),
    ):
        refused(with_members({"config.json": content}), message)
    for metadata in (b"[]", b'{"tinynet": 3}', b'{"tinynet": {"version": 1, "seed": -1, "epochs": 0}}',
                     b'{"tinynet": {"version": 2, "seed": 1, "epochs": 0}}'):  # fmt: skip
        refused(with_members({"metadata.json": metadata}), "metadata.json")
    assert keras.decode(archive.pack({n: c for n, c in members(LESSON).items() if n != "metadata.json"})).weights


def zipped(entries, method=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in entries:
            file.writestr(zipfile.ZipInfo(name), data, method)
    return content.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_with_other_members():
    own = list(members(LESSON).items())
    for entries, message in (
        ([*own, ("assets/vocabulary.txt", b"")], "the archive holds"),
        ([*own, ("../../x", b"")], "points elsewhere"),
        ([*own, ("/etc/passwd", b"")], "points elsewhere"),
        ([*own, ("..\\x", b"")], "points elsewhere"),
        ([*own, own[1]], "two members called 'config.json'"),
        (own[:2], "the archive holds"),
        ([own[0], own[2]], "the archive holds"),
        ([*own[:2], ("model.weights.npz", b"")], "the archive holds"),
    ):
        refused(zipped(entries), message)
    bomb = [*own[:2], ("model.weights.h5", b"\0" * 10**7)]
    refused(zipped(bomb, zipfile.ZIP_DEFLATED), "compressed or encrypted")


def test_files_cut_short_or_changed():
    """Cut anywhere, and with a bit turned anywhere, a file is refused or is the same model: CRCs watch every member."""
    same = keras.decode(LESSON)
    for length in range(0, len(LESSON), 997):
        refused(LESSON[:length], ".")
    for place in range(0, len(LESSON), 211):
        turned = bytearray(LESSON)
        turned[place] ^= 1 << (place % 8)
        try:
            found = keras.decode(bytes(turned))
        except FileError:
            continue
        assert found.config == same.config
        assert all(np.array_equal(found.weights[key], same.weights[key]) for key in same.weights)


@pytest.mark.slow
def test_damage_inside_the_arrays_that_no_crc_shows():
    """A file of weights has no checksum, and an archive's can be made to fit: nothing but FileError, and no crash."""
    content = members(LESSON)["model.weights.h5"]
    like = keras.decode(LESSON)
    for place in [*range(0, 4000, 7), *range(4000, len(content), 131)]:
        turned = bytearray(content)
        turned[place] ^= 0xFF
        try:
            keras.decode_weights(bytes(turned), like)
        except FileError:
            continue
    for length in range(0, len(content), 499):
        with pytest.raises(FileError):
            keras.decode_weights(content[:length], like)


def hdf5(write):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def test_two_arrays_in_the_same_bytes_are_not_read_twice():
    """More entries are declared than the file has bytes for: each array fits, the sum does not."""

    def write(file):
        for index in range(3):
            file.create_dataset(f"a{index}", data=np.zeros(1000, "float32"))

    content = hdf5(write)
    with h5py.File(io.BytesIO(content)) as file:
        places = [file[f"a{index}"].id.get_offset() for index in range(3)]
    for place in places[1:]:  # all three point at the first one's bytes; then the others' bytes are cut off
        content = content.replace(place.to_bytes(8, "little"), places[0].to_bytes(8, "little"))
    with pytest.raises(FileError, match=r"more entries|damaged"):
        h5.decode(content[: places[0] + 4000])


def test_arrays_of_other_shapes_names_and_numbers():
    tree = h5.decode(members(LESSON)["model.weights.h5"])
    for change, message in (
        ({"layers/dense/vars/0": np.zeros((8, 16), "float32")}, "has shape"),
        ({"layers/dense/vars/0": np.zeros((16, 8), "int32")}, "real numbers"),
        ({"layers/dense/vars/0": None}, "there is no"),
        ({"layers/dense/vars/2": np.zeros(3, "float32")}, "which no layer"),
        ({"layers/dense_2/vars/0": np.zeros(3, "float32")}, "which no layer"),
        ({"optimizer/vars/0": np.float32(3)}, "number of steps"),
        ({"optimizer/vars/0": np.int32(-3)}, "number of steps"),
        ({"optimizer/vars/0": np.zeros(2, "int32")}, "single number"),
        ({"optimizer/vars/1": np.float32("nan")}, "learning rate"),
        ({"optimizer/vars/2": np.zeros(3, "float32")}, "has shape"),
        ({"optimizer/vars/9": None}, "has 9 arrays"),
        ({"optimizer/vars/9": None, "optimizer/vars/10": np.zeros(3, "float32")}, "not numbered"),
        ({"optimizer/vars/10": np.zeros(3, "float32")}, "has 11 arrays"),
    ):
        arrays = {path: array for path, array in {**tree, **change}.items() if array is not None}
        refused(with_members({"model.weights.h5": h5.encode({}, arrays)}), message)
    large = {"layers/dense/vars/1": np.full(8, 1e300), "optimizer/vars/3": np.full((16, 8), 1e38, "float32")}
    saved = keras.decode(with_members({"model.weights.h5": h5.encode({}, {**tree, **large})}))
    assert np.isinf(saved.weights["1/bias"]).all()
    assert np.isinf(saved.slots["velocity"]["1/kernel"]).all()
    without = {path: array for path, array in tree.items() if not path.startswith("optimizer")}
    saved = keras.decode(with_members({"model.weights.h5": h5.encode({}, without)}))
    assert (saved.iterations, saved.slots) == (0, {})
    assert zlib.crc32(h5.encode({}, without)) == zlib.crc32(h5.encode({}, without))


# ---- anything at any byte ---------------------------------------------------------------------------------------

MANY = settings(max_examples=1000 if settings.default.max_examples >= 500 else settings.default.max_examples)
PLAIN = (FOLDER / "plain-3.15.1-jax.keras").read_bytes()
CHANGE = st.tuples(st.integers(0, 10**6), st.sampled_from(["flip", "cut", "drop"]), st.integers(1, 255))
CHANGES = st.lists(CHANGE, min_size=1, max_size=3)


def damaged(content, changes):
    for place, kind, value in changes:
        place %= max(1, len(content))
        if kind == "flip":
            content = content[:place] + bytes([content[place] ^ value]) + content[place + 1 :] if content else content
        else:
            content = content[:place] + (b"" if kind == "cut" else content[place + value :])
    return content


def loads_the_same_or_is_refused(content, of_its_own=False):
    """Whether it is read; with `of_its_own` another model may be read, since no checksum shows the change."""
    try:
        model = restore(keras.decode(content))
    except FileError:
        return
    if not of_its_own:
        x, _ = data(model.input_shape[1:])
        assert np.array_equal(model.predict(x), restore(keras.decode(PLAIN)).predict(x))


@MANY
@given(CHANGES)
def test_a_changed_file_is_the_same_model_or_refused(changes):
    loads_the_same_or_is_refused(damaged(PLAIN, changes))


@MANY
@given(st.sampled_from(sorted(members(PLAIN))), CHANGES)
def test_a_changed_member_with_a_right_checksum_is_read_or_refused(name, changes):
    own = members(PLAIN)
    loads_the_same_or_is_refused(archive.pack({**own, name: damaged(own[name], changes)}), of_its_own=True)
