"""Every script of benchmarks/ and examples/ runs, in seconds, and every command that a document names is there."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
while not (ROOT / "setup.cfg").exists():  # wherever below tests/ this file stands
    ROOT = ROOT.parent
BENCHMARKS, EXAMPLES = ROOT / "benchmarks", ROOT / "examples"

NUMBER = r"-?[\d,]*\.?\d+(e[+-]\d+)?"
SCRIPTS = {  # how it is run, and what it prints, line by line
    "benchmarks/against.py": (
        "HEAD --quick",
        [rf"now / HEAD: {NUMBER} \({NUMBER} to {NUMBER}\), of 2 places in memory, 2 rounds each in alternation"],
    ),
    "benchmarks/exactness.py": (
        "--quick",
        [
            rf"  Dense +{NUMBER} +{NUMBER}",
            rf"  \d+ cases, no false alarm; largest error against the complex step {NUMBER}",
            rf"  adam +loss {NUMBER}, probability {NUMBER}",
        ],
    ),
    "benchmarks/files.py": ("--quick", [r"model.npz, \d\.\d+ MB", rf"    load {NUMBER} .*; the first .* ms"]),
    "benchmarks/gpu.py": (
        "--quick --rounds 1",
        [r"    tinynet +.*  right", rf" +32 +16  tinynet +{NUMBER} .*needs a GPU"],
    ),
    "benchmarks/interchange.py": ("--quick", [rf"none +lesson +({NUMBER} *){{5}}", r"none +dropout .*", "all is well"]),
    "benchmarks/lesson.py": (
        "--quick",
        [
            rf"seed 0 +({NUMBER} +){{5}}{NUMBER}",
            rf"python examples/fashion_mnist.py: {NUMBER} .* s, peak memory \d+ MB",
            rf"import tinynet: {NUMBER} .* ms more than import numpy",
        ],
    ),
    "benchmarks/mutation.py": ("--quick", [r"2 of \d+ mutants, drawn at random", r"all +2 +\d +\d +\d +\d+\.\d%"]),
    "benchmarks/onnx_check.py": ("--quick", [r"float32: .*; the same class for 500 of 500 test images,"]),
    "benchmarks/peers.py": ("--quick --out .", [rf"tinynet +({NUMBER}.*){{7}}", r"peers.json, peers.png"]),
    "benchmarks/pipeline.py": (
        "--quick",
        [r"peak memory of .*: \d+ MB", rf"shuffle, batch, map +\d+ us a step .*{NUMBER}"],
    ),
    "benchmarks/scaling.py": (
        "--quick --out .",
        [rf"batch 32, units 128, layers 2 +{NUMBER} .* \d+", r"scaling.json, scaling.png"],
    ),
    "benchmarks/speedrun.py": ("--quick", [r"seeds 0 to 1; .*", rf"tinynet +(0\.\d{{4}} +){{3}}{NUMBER} .*"]),
    "benchmarks/step.py": (
        "--quick",
        [rf"Adam +{NUMBER} +{NUMBER} +{NUMBER}", rf"the step +{NUMBER} +{NUMBER} +{NUMBER}", r".* times the floor: .*"],
    ),
    "benchmarks/way.py": (
        "--show",
        [
            r" +\d+  layers/dense.py: Dense.forward",
            r"from fit to Dense.forward: \d+ stays in \d+ files, \d+ calls; .*",
            r"model.save: \d+ stays in \d+ files, \d+ calls; formats/state.py is entered [1-9]\d* times",
        ],
    ),
    "examples/celsius_to_fahrenheit.py": ("", [r"100 C: +21[12]\.\d+ F the rule: 212 F"]),
    "examples/custom_layer.py": ("", [r"Gradient check of FirstTry .*: WRONG", r"Test accuracy: 0\.8\d{3}"]),
    "examples/exercises.py": ("--quick", [r"base model +101,770 +1 .*", r"Best by validation accuracy: .*"]),
    "examples/fashion_mnist.py": ("--quick", [r"2,000 images to train on, .*", r"Test accuracy: 0\.[678]\d{3}"]),
    "examples/speedrun.py": ("--sample", [r"Test accuracy: 0\.\d{4}, .*"]),
    "examples/training_loop.py": ("", [r"epoch 10: training loss 0\.\d{4}, test accuracy 0\.[78]\d\d"]),
}
HELPERS = ["cupti", "gpu_job", "gpu_machine", "gpu_table", "machine", "pictures", "quick"]  # only imported
NEEDS = {  # what the package does not bring
    "benchmarks/exactness.py": ["hypothesis"],
    "benchmarks/interchange.py": ["h5py"],
    "benchmarks/mutation.py": ["libcst", "mutmut"],
    "benchmarks/onnx_check.py": ["onnx", "onnxruntime"],
    "benchmarks/peers.py": ["matplotlib"],
    "benchmarks/scaling.py": ["matplotlib"],
}


def test_every_script_is_known():
    found = {path.relative_to(ROOT).as_posix() for folder in (BENCHMARKS, EXAMPLES) for path in folder.glob("*.py")}
    assert found == SCRIPTS.keys() | {f"benchmarks/{name}.py" for name in HELPERS}


def run(script, *arguments, folder, **environment):
    """The script in a process of its own, in that folder, where no full data can be had."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
    given["PYTHONWARNINGS"] = "default" if script in NEEDS else "error"  # others' packages may warn of what is to come
    return subprocess.run(
        [sys.executable, str(ROOT / script), *arguments],
        cwd=folder,
        env={**given, "TINYNET_DATA": str(folder), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def missing(script):
    """What this script needs and has not got here."""
    if script == "benchmarks/against.py":
        return [] if shutil.which("git") and (ROOT / ".git").exists() else ["git"]
    return [name for name in NEEDS.get(script, []) if importlib.util.find_spec(name) is None]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_it_runs(script, tmp_path):
    options, lines = SCRIPTS[script]
    done = run(script, *options.split(), folder=tmp_path)
    if absent := missing(script):
        assert done.returncode == 77
        assert done.stdout == ""
        assert re.fullmatch(rf"\w+\.py: .*{absent[0]}.*\n", done.stderr), "one line"
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "" or script in NEEDS
    printed = done.stdout.splitlines()
    for line in lines:
        assert any(re.fullmatch(line, each) for each in printed), f"{line}\n\n{done.stdout}"
    if "--quick" in options and script.startswith("benchmarks/"):
        assert any("no figure" in each for each in printed)


@pytest.mark.parametrize("script", sorted(NEEDS))
def test_without_what_it_needs_it_says_so_in_one_line(script, tmp_path):
    needed, (options, _) = NEEDS[script][0], SCRIPTS[script]
    # Python loads this before the script; it hides the module.
    hidden = "import importlib.util as util\nfind = util.find_spec\n"
    hidden += f"util.find_spec = lambda name: None if name == {needed!r} else find(name)\n"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    done = run(script, *options.split(), folder=tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert done.returncode == 77, done.stderr
    assert re.fullmatch(rf"\w+\.py: .*\b{needed}\b.* cannot be imported: python -m pip install .*\n", done.stderr)


def test_without_git_there_is_nothing_to_compare_with(tmp_path):
    done = run("benchmarks/against.py", "HEAD", "--quick", folder=tmp_path, PATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (77, "", "against.py: git is not installed\n")


# Where commands are named: documents, the first lines of scripts and modules, what CI runs.
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(path for folder in ("docs", "benchmarks") for path in (ROOT / folder).rglob("*.md")),
    *(path for folder in ("benchmarks", "examples", "tests", "tinynet") for path in (ROOT / folder).rglob("*.py")),
    *(path for path in (ROOT / ".ci").glob("*") if path.is_file()),
]
COMMAND = re.compile(r"python[\d.]* ((?:benchmarks|examples)/[\w/]+\.py)((?: [^\s`|]+)*)")


def commands():
    """(document, script, its options) of each command."""
    for document in DOCUMENTS:
        for script, options in COMMAND.findall(document.read_text(encoding="utf-8")):
            yield document.relative_to(ROOT).as_posix(), script, re.findall(r"--[\w-]+", options)


def test_every_command_that_a_document_names_is_there_with_its_options():
    found, unknown = list(commands()), []
    for document, script, options in found:
        path = ROOT / script
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        known = re.findall(r'"(--[\w-]+)"', source) + (["--quick"] if "quick.add_to" in source else [])
        if not source or (path.parent.name != "jobs" and set(options) - set(known)):
            unknown.append((document, script, options))
    assert not unknown
    assert {script for _, script, _ in found} >= SCRIPTS.keys(), "each script says how it is run"


@pytest.mark.parametrize("job", sorted(path.name for path in (BENCHMARKS / "jobs").glob("*.py")))
def test_the_jobs_compile(job):
    """Those of peers that are not here cannot be run; tinynet's are run by the scripts above."""
    path = BENCHMARKS / "jobs" / job
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


def test_calls_are_timed_for_the_gpu_benchmark_on_the_cpu(tmp_path):
    one = {"OPENBLAS_NUM_THREADS": "1"}  # as gpu.py has it
    done = run("benchmarks/jobs/gpu_micro.py", "--rehearse", folder=tmp_path, **one)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["device"] == {"name": "the CPU"}


def test_what_the_mutation_benchmark_changes_is_there():
    source = (BENCHMARKS / "mutation.py").read_text(encoding="utf-8")
    named = {node.targets[0].id: node.value for node in ast.parse(source).body if type(node) is ast.Assign}
    patterns = [*ast.literal_eval(named["MUTATED"]), *ast.literal_eval(named["EXCEPT"])]
    assert [each for each in patterns if not list((ROOT / "tinynet").glob(each))] == []
    for wanted in ("UNUSED_TESTS", "QUICK_TESTS"):
        patterns = re.findall(r'"(.*?)"', "".join(re.findall(rf"^{wanted} \+?= (.*)$", source, re.M)))
        assert patterns
        assert [each for each in patterns if not list((ROOT / "tests").glob(each))] == []
    (slow,) = ast.literal_eval(named["SLOW_TESTS"])
    file, _, function = slow.partition("::")
    assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")
    assert (ROOT / ast.literal_eval(named["QUICKLY"])).is_file()
