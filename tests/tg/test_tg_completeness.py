"""Nothing that is known of TG's data is left without a rule: invariants, ranges and lists of choices."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from combining import combinations
from integrity_tests.words.classes import ABILITIES, ATTRIBUTES, SPHERES
from pytest_tgintegrity import Source
from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.rules.kinds import AtMost, Between, OneOf
from tg import DECLARED, INVARIANT, needs_csvs, table

Column: TypeAlias = tuple[str, str]

ATTRIBUTE: Final = rf"characters_human\.({'|'.join(ATTRIBUTES)})"
ABILITY: Final = rf"characters_human\.({'|'.join(ABILITIES)})"

SPHERE: Final = rf"characters_mage\.({'|'.join(SPHERES)})"

RANGES_NOT_RULED: Final[Mapping[str, str]] = {
    r"characters_human\.age 0\.\.500": "a command's; the application takes ages up to 5000",
    rf"{ATTRIBUTE} 0\.\.15": "a command's; the application takes 10 at most",
    rf"{ATTRIBUTE} 1\.\.10": "test_attribute_is_at_least_one knows who may have none, as the commands did not",
    rf"{ATTRIBUTE} 1\.\.5": "test_attribute_is_at_most_what_the_blood_allows knows who may have more",
    rf"{ABILITY} 0\.\.4": "where some forms stop adding; others go to 5, and a storyteller to 10",
    r"django_admin_log\.action_flag 0\.\..*": "only 1, 2 and 3 mean anything, and these are listed",
    r"locations_sector\.time_dilation -999\.\.999": "the type of the column says so: no other value can be stored",
    rf"{SPHERE} \.\.=arete": "test_sphere_is_at_most_arete says it of the greatest of them",
    r"characters_mage\.(paradox|quintessence) 0\.\.20": "the wheel has room for 20 of both together: MAG-4",
    r"characters_thrall\.daily_faith_offered .*": "test_thrall_offers_half_of_the_potential knows the very number",
    r"characters_vampire\.(conscience|conviction|instinct|self_control) 1\.\.": "only of the virtue that is followed: VAM-4",
    r"characters_vampire\.(humanity|path_rating) 4\.\.10": "only until the character is approved: VAM-5",
}
"""Stated ranges that no rule repeats, as regular expressions, with the reason."""

CHOICES_NOT_RULED: Final[Mapping[str, str]] = {
    r"core_charactertemplate\.gameline": "the form offers nine, the application refuses two of them when it saves",
    r"items_treasure\.rating|locations_(node|horizonrealm|haven|tomb)\.(size|ratio|environment)": "a range of numbers",
    r"characters_cantrip\.level": "test_cantrip_is_of_level_one_to_five says it as a range",
}
"""Columns with stated choices that no rule lists, as regular expressions, with the reason."""


def column_of(source: Source | str, column: str, params: Mapping[str, Any]) -> Column:
    """The table and the column that a rule is about; an alias is looked up among the source's tables."""
    prefix, _, name = plain(column, params).rpartition(".")
    clause = plain(source if isinstance(source, str) else source.from_clause, params)
    found = re.findall(r"(?:^|JOIN )(\w+)(?: AS (\w+))?", clause)
    known = {alias or one: one for one, alias in found}
    return known.get(prefix, found[0][0] if found else clause), name


def resolved(value: Any, params: Mapping[str, Any]) -> Any:
    lone = re.fullmatch(r"%\((\w+)\)s", value) if isinstance(value, str) else None
    return params[lone[1]] if lone else value


def written(bound: Any) -> str:
    """A bound as the description writes it: nothing where a side is open, `=expression` for another column."""
    if bound is None:
        return ""
    return f"={re.sub(r'[a-z]+[.]', '', bound)}" if isinstance(bound, str) else str(bound)


def ruled_bounds() -> tuple[Mapping[Column, set[str]], Mapping[Column, set[str]]]:
    """The lower and upper bounds that rules set, by column."""
    lows: dict[Column, set[str]] = defaultdict(lambda: {""})
    highs: dict[Column, set[str]] = defaultdict(lambda: {""})
    for _, function, rule in DECLARED:
        if isinstance(rule.kind, Between | AtMost):
            for params in combinations(function):
                subject = column_of(rule.kind.source, rule.kind.column, params)
                if isinstance(rule.kind, AtMost):
                    highs[subject].add(written(plain(rule.kind.other, params)))
                else:
                    lows[subject].add(written(resolved(rule.kind.low, params)))
                    highs[subject].add(written(resolved(rule.kind.high, params)))
    return lows, highs


def ruled_choices() -> Mapping[Column, list[set[str]]]:
    """The lists of values that rules allow, by column."""
    found: dict[Column, list[set[str]]] = defaultdict(list)
    for _, function, rule in DECLARED:
        if isinstance(rule.kind, OneOf):
            for params in combinations(function):
                values = {str(one) for one in resolved(rule.kind.values, params) if one is not None}
                found[column_of(rule.kind.source, rule.kind.column, params)].append(values)
    return found


def stated_choices() -> Mapping[Column, set[str]]:
    found: dict[Column, set[str]] = defaultdict(set)
    for row in table("choices"):
        found[row["table"], row["column"]].add(row["value"])
    return {column: values - {"NULL"} for column, values in found.items()}


def excused(text: str, reasons: Mapping[str, str]) -> bool:
    return any(re.fullmatch(one, text) for one in reasons)


@needs_csvs
def test_every_invariant_is_the_tag_of_a_rule() -> None:
    known = {row["id"] for row in table("invariants")}
    tagged = {tag for _, _, rule in DECLARED for tag in rule.tags if INVARIANT.fullmatch(tag)}

    assert len(known) == 205
    assert known - tagged == set()


def unruled_ranges() -> set[str]:
    """What is stated of a column, and set by no rule: `table.column low..high`."""
    lows, highs = ruled_bounds()
    choices = ruled_choices()
    missing = set()
    for row in table("ranges"):
        column = (row["table"], row["column"])
        listed = row["source"] == "django_choices" and column in choices
        if not listed and (row["min"] not in lows[column] or row["max"] not in highs[column]):
            missing.add(f"{'.'.join(column)} {row['min']}..{row['max']}")
    return missing


def unruled_choices() -> set[str]:
    """The columns whose choices are stated, and listed by no rule."""
    ruled = ruled_choices()
    return {".".join(column) for column, values in stated_choices().items() if values not in ruled[column]}


@needs_csvs
def test_every_stated_range_is_ruled() -> None:
    assert {one for one in unruled_ranges() if not excused(one, RANGES_NOT_RULED)} == set()


@needs_csvs
def test_every_stated_list_of_choices_is_ruled() -> None:
    assert {one for one in unruled_choices() if not excused(one, CHOICES_NOT_RULED)} == set()


@needs_csvs
def test_every_excuse_is_needed() -> None:
    ranges, choices = unruled_ranges(), unruled_choices()

    assert [one for one in RANGES_NOT_RULED if not any(re.fullmatch(one, each) for each in ranges)] == []
    assert [one for one in CHOICES_NOT_RULED if not any(re.fullmatch(one, each) for each in choices)] == []
