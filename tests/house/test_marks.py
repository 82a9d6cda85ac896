"""What pytest itself says of the tests that need a GPU, where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROKEN = """
import types, warnings
warnings.warn("CuPy may not function correctly because multiple CuPy packages are installed")
__version__ = "14.2.0"
runtime = types.SimpleNamespace(getDeviceCount=lambda: 0, runtimeGetVersion=lambda: 12090)
cuda = types.SimpleNamespace(runtime=runtime)
"""


@pytest.fixture
def run(tmp_path):
    """A function that runs pytest with a CuPy that warns and finds no device: its exit code and output."""
    (tmp_path / "cupy.py").write_text(BROKEN)

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/gpu/test_kernels.py", *options]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}  # the folder it starts in comes first
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["gpu", "gpu and not slow"])
def test_a_run_that_asks_for_the_gpu_fails_where_there_is_none_and_says_why(run, asked):
    code, output = run("-m", asked)
    assert code == 1
    assert output.count("backend='cupy': CuPy 14.2.0 is installed, but ") == 1, "a warning of its import is no failure"
    assert "skipped" not in output


@pytest.mark.slow
def test_other_runs_skip_them_and_count_them_in_a_line(run):
    code, output = run("-k", "small_momenta")
    assert code == 0
    assert "tests that need a GPU, skipped: 1 (backend='cupy': CuPy 14.2.0 is installed, but " in output
    assert run("-m", "not gpu", "-k", "compiles and sm_90")[0] == 0
    code, output = run("-m", "gpu", "--collect-only")
    assert (code, "backend='cupy'" in output) == (0, False)
