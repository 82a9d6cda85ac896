"""Documents tell the truth: their programs run, and the files, links and options that they name exist."""

import configparser
import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import own_layers
import pytest
import sabotage

import tinynet as tn

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "setup.cfg").exists())
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
TEXT = {name: (ROOT / name).read_text(encoding="utf-8") for name in [*DOCUMENTS, "CHANGELOG.md"]}
PROGRAMS = {name: re.findall(r"```python\n(.*?)```", text, re.S) for name, text in TEXT.items()}

(PROGRAM,) = PROGRAMS["README.md"]
(PIPELINE,) = PROGRAMS["docs/data.md"]
INSIDE, SCALE, CHECKS = PROGRAMS["docs/layers.md"]
(FILES,) = PROGRAMS["docs/files.md"]
(ONNX,) = PROGRAMS["docs/onnx.md"]
(AS_KERAS,) = PROGRAMS["docs/keras.md"]

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
URLS = dict(line.split(" = ") for line in SETUP["metadata"]["project_urls"].strip().splitlines())
BASE = f"{URLS['Source']}/blob/main/"  # of every link from the README to a file: PyPI shows it too


# ---- The programs -------------------------------------------------------------------------------------------------


@pytest.fixture
def program(monkeypatch, sample, tmp_path, capsys):
    """The names that the README's program leaves behind, on the sample instead of the full data."""
    monkeypatch.setattr(tn.datasets.fashion_mnist, "load_data", lambda *_, **__: sample)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(PROGRAM, names)
    return names


def test_the_program(program, tmp_path):
    assert 0.6 < program["accuracy"] < 1
    assert program["probabilities"].shape == (3, 10)
    assert program["probabilities"].dtype == np.float32
    assert np.allclose(program["probabilities"].sum(axis=1), 1, rtol=0, atol=1e-6)
    read = tn.models.load_model(tmp_path / "clothes.npz")
    assert np.array_equal(read.predict(program["x_test"][:3]), program["probabilities"])


def test_the_pipeline(tmp_path, monkeypatch, capsys):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.setattr(tn.datasets, "load", functools.partial(tn.datasets.load, sample=True))
    monkeypatch.chdir(tmp_path)
    exec(PIPELINE, names := {})
    assert names["model"].optimizer.iterations == 5 * 63
    assert 0.6 < names["accuracy"] < 1
    assert (tmp_path / "predictions.png").read_bytes().startswith(b"\x89PNG")
    matplotlib.pyplot.close("all")


def test_a_program_for_keras(monkeypatch, sample, capsys):
    monkeypatch.setattr(tn.datasets.fashion_mnist, "load_data", lambda *_, **__: sample)
    exec(AS_KERAS, names := {})
    assert 0.6 < names["accuracy"] < 1
    assert names["predictions"].shape == (32, 10)


def test_looking_inside(program):
    model, x, y = program["model"], program["x_test"][:5], program["y_test"][:5]
    names = {"model": model, "x": x, "y": y, "inputs": np.ones((5, 784), "float32"), "dy": np.ones((5, 128), "float32")}
    exec(INSIDE, names)
    assert [gradient.shape for gradient in names["gradients"]] == [weight.shape for weight in model.get_weights()]
    assert names["outputs"].shape == (5, 128)
    assert names["dx"].shape == (5, 784)
    assert names["layer"].grads["bias"].tolist() == [5] * 128


def test_the_layer_of_ones_own_trains(corners):
    exec(SCALE, names := {})
    model = tn.Sequential([names["Scale"](input_shape=(3,)), tn.layers.Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()[0]
    model.fit(*corners(), verbose=0)
    assert (model.get_weights()[0] != before).all()


def test_the_checks(program):
    pytest.importorskip("sympy")
    exec(SCALE, names := {})
    loss = tn.losses.SparseCategoricalCrossentropy()
    x, y = program["x_test"], program["y_test"]
    names |= {"model": program["model"], "x": x, "y": y, "loss": loss, "y_true": [0, 1], "y_pred": [[0.3, 0.7]] * 2}
    exec(CHECKS, names)


def test_the_report_of_a_wrong_layer():
    exec(SCALE.replace(".sum(axis=0)", ".mean(axis=0)"), names := {})
    with pytest.raises(tn.gradcheck.GradientError) as caught:
        tn.gradcheck.check_layer(names["Scale"](), (4,))
    shown = re.search(r"(Gradient check of Scale .*?)```", TEXT["docs/layers.md"], re.S)[1]
    shown, said = (
        [line.split() for line in text.splitlines() if line and " x " not in line]  # x's error is rounding
        for text in (shown, str(caught.value))
    )
    assert shown == said


def test_a_model_goes_to_a_file_and_on(program, tmp_path):
    exec(FILES, names := {"tn": tn, "model": program["model"], "x": program["x"], "y": program["y"]})
    assert names["model"].epochs_trained == 20
    assert names["model"].history.epoch == list(range(5, 20))
    assert (tmp_path / "weights.npz").exists()
    key = re.search(r'np\.load\("model\.npz"\)\["(.*?)"\]', FILES)[1]
    with np.load(tmp_path / "model.npz") as file:
        assert np.array_equal(file[key], program["model"].layers[2].kernel)


def test_to_onnx(program):
    why = "needs onnx and onnxruntime: python -m pip install onnx onnxruntime"
    pytest.importorskip("onnx", reason=why)
    pytest.importorskip("onnxruntime", reason=why)
    exec(ONNX, names := {"tn": tn, "model": program["model"], "x_test": program["x_test"]})
    assert np.abs(names["probabilities"] - program["model"].predict(program["x_test"])).max() <= 1e-5


def test_no_program_is_left_out():
    run = {"README.md", *(f"docs/{name}.md" for name in ("data", "files", "keras", "layers", "onnx"))}
    assert {name for name, programs in PROGRAMS.items() if programs} == run


# ---- What they say ------------------------------------------------------------------------------------------------


def test_the_readme_is_one_screen():
    assert len(TEXT["README.md"].splitlines()) <= 80


def test_the_output_is_that_of_the_program(full_data, tmp_path, monkeypatch, capsys):
    """Of the first epoch; its last digits depend on the processor."""
    monkeypatch.setattr(tn.datasets.fashion_mnist, "load_data", lambda: full_data)
    monkeypatch.chdir(tmp_path)
    exec(PROGRAM.replace("epochs=5", "epochs=1"), names := {})
    loss, accuracy = re.search(r"Epoch 1/5\n1875/1875 .* loss: (\S+) - accuracy: (\S+)\n", TEXT["README.md"]).groups()
    history = names["model"].history.history
    assert abs(history["loss"][0] - float(loss)) < 0.01
    assert abs(history["accuracy"][0] - float(accuracy)) < 0.01


def test_the_numbers_of_wrong_and_right_layers_are_true():
    wrong = [any(case.says.values()) for case in sabotage.LAYERS.values()]
    wrong += [bool(cause) for *_, cause in sabotage.LOSSES.values()]
    trust = TEXT["docs/trust.md"]
    assert f"that the checker finds | {len(wrong)} of {len(wrong)} |" in TEXT["README.md"]
    assert f"that the checker finds | {len(wrong)} of {len(wrong)} |" in trust
    assert f"rightly names none | {sum(wrong)} |" in trust
    assert f"none of {len(own_layers.RIGHT)}, {len(own_layers.RIGHT) * 1000:,} cases" in trust, "500 by two methods"


def test_the_machine_without_a_gpu(machine):
    machine.importing(ModuleNotFoundError("No module named 'cupy'", name="cupy"))
    machine.installed()
    machine.driver(0)
    shown = re.search(r"```\n(tinynet  .*?)```", TEXT["docs/gpu.md"], re.S)[1]
    rows, ours = {line[:14].strip(): line[14:] for line in shown.splitlines()}, machine.info()
    assert list(rows) == list(ours)
    same = [name for name in rows if name not in ("Python", "NumPy")]  # these are the machine's
    assert {name: rows[name] for name in same} == {name: ours[name] for name in same}


@pytest.mark.parametrize("name", TEXT)
def test_it_never_says_to_install_the_other_tinynet(name):
    assert not re.search(r"pip install ['\"]?tinynet(?!-nn)", TEXT[name])


# ---- Links and paths ----------------------------------------------------------------------------------------------


def links(text):
    """The targets of Markdown's links, without what follows a #."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    return [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]


def test_the_readmes_links_are_absolute_and_lead_to_files():
    found = links(TEXT["README.md"])
    assert found
    assert [link for link in found if not link.startswith(BASE)] == []
    assert [link for link in found if not (ROOT / link.removeprefix(BASE)).exists()] == []


def test_the_metadatas_links_have_the_same_base():
    assert list(URLS) == ["Source", "Documentation", "Changelog", "Issues"]
    assert all(url == URLS["Source"] or url.startswith(f"{URLS['Source']}/") for url in URLS.values())
    assert [url for url in URLS.values() if url.startswith(BASE) and not (ROOT / url.removeprefix(BASE)).exists()] == []


@pytest.mark.parametrize("name", [name for name in TEXT if name != "README.md"])
def test_links_between_documents_lead_to_files(name):
    inside = [link for link in links(TEXT[name]) if not link.startswith("https://")]
    assert [link for link in inside if not (ROOT / name).parent.joinpath(link).exists()] == []


def paths(text):
    """What stands between backticks and is a path: one word with a slash or with the ending of a source file."""
    spans = re.findall(r"(?<!`)`([\w./-]+)`(?!`)", text)
    return [span for span in spans if "/" in span or span.endswith((".py", ".md", ".cfg", ".toml"))]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_that_are_named_exist(name):
    rule = ("tinynet/X/y.py", "X/test_y.py")  # CONTRIBUTING: where a test goes
    folders = [ROOT, ROOT / "tinynet", ROOT / "tests"]
    named = [path for path in paths(TEXT[name]) if path not in rule]
    assert [path for path in named if not any((folder / path).exists() for folder in folders)] == []


# ---- Commands -----------------------------------------------------------------------------------------------------

def commands(text):
    """The commands of a document, in indented blocks, in blocks of sh and between backticks, as tuples of words."""
    text = re.sub(r"```(?!sh\n).*?```", "", text, flags=re.S)
    lines = re.findall(r"^ {4}(\S.*)$", text, re.M) + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    for line in lines:
        for part in line.split(" && "):
            part = re.sub(r"^(\w+=\S+ +)+", "", part)  # variables of the environment
            if re.match(r"((\S*/)?python|bash|jupyter|\.ci/\w+)( |$)", part):
                yield tuple(shlex.split(part, comments=True))


ABSENT = 77  # the status of a benchmark that needs what is not installed
COMMANDS = sorted({command for name in DOCUMENTS for command in commands(TEXT[name])})


def test_commands_are_found():
    assert ("python", "examples/fashion_mnist.py") in COMMANDS
    assert ("python", "-m", "pytest", "-m", "gpu") in COMMANDS
    assert (".ci/run",) in COMMANDS
    assert len(COMMANDS) > 30


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_name_what_exists(command):
    program, *words = command
    if program == "bash" or program.startswith(".ci/"):
        script = ROOT / (words[0] if program == "bash" else program)
        assert script.exists()
        assert program == "bash" or script.stat().st_mode & 0o111, "not executable"
    elif program == "jupyter":
        assert (ROOT / "examples" / words[-1]).exists()
    elif words[:2] == ["-m", "pip"]:
        check_pip(words[2:])
    elif words[:2] == ["-m", "pytest"]:
        check_pytest(words[2:])
    elif words[:2] != ["-m", "venv"]:
        check_script(*words)


def check_pip(words):
    assert words[0] == "install"
    for extra in re.findall(r"\[([\w,]+)\]", " ".join(word for word in words if word.startswith("."))):
        assert set(extra.split(",")) <= set(SETUP["options.extras_require"])
    for path in re.findall(r"-r (\S+)", " ".join(words)):
        assert (ROOT / path).exists()


def check_pytest(words):
    paths = [word for word in words if word.startswith("tests")]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    configured = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    for option, value in re.findall(r"(?<!\S)(--?[\w-]+)[ =]?(\S*)", " ".join(words)):
        if option == "-m":
            assert f"\n{value}:" in SETUP["tool:pytest"]["markers"]
        elif option == "-k":
            assert any(value in (ROOT / path).read_text(encoding="utf-8") for path in paths)
        elif option == "--hypothesis-profile":
            assert re.search(rf'register_profile\(\s*"{value}"', configured)
        else:
            assert option == "-n"


@functools.cache
def help_of(script):
    """What a script says of its options, by --help; the text of one without argparse, which would begin to work."""
    text = (ROOT / script).read_text(encoding="utf-8")
    if "import argparse" not in text:
        return text
    command = [sys.executable, script, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=False)
    if done.returncode == ABSENT or "No module named" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_script(script, *words):
    assert (ROOT / script).exists()
    for option in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", help_of(script)), f"{script} has no option {option}"
    for word in words:
        assert not word.endswith(".py") or (ROOT / word).exists()
