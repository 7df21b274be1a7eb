"""Shapes of JSON values, as `rule.json_shape` declares them: which values have one, and which nearly do. Pure."""

from __future__ import annotations

from typing import Any

ATOMS: tuple[Any, ...] = ({}, [], "x", 1.5, 1, True, None)
ABSENT = "tgintegrity"


def fits(value: Any, shape: Any) -> bool:
    """Whether a JSON value, as Python reads it, has a shape."""
    match shape:
        case tuple():
            return any(fits(value, one) for one in shape)
        case [element]:
            return isinstance(value, list) and all(fits(one, element) for one in value)
        case dict():
            return isinstance(value, dict) and all(_entry_fits(value, key, one) for key, one in shape.items())
    return _atom_fits(value, shape)


def _atom_fits(value: Any, shape: Any) -> bool:
    if shape is None or isinstance(value, bool):
        return value is None if shape is None else shape is bool
    if shape is int:
        return isinstance(value, int | float) and float(value).is_integer()
    return isinstance(value, int | float) if shape is float else isinstance(value, shape)


def _entry_fits(value: dict[str, Any], key: Any, shape: Any) -> bool:
    if key is str:
        return all(fits(one, shape) for one in value.values())
    name = key.removesuffix("?")
    return fits(value[name], shape) if name in value else key.endswith("?")


def examples(shape: Any) -> list[Any]:
    """Values that have a shape; the first is as full as it can be."""
    match shape:
        case tuple():
            return [one for each in shape for one in examples(each)]
        case [element]:
            return [examples(element), []]
        case dict():
            full = {_entry(key): examples(one)[0] for key, one in shape.items()}
            least = {key: examples(one)[0] for key, one in shape.items() if key is not str and not key.endswith("?")}
            return [full, least] if str in shape else [full, least, {**full, ABSENT: None}]
    return [one for one in ATOMS if fits(one, shape)]


def _entry(key: Any) -> str:
    return ABSENT if key is str else str(key.removesuffix("?"))


def misfits(shape: Any) -> list[Any]:
    """Values without the shape: of another type, or with each part in turn absent or wrong."""
    return [one for one in _near(shape) if not fits(one, shape)]


def _near(shape: Any) -> list[Any]:
    found = list(ATOMS)
    match shape:
        case tuple():
            found += [one for each in shape for one in _near(each)]
        case [element]:
            found += [[*examples(element)[:1], one] for one in _near(element)]
        case dict():
            full = examples(shape)[0]
            found += [{name: one for name, one in full.items() if name != left_out} for left_out in full]
            found += [{**full, _entry(key): one} for key, part in shape.items() for one in _near(part)]
    return found
