"""Gives every benchmark the option --quick, and one way to say what is missing.

With --quick a benchmark runs all of its code in seconds, on the sample that comes with tinynet, without its peers. It
shows that the command works. No figure of such a run may be quoted.

A benchmark that cannot run here says in one line why, and exits with the status ABSENT.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ABSENT = 77  # as Automake's tests have it: neither right nor wrong, but not run
HELP = "seconds, on the sample and without peers: shows that it runs, no figure may be quoted"
NOTICE = "--quick: no figure below may be quoted"


def add_to(parser):
    """Add the option to an argparse parser."""
    parser.add_argument("--quick", action="store_true", help=HELP)


def absent(reason):
    """Exit with ABSENT, and the reason in one line."""
    print(f"{Path(sys.argv[0]).name}: {reason}", file=sys.stderr)
    raise SystemExit(ABSENT)


def need(install, *modules):
    """Exit with ABSENT unless these modules can be imported; `install` says how to get them."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        absent(f"{' and '.join(missing)} cannot be imported: {install}")
