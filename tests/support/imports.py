"""Which module of a package imports which, read from the text of every file."""

import ast


def modules(package):
    """The files of a package, by their names: "layers.dense", and "layers" for its __init__.py."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = list(path.relative_to(package).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name, path, package, known):
    """The modules of the package that this one names in its imports, wherever they stand, and the lines."""
    here = name.split(".") if name else []
    inside = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = inside[: len(inside) - node.level + 1]
                start = [*base, *(node.module.split(".") if node.module else [])]
            elif node.module and node.module.split(".")[0] == package:
                start = node.module.split(".")[1:]
            else:
                continue
            for alias in node.names:
                whole = ".".join([*start, alias.name])
                yield (whole if whole in known else ".".join(start)), node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == package:
                    yield ".".join(parts[1:]), node.lineno


def graph(folder):
    """For each module of the package in this folder those that it imports, each with the line."""
    known = modules(folder)
    found = {name: {} for name in known}
    for name, path in known.items():
        for other, line in imported(name, path, folder.name, known):
            if other != name:
                found[name].setdefault(other, line)
    return found
