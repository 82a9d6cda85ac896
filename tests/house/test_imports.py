"""Imports point one way: a module knows those below it, and none knows itself by way of others.

Read from the text of every file, so that imports inside functions and those for type checkers count, too.
"""

from pathlib import Path

import pytest
from imports import graph

import tinynet as tn

# From the bottom to the top. What stands in one line imports none of that line but itself: a folder's files each other.
ORDER = [
    ["terminal", "files", "threads", "_version"],
    ["arguments"],
    ["config", "rng"],
    ["diagnosis"],
    ["backend"],
    ["kernels", "initializers", "regularizers"],
    ["layers"],
    ["losses"],
    ["metrics"],
    ["optimizers", "callbacks", "data", "utils"],
    ["intake"],
    ["training"],
    ["formats"],
    ["models"],
    ["gradcheck", "export", "saving", "activations", "nn", "datasets", "plotting"],
]


def upward(links, order):
    """The imports that do not point from a line of the order to one below it, as texts."""
    level = {room: number for number, line in enumerate(order) for room in line}
    for name, others in links.items():
        room = name.split(".")[0]
        if not room:  # the package itself, which imports all
            continue
        if room not in level:
            yield f"{room} has no place in the order"
            continue
        for other, line in others.items():
            above = other.split(".")[0]
            if not above:
                yield f"{name}, line {line}, imports the whole package"
            elif above != room and level.get(above, len(order)) >= level[room]:
                yield f"{name}, line {line}, imports {other}, which stands above or beside it"


def circles(links):
    """The sets of modules each of which imports the others, directly or not; __init__.py of a folder left out."""
    rooms = {name.rpartition(".")[0] for name in links if "." in name} | {""}
    files = {name: set(others) - rooms for name, others in links.items() if name not in rooms}
    reach = {}
    for start in files:
        seen, todo = set(), [*files[start]]
        while todo:
            name = todo.pop()
            if name in files and name not in seen:
                seen.add(name)
                todo += files[name]
        reach[start] = seen
    return sorted({tuple(sorted(b for b in reach[a] if a in reach[b])) for a in files if a in reach[a]})


LINKS = graph(Path(tn.__file__).parent)


def test_imports_point_one_way():
    assert list(upward(LINKS, ORDER)) == []


def test_no_module_imports_itself_by_way_of_others():
    assert circles(LINKS) == []


# ---- the test of imports is able to fail --------------------------------------------------------------------------

HOUSE = {
    "__init__.py": "from . import low, high\n",
    "low.py": "import os\n",
    "room/__init__.py": "from .one import One\n",
    "room/one.py": "from .. import low\nfrom .two import two\n",
    "room/two.py": "def two():\n    import math\n",
    "high.py": "from house.room import one\nimport house.low\n",
}


@pytest.fixture
def house(tmp_path):
    """A function that writes the files of a small package, with some changed, and gives its imports."""

    def write(**changes):
        for name, text in {**HOUSE, **changes.pop("files", {})}.items():
            path = tmp_path / "house" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return graph(tmp_path / "house")

    return write


SMALL = [["low"], ["room"], ["high"]]


def test_a_house_in_order(house):
    links = house()
    assert links["high"] == {"room.one": 1, "low": 2}
    assert links["room.one"] == {"low": 1, "room.two": 2}
    assert list(upward(links, SMALL)) == []
    assert circles(links) == []


@pytest.mark.parametrize(
    "text",
    [
        "from . import high\n",
        "def f():\n    from .room.one import One\n",
        "if TYPE_CHECKING:\n    from .room import two\n",
        "import house.high as h\n",
        "from house import high\n",
        "from . import anything\n",
    ],
)
def test_an_import_from_above_is_found_wherever_it_stands(house, text):
    assert len(list(upward(house(files={"low.py": text}), SMALL))) == 1


def test_what_has_no_place_is_named(house):
    assert list(upward(house(), SMALL[:2])) == ["high has no place in the order"]


@pytest.mark.parametrize("text", ["from .one import One\n", "def two():\n    from house.room import one\n"])
def test_circles_are_found(house, text):
    assert circles(house(files={"room/two.py": text})) == [("room.one", "room.two")]
