"""Compression of what the history keeps of a run: long texts, and the seconds of thousands of rules. Pure.

The names of rules take a hundred times the room of their seconds and are the same from run to run. So a list of names is
kept once, under a name made of its content, and each run keeps numbers in the order of its list.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONG = 1_000
LARGEST = 64_000_000
"""No text of ours is longer, so longer ones are not unpacked."""
PACKED = b"x"
DAMAGE = (ValueError, TypeError, RecursionError, OverflowError)
UNIT = 10_000
"""Seconds are kept in tenths of a millisecond."""


def packed(text: str) -> bytes:
    """A text as it is or, if it is long, by zlib."""
    data = text.encode()
    return zlib.compress(data) if len(data) > LONG else data


def unpacked(data: bytes) -> str:
    """The inverse of `packed`. Raises `ValueError`."""
    if not data.startswith(PACKED):
        return data.decode()
    expanding = zlib.decompressobj()
    try:
        text = expanding.decompress(data, LARGEST)
    except zlib.error:
        raise ValueError("it is damaged") from None
    if not expanding.eof:
        raise ValueError("it is cut short, or too long")
    return text.decode()


@dataclass(frozen=True, slots=True)
class Seconds:
    """What each rule of a run took: the name of its list of rules, that list, and the seconds in the same order."""

    name: str
    rules: bytes
    taken: bytes


def pack_seconds(seconds: Mapping[str, float]) -> Seconds:
    """The seconds of all rules as a list of names and a list of numbers in the same order."""
    rules = sorted(seconds)
    names = pack_names(rules)
    taken = json.dumps([round(seconds[rule] * UNIT) for rule in rules], separators=(",", ":"))
    return Seconds(names.name, names.data, packed(taken))


@dataclass(frozen=True, slots=True)
class Names:
    """A list of names that many runs share: what it is kept under, and itself."""

    name: str
    data: bytes


def pack_names(names: Sequence[str]) -> Names:
    """A list of names, packed, under a name that is made of its content."""
    text = json.dumps(names, separators=(",", ":"))
    return Names(hashlib.sha256(text.encode()).hexdigest()[:32], packed(text))


def unpack_names(data: bytes) -> tuple[str, ...]:
    """The inverse of `pack_names`. Raises one of `DAMAGE` if it is not ours."""
    names = json.loads(unpacked(data))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("they are no names")
    return tuple(names)


def unpack_seconds(rules: bytes, taken: bytes) -> dict[str, float]:
    """The seconds of each rule, from its list and the numbers. Raises one of `DAMAGE` if they are not ours."""
    names, numbers = unpack_names(rules), json.loads(unpacked(taken))
    if not isinstance(numbers, list):
        raise TypeError("they are no list")
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("they are no seconds")
    return {name: number / UNIT for name, number in zip(names, numbers, strict=True)}
