"""Changes one operator, number or condition of the library at a time, and counts what a test notices.

    python -m pip install -e '.[test,mutation]'
    python benchmarks/mutation.py                           all that is in MUTATED below
    python benchmarks/mutation.py tinynet/regularizers.py   some files of it
    python benchmarks/mutation.py --sample 150              so many mutants, drawn at random, of all; or of some files
    python benchmarks/mutation.py --quick                   two mutants of one file, and the first tests alone

Each mutant is one change of arithmetic, comparison or control flow, made by those of mutmut's operators that do this
and by `conditions` below. mutmut's own runner is not used: it cannot choose among its operators, and it leaves out
properties, `__setattr__` and all that stands outside of functions. Here the process loads the libraries that the tests
need, all but tinynet, and forks for each mutant; the child imports the mutated code in place of the file's and runs the
tests up to the first failure. A mutant that needs three times the processor time of all tests counts as killed.

The rule of what is left out, by where it stands:

- what is said: `raise` and all in it (not the condition in front of it), f-strings and `__repr__`; no operator changes
  a string, so docstrings and names stay too;
- annotations, decorators and `if TYPE_CHECKING`;
- what changes speed alone: the arguments `out=` and `copy=`; and `strict=` of zip, an assertion about ourselves;
- the pictures (`plotting/`), where most numbers are sizes and distances, which are judged by looking;
- the default of a parameter that its function does not read: it is there for the signature that all layers share.

The survivors that change nothing stand in tests/mutation_survivors.txt, each with the reason. The command fails if
another mutant survives, if one that stands there no longer does, or if fewer than 95 % of all mutants are killed.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import math
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import quick

quick.need("python -m pip install -e '.[test,mutation]'", "libcst", "mutmut", "pytest")

import libcst as cst  # noqa: E402, only now is it known to be there
import libcst.matchers as m  # noqa: E402
from libcst.metadata import MetadataWrapper, PositionProvider  # noqa: E402
from mutmut.mutation import mutators  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
MUTATED = [
    "layers/*.py",
    "losses/*.py",
    "optimizers/*.py",
    "metrics/*.py",
    "callbacks/*.py",
    "initializers.py",
    "regularizers.py",
    "utils.py",
    "config.py",
    "data/*.py",
    "datasets/info.py",
    "datasets/folder.py",
    "datasets/loading.py",
    "intake/*.py",
    "kernels/*.py",
    "training/*.py",
    "models/*.py",
    "files.py",
    "formats/*.py",
    "gradcheck/*.py",
]
EXCEPT = ["callbacks/progress.py", "models/summary.py"]  # what is printed, which is judged by looking
QUICKLY = "tinynet/regularizers.py"  # with --quick
# What is not run: tests of other things than these files, and one that takes minutes.
UNUSED_TESTS = ["house/*", "plotting/*", "gpu/test_benchmark_scripts.py", "callbacks/test_progress.py"]
UNUSED_TESTS += ["datasets/test_fashion_mnist.py", "datasets/test_fetch.py", "datasets/test_idx.py"]
UNUSED_TESTS += ["test_scripts.py"]
SLOW_TESTS = ["tests/everything/test_lesson.py::test_the_lesson_on_the_real_data_over_five_seeds"]
# What runs before all others on whatever is not gradcheck's: a second each, and much of what there is.
QUICK_TESTS = ["keras/test_parity.py", "layers/*", "losses/*", "metrics/*", "models/test_trainer.py"]
QUICK_TESTS += ["data/test_dataset.py"]
LOADED_ONCE = ["pytest", "hypothesis.extra.numpy", "numpy.random", "scipy.special", "sklearn.metrics", "sympy"]
SURVIVORS = ROOT / "tests" / "mutation_survivors.txt"
GOAL = 0.95


def conditions(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`if`, `while` and `if` in a comprehension with a constant condition; `for` over nothing."""
    if isinstance(node, cst.For):
        yield node.with_changes(iter=cst.Tuple([]))
    else:
        yield node.with_changes(test=cst.Name("False"))
        yield node.with_changes(test=cst.Name("True"))


OPERATORS = [
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.CSTNode, mutators.operator_keywords),
    (cst.CSTNode, mutators.operator_swap_op),
    (cst.IfExp, mutators.operator_if_exp),
    ((cst.If, cst.While, cst.CompIf, cst.For), conditions),
]
LEFT_OUT = (
    m.Raise()
    | m.FormattedString()
    | m.FunctionDef(name=m.Name("__repr__"))
    | m.Annotation()
    | m.Decorator()
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.Arg(keyword=m.Name("out") | m.Name("copy") | m.Name("strict"))
)


@dataclass
class Mutant:
    path: str  # from the root of the repository
    line: int
    where: str  # the class and function
    change: str  # lines that begin with - and +
    code: CodeType
    status: int = 0  # the exit status of the tests: 0 where it survives

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by in the list of survivors: not the line, which every edit above moves."""
        return f"{self.path} {self.where}", self.change


class Mutations(cst.CSTVisitor):
    """Collects (node, mutated node, line, class and function) from all places that are not left out."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self):
        self.found, self.names, self.unread = [], [], set()

    def on_visit(self, node):
        if isinstance(node, (cst.ClassDef, cst.FunctionDef)):
            self.names.append(node.name.value)
        if node in self.unread or m.matches(node, LEFT_OUT):
            return False
        if isinstance(node, cst.FunctionDef):
            read = {name.value for name in m.findall(node.body, m.Name())}
            parameters = [*node.params.params, *node.params.kwonly_params]
            self.unread |= {each.default for each in parameters if each.name.value not in read}
        line = self.get_metadata(PositionProvider, node).start.line
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                self.found += [(node, mutated, line, ".".join(self.names)) for mutated in operator(node)]
        return True

    def on_leave(self, node):
        if isinstance(node, (cst.ClassDef, cst.FunctionDef)):
            self.names.pop()


def mutants(path: str) -> list[Mutant]:
    """All mutants of one file."""
    source = Path(path).read_text()
    wrapper, visitor = MetadataWrapper(cst.parse_module(source)), Mutations()
    wrapper.visit(visitor)
    result = []
    for node, mutated, line, where in visitor.found:
        changed = wrapper.module.deep_replace(node, mutated).code
        lines = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0))[2:]
        change = "\n".join(f"{text[0]} {text[1:].strip()}" for text in lines if text[0] in "-+")
        result.append(Mutant(path, line, where, change, compiled(changed, path)))
    return result


def compiled(source: str, path: str) -> CodeType:
    """The code of a module as an import would have it, with the full path that tracebacks show."""
    return compile(source, ROOT / path, "exec")


def start(path: str, code: CodeType, seconds: int, groups: int, quiet: bool = True) -> int:
    """Fork a process that runs the tests with this code in the file's place, and return its id.

    `groups` says how many of `tests_of` are run. It is ended after so many seconds of processor time, or ten times as
    many by the clock.
    """
    process = os.fork()
    if process:
        return process
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.alarm(10 * seconds)
    if quiet:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
    real = SourceFileLoader.get_code
    SourceFileLoader.get_code = lambda loader, name: code if loader.path == str(ROOT / path) else real(loader, name)
    import pytest

    options = "-x -q -n 0 -p no:cacheprovider --hypothesis-profile=mutation"
    options += " -W ignore::pytest.PytestAssertRewriteWarning"
    deselected = [f"--deselect={test}" for test in SLOW_TESTS]
    status = 0
    for some in tests_of(Path(path))[:groups]:
        if not status:
            status = pytest.main([*options.split(), *deselected, *some])
    os._exit(status)


def tests_of(path: Path) -> list[list[str]]:
    """The test files in the order in which they run: most mutants do not outlive the first.

    First those that mirror the mutated module or its package, or import from it, then those of its package and the
    quick ones, then all others. gradcheck, which no other module imports, is left to the first two, and what `prove` is
    made of to the first.
    """
    package, name = path.parent.name, path.stem
    files = matching(["**/test_*.py"]) - matching(UNUSED_TESTS)
    in_order = sorted(files, key=lambda file: (file.stat().st_size, file))  # short ones first
    texts = {file: file.read_text() for file in in_order}
    mirror = Path("tests", *path.with_name(f"test_{name}.py").parts[1:])
    named = {file for file in texts if file == mirror or file.stem == f"test_{package}"}
    first = [file for file, text in texts.items() if file in named or f"{package}.{name} import" in text]
    quickly = matching(QUICK_TESTS) if package != "gradcheck" else set()
    second = [file for file in texts if file not in first and (package in file.parts or file in quickly)]
    third = [file for file in texts if file not in first and file not in second]
    if package == "gradcheck":
        third, second = [], second if name not in ("formulas", "symbolic") else []
    return [[str(file) for file in some] for some in (first, second, third) if some]


def matching(patterns: list[str]) -> set[Path]:
    """The test files that one of these patterns finds."""
    return {path for pattern in patterns for path in Path("tests").glob(pattern) if path.name.startswith("test_")}


def run(queue: list[Mutant], seconds: int, groups: int) -> None:
    """Run the tests on each mutant, as many at a time as there are processors, and note their exit status."""
    waiting, running = queue[::-1], {}
    while waiting or running:
        while waiting and len(running) < os.cpu_count():
            mutant = waiting.pop()
            running[start(mutant.path, mutant.code, seconds, groups)] = mutant
        process, status = os.wait()
        running.pop(process).status = os.waitstatus_to_exitcode(status)
        done = len(queue) - len(waiting) - len(running)
        if done % 100 == 0:
            print(f"{done} of {len(queue)} mutants", flush=True)


def accepted() -> dict[tuple[str, str], str]:
    """The reasons in the list of survivors, by the key of the mutant. Blank lines part the entries, # is a comment."""
    reasons = {}
    for block in SURVIVORS.read_text().split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if lines:
            change = [line for line in lines[1:] if line[:2] in ("- ", "+ ")]
            reasons[lines[0], "\n".join(change)] = " ".join(lines[1 + len(change) :])
    return reasons


def report(queue: list[Mutant], sampled: bool) -> bool:
    """Print every survivor, the entries that are out of date, and the score; whether all is well."""
    paths = list(dict.fromkeys(mutant.path for mutant in queue))
    reasons = {key: reason for key, reason in accepted().items() if key[0].split()[0] in paths}
    survivors = [mutant for mutant in queue if mutant.status == 0]
    unlisted = [mutant for mutant in survivors if not reasons.get(mutant.key)]
    known = {mutant.key for mutant in queue} if sampled else reasons.keys()
    stale = (reasons.keys() & known) - {mutant.key for mutant in survivors}
    for mutant in survivors:
        print(f"\n{mutant.path}:{mutant.line} {mutant.where}\n{mutant.change}")
        print(f"accepted: {reasons[mutant.key]}" if mutant not in unlisted else "SURVIVES, with no reason given")
    for where, change in sorted(stale):
        print(f"\nListed, but killed or no longer there: {where}\n{change}")
    print(f"\n{'':<36}{'mutants':>8}{'killed':>8}{'accepted':>10}{'unlisted':>10}{'score':>9}")
    for path in [*paths, "all"]:
        total, lived, new = (
            sum(path in (mutant.path, "all") for mutant in some) for some in (queue, survivors, unlisted)
        )
        print(f"{path:<36}{total:>8}{total - lived:>8}{lived - new:>10}{new:>10}{1 - lived / total:>9.1%}")
    return not (unlisted or stale) and len(survivors) <= (1 - GOAL) * len(queue)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", metavar="FILE", help="by default all that is in MUTATED")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, drawn at random")
    quick.add_to(parser)
    options = parser.parse_args()
    paths, sample, groups = options.paths, options.sample, 3
    if options.quick:
        print(quick.NOTICE)
        paths, sample, groups = paths or [QUICKLY], sample or 2, 1
    begin = time.monotonic()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    for name in LOADED_ONCE[:1] if options.quick else LOADED_ONCE:
        importlib.import_module(name)
    left_out = {f"tinynet/{name}" for name in EXCEPT}
    paths = paths or sorted({path.as_posix() for each in MUTATED for path in Path("tinynet").glob(each)} - left_out)
    queue = [mutant for path in paths for mutant in mutants(path)]
    if sample and sample < len(queue):
        print(f"{sample} of {len(queue)} mutants, drawn at random")
        queue = random.Random(0).sample(queue, sample)

    source = Path(paths[0]).read_text()
    _, status, used = os.wait4(start(paths[0], compiled(source, paths[0]), 600, groups, quiet=False), 0)
    if status:
        sys.exit("A test fails on the code as it is.")
    run(queue, math.ceil(3 * (used.ru_utime + used.ru_stime)), groups)
    well = report(queue, sampled=sample is not None)
    out_of_time = sum(mutant.status < 0 for mutant in queue)  # ended by a signal
    print(f"{time.strftime('%Y-%m-%d')}, {time.monotonic() - begin:.0f} s, {out_of_time} killed by running out of time")
    return int(not well and not options.quick)


if __name__ == "__main__":
    sys.exit(main())
