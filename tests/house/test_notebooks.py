"""The lesson's notebooks: one program in two languages, run on the sample, stored as a full run left them."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("lesson.ipynb", "lesson_ru.ipynb")
# The cells one after the other in one namespace, as a kernel runs them; the data are the sample that comes along.
RUN = """
import functools, json, pathlib, sys
import matplotlib
matplotlib.use("Agg")
import tinynet as tn
tn.datasets.load = functools.partial(tn.datasets.load, sample=True)
notebook = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
names = {"__name__": "__main__"}
for number, cell in enumerate(notebook["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
from matplotlib import pyplot as plt
print("figures:", len(plt.get_fignums()))
"""


def notebook(name):
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


def cells(name, kind):
    return [cell for cell in notebook(name)["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def outputs(name):
    return [output for cell in cells(name, "code") for output in cell["outputs"]]


def printed(name):
    return "".join("".join(output["text"]) for output in outputs(name) if output["output_type"] == "stream")


def pictures(name):
    return [output["data"]["image/png"] for output in outputs(name) if "image/png" in output.get("data", {})]


def test_the_two_languages_are_one_program():
    english, russian = ([source(cell) for cell in cells(name, "code")] for name in NAMES)
    assert english == russian
    order = [[cell["cell_type"] for cell in notebook(name)["cells"]] for name in NAMES]
    assert order[0] == order[1]


def test_each_text_is_in_its_language():
    for name, expected in zip(NAMES, (False, True), strict=True):
        for cell in cells(name, "markdown"):
            # Words in code, formulas and class names aside, the letters of one alphabet prevail.
            text = re.sub(r"`[^`]*`", "", source(cell))
            cyrillic, latin = (len(re.findall(letters, text)) for letters in ("[а-яё]", "[a-z]"))
            assert (cyrillic > latin) == expected, source(cell)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_a_full_run_from_top_to_bottom(name):
    code = cells(name, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert {output["output_type"] for output in outputs(name)} == {"stream", "display_data", "execute_result"}
    assert {output.get("name", "stdout") for output in outputs(name)} == {"stdout"}, "nothing on stderr"
    text = printed(name)
    assert "Images to train with: 60000\nImages to test with:  10000\n" in text
    assert text.count("1875/1875 [") == 5
    assert "48000 to train with, 12000 to compare by" in text
    assert 0.86 < float(re.search(r"Test accuracy: (0\.\d{4})", text)[1]) < 0.89
    assert ("Шорты" if name == "lesson_ru.ipynb" else "Trouser") in text
    assert not re.search(r"/(home|root|tmp|work|Users)/", (EXAMPLES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_the_text_and_the_stored_figures_agree(name):
    """What the texts promise is what the run shows."""
    text = printed(name)
    relu, linear = (float(re.search(rf"{which} +validation accuracy (0\.\d+)", text)[1]) for which in ("ReLU", "out"))
    assert relu > linear + 0.02
    assert float(re.search(r"probabilities differ by at most (\S+)", text)[1]) < 1e-5
    least, last = re.search(r"after epoch \d+, (0\.\d+); in the end (\d\.\d+)", text).groups()
    assert float(last) > 1.2 * float(least), "it learns by heart"
    assert abs(float(re.search(r"100 C are (\d+\.\d) F", text)[1]) - 212) <= 0.5


@pytest.mark.parametrize("name", NAMES)
def test_the_pictures_are_stored(name):
    stored = [base64.b64decode(picture) for picture in pictures(name)]
    assert len(stored) == 17
    assert all(png.startswith(b"\x89PNG") for png in stored)


@pytest.mark.slow
def test_it_runs_on_the_sample_within_a_minute():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, str(EXAMPLES / NAMES[0])],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Images to train with: 2000" in done.stdout
    assert done.stdout.splitlines()[-1] == "figures: 17", "as many as are stored"
