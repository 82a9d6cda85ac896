"""Runs mypy and pyright, as a user of an installed tinynet would, on program.py and mistakes.py.

    python tests/typing/check.py

In program.py they must find nothing. In mistakes.py they must find an error on each line that ends in "# wrong", and on
no other. The environment needs tinynet (not editable, since checkers do not follow that), numpy, matplotlib, mypy and
pyright. The files are copied to a folder of their own, where no checkout is in the way.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def main():
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("program.py", "mistakes.py"):
            shutil.copy(HERE / name, folder)
            text = (HERE / name).read_text(encoding="utf-8")
            wrong = {number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# wrong")}
            for checker in (mypy, pyright):
                found = checker(folder, name)
                faults += [f"{checker.__name__}: {name}:{line} is not found" for line in sorted(wrong - set(found))]
                extra = sorted(set(found) - wrong)
                faults += [f"{checker.__name__}: {name}:{line} {found[line]}" for line in extra]
                print(f"{checker.__name__}: {name}: {len(found)} lines with errors, {len(wrong)} expected")
    sys.exit("\n".join(faults) or 0)


def mypy(folder, name):
    """Return {line: message} of the errors that mypy finds in this file."""
    done = run([sys.executable, "-m", "mypy", "--no-incremental", "--show-error-codes", name], folder)
    errors = re.findall(rf"^{re.escape(name)}:(\d+): error: (.*)$", done.stdout, re.M)
    if done.returncode > 1 or (done.returncode == 1 and not errors):
        sys.exit(f"mypy failed:\n{done.stdout}{done.stderr}")
    return {int(line): message for line, message in errors}


def pyright(folder, name):
    """Return {line: message} of the errors that pyright finds in this file."""
    done = run([sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, name], folder)
    if done.returncode > 1:
        sys.exit(f"pyright failed:\n{done.stdout}{done.stderr}")
    report = json.loads(done.stdout[done.stdout.index("{") :])
    found = [each for each in report["generalDiagnostics"] if each["severity"] == "error"]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in found}


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)


if __name__ == "__main__":
    main()
