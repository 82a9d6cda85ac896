"""JSON from anybody: bounded in size, depth and numbers before anything is made of it."""

from __future__ import annotations

import json
from typing import Any

from .record import FileError

LARGEST = 1 << 20  # bytes
DEEPEST = 64  # lists and records in one another; an inner model takes three
LONGEST_NUMBER, LONGEST_STRING = 100, 10_000


def loads(content: bytes, name: str, constants: bool = True) -> dict[str, Any]:
    """The record in a member of this name; FileError if it is none, or more than is read.

    With `constants` NaN and the infinities, which JSON does not have but Python writes, are numbers.
    """
    if len(content) > LARGEST:
        raise FileError(f"{name} has {len(content):,} bytes, more than the {LARGEST:,} that are read")
    try:
        refuse = {} if constants else {"parse_constant": _refuse}
        hooks = {"parse_int": _integer, "parse_float": _float, "object_pairs_hook": _record}
        text = json.loads(content.decode(), **hooks, **refuse)
    except FileError as error:
        raise FileError(f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name} is no JSON: {error}") from None
    if not isinstance(text, dict):
        raise FileError(f"{name} holds no record")
    _check(text, name)
    return text


def _check(text: Any, name: str) -> None:
    level = [text]
    for _ in range(DEEPEST):
        inside = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))]
        if any(isinstance(one, str) and len(one) > LONGEST_STRING for one in level):
            raise FileError(f"{name} has a string of more than {LONGEST_STRING:,} characters")
        level = [one for values in inside for one in values]
        if not level:
            return
    raise FileError(f"{name} is nested more than {DEEPEST} deep")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise FileError(f"a number has {len(digits):,} digits, more than the {LONGEST_NUMBER} that are read")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER:
        raise FileError(f"a number has {len(digits):,} digits, more than the {LONGEST_NUMBER} that are read")
    return float(digits)


def _refuse(constant: str) -> float:
    raise FileError(f"{constant} is no number")


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise FileError("a key is there twice in one record")
    if any(len(key) > LONGEST_STRING for key in record):
        raise FileError(f"a key has more than {LONGEST_STRING:,} characters")
    return record
