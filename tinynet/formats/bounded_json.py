"""Read and write JSON in which sizes, depth, numbers and strings are bounded: a file may come from anybody."""

from __future__ import annotations

import json
import re
from typing import Any

from .record import FileError

LARGEST = 1 << 20  # bytes
DEEPEST = 64  # levels of lists and records inside one another; an inner model takes three
LONGEST_NUMBER, LONGEST_STRING = 100, 10_000  # characters
STRING = re.compile(r'"[^"]*"')
LONG_NUMBER = re.compile(rf"(?<![-+.\deE])[-+.\deE]{{{LONGEST_NUMBER + 1},}}")


def dumps(record: dict[str, Any], name: str) -> bytes:
    """Return the bytes of a record for a member called `name`.

    Raises:
        FileError: `loads` would refuse these bytes.
        TypeError, ValueError: JSON cannot express the record.
    """
    content = json.dumps(record, indent=1).encode()
    loads(content, name)
    return content


def loads(content: bytes, name: str, constants: bool = True) -> dict[str, Any]:
    """Return the record in the bytes of a member.

    Args:
        content: The bytes, JSON in UTF-8.
        name: The name of the member, for messages.
        constants: Whether NaN and the infinities are numbers. JSON does not have them, but Python writes them.

    Raises:
        FileError: The bytes are not JSON, do not hold a record, or exceed one of the bounds.
    """
    if len(content) > LARGEST:
        raise FileError(f"{name} has {len(content):,} bytes, more than the {LARGEST:,} that are read")
    try:
        text = content.decode()
        bare = STRING.sub("", text.replace("\\\\", "").replace('\\"', ""))  # all that does not stand in a string
        if number := LONG_NUMBER.search(bare):  # before Python converts it, in a time that grows with its square
            raise FileError(f"a number has {len(number[0]):,} digits, more than the {LONGEST_NUMBER} that are read")
        record = json.loads(text) if constants else json.loads(text, parse_constant=_refuse)
    except FileError as error:
        raise FileError(f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name} is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise FileError(f"{name} holds no record")
    _check(record, name, bare.count(":"))
    return record


def _check(record: dict[str, Any], name: str, pairs: int) -> None:
    """Raise FileError for a long string, too many levels, or a key that is there twice.

    `pairs` is the number of keys in the text: outside of strings, a colon stands behind each key and nowhere else. If
    a key is there twice, fewer of them are left in the record.
    """
    level: list[Any] = [record]
    for _ in range(DEEPEST):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                pairs -= len(value)
                inside += value
                inside += value.values()
            elif isinstance(value, list):
                inside += value
            elif isinstance(value, str) and len(value) > LONGEST_STRING:
                raise FileError(f"{name} has a string of more than {LONGEST_STRING:,} characters")
        if not inside:
            break
        level = inside
    else:
        raise FileError(f"{name} is nested more than {DEEPEST} deep")
    if pairs:
        raise FileError(f"{name}: a key is there twice in one record")


def _refuse(constant: str) -> float:
    raise FileError(f"{constant} is no number")
