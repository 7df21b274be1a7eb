"""Compression of what the history keeps of a run: long texts, and the seconds of thousands of rules. Pure.

The names of rules take a hundred times the room of their seconds and are the same from run to run. So a list of names is
kept once, under a name made of its content, and each run keeps numbers in the order of its list.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
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
    names = json.dumps(rules, separators=(",", ":"))
    taken = json.dumps([round(seconds[rule] * UNIT) for rule in rules], separators=(",", ":"))
    return Seconds(hashlib.sha256(names.encode()).hexdigest()[:32], packed(names), packed(taken))


def unpack_seconds(rules: bytes, taken: bytes) -> dict[str, float]:
    """The seconds of each rule, from its list and the numbers. Raises one of `DAMAGE` if they are not ours."""
    names, numbers = json.loads(unpacked(rules)), json.loads(unpacked(taken))
    if not (isinstance(names, list) and isinstance(numbers, list)):
        raise TypeError("they are no lists")
    if not all(isinstance(name, str) for name in names) or not all(
        type(number) is int and number >= 0 for number in numbers
    ):
        raise ValueError("they are no names and no seconds")
    return {name: number / UNIT for name, number in zip(names, numbers, strict=True)}
