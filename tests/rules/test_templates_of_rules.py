"""What cannot be filled in is told when a rule is collected, though only a fix, a proof or a period would need it."""

from __future__ import annotations

import pytest

from harness import RunRules

HEADER = "\n"
BODY = '''
def test_it({arguments}):
    """Sizes are small."""
    assert not violations
'''


def rule_of(*arguments: str, kind: str = 'rows("item", "size > 3"', parameters: str = "") -> str:
    """The text of a rule."""
    names = ", ".join(["violations", *(["what"] if parameters else [])])
    decorators = f'@pytest.mark.parametrize("what", {parameters})\n' if parameters else ""
    return f"{HEADER}{decorators}@rule.{', '.join([kind, *arguments])}){BODY.format(arguments=names)}"


SOURCE = 'rows(Source("items", "item", key="id", scopes={"part": "size {"}), "size > 3"'
LONE = {
    "value": ("fix={'size': '3 {'}", "a lone { in '3 {'"),
    "closing": ("fix={'size': '3 }'}", "a lone } in '3 }'"),
    "braces": ("fix={'name': \"'{}'\"}", "a lone { in \"'{}'\""),
    "key": ("fix={'size {': '3'}", "a lone { in 'size {'"),
    "key closing": ("fix={'size }': '3'}", "a lone } in 'size }'"),
    "delete": ("fix='delete where size {', fix_allows='delete'", "a lone { in 'delete where size {'"),
    "delete of": ("fix='delete item where }', fix_allows='delete'", "a lone } in 'delete item where }'"),
    "insert": ("fix={'item.size': '{'}, fix_allows='insert'", "a lone { in '{'"),
    "breaks": ("breaks={'size': '3 {'}", "a lone { in '3 {'"),
    "breaks key": ("breaks={'{': '3'}", "a lone { in '{'"),
    "breaks statement": ("breaks='UPDATE item SET size = { RETURNING id'", "a lone { in 'UPDATE item"),
    "since": ("since='now() {'", "a lone { in 'now() {'"),
    "unknown": ("fix={'size': '{other}'}", "unknown placeholder {other}: parametrize gives nothing"),
    "unknown value": ("fix={'size': '%(other)s'}", "unknown placeholder %(other)s: parametrize gives nothing"),
    "unknown key": ("fix={'{other}': '3'}", "unknown placeholder {other}: parametrize gives nothing"),
    "unknown since": ("since='{other}'", "unknown placeholder {other}: parametrize gives nothing"),
    "unknown constraint": ("enforced_by='{other}_range'", "unknown placeholder {other}: parametrize gives nothing"),
}


def told(check: RunRules, text: str) -> str:
    """The one line that is said at collection."""
    ran = check(text, "--collect-only", "-q", url=None)

    assert ran.status == 2, ran.said
    assert "Traceback" not in ran.said
    (line,) = {one for one in ran.out.splitlines() if one.startswith("test_items.py:")}
    return line


@pytest.mark.parametrize("what", LONE)
def test_what_cannot_be_filled_in_is_told_in_one_line(check: RunRules, what: str) -> None:
    argument, words = LONE[what]

    assert told(check, rule_of(argument)).startswith(f"test_items.py:5: test_it: {words}")


def test_an_expression_as_fix_and_a_scope_are_looked_at_too(check: RunRules) -> None:
    assert "a lone { in 'size {'" in told(check, rule_of("fix='size {'", kind='between("item", "size", 1, 3'))
    assert "a lone { in 'size {'" in told(check, rule_of(kind=SOURCE))
    child = 'children("item", Source("items", "item", key="id", scopes={"part": "size {"}), 1, by="id"'
    assert "a lone { in 'size {'" in told(check, rule_of(kind=child))


def test_each_value_of_parametrize_is_tried(check: RunRules) -> None:
    text = rule_of("fix={'{what}': '{what} - 1'}", parameters='["size", 3]')

    assert "{what} is filled with 3: an identifier is a string; bind values with %(what)s" in told(check, text)
    assert "unknown placeholder {which}: parametrize gives what" in told(
        check, rule_of("fix={'{what}': '{which}'}", parameters='["size"]')
    )


def test_what_can_be_filled_in_is_collected(check: RunRules) -> None:
    fix = "fix={'{what}': \"'{{}}'\", 'n%(what)s': '%(what)s'}, enforced_by='{what}_{', since='{what}'"
    ran = check(rule_of(fix, parameters='["size", "name"]'), "--collect-only", "-q", url=None)

    assert ran.status == 0, ran.said
