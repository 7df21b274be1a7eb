"""Objects are what they say they are: type tags, the rows of every class, and the content types that tags name.

An object is one row for each class from the root down to its own: a vampire has five. The tag on the root row names the
class. The application believes the tag: an object with a wrong one is missing from lists, shows as something else, or
breaks every page that meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import CLASS_ROWS, TAGGED
from .words.classes import CLASSES, CONTENT_TYPES, ROOTS, SUBCLASSES, GameClass

# Fixes: the deepest class that holds a row of the object, where its rows make one unbroken branch; else no change.
ROWS_BELOW_ROOTS = " UNION ALL ".join(
    f"SELECT '{one.root.table}' AS root, '{one.table}' AS class, {one.depth} AS depth, {one.key} AS id FROM {one.table}"
    for one in SUBCLASSES
)
DEEPEST_CLASS = f"""coalesce((
    SELECT type.id FROM django_content_type AS type WHERE type.app_label || '_' || type.model = (
        SELECT CASE WHEN count(*) = coalesce(max(depth), 0)
                    THEN coalesce((array_agg(class ORDER BY depth DESC))[1], %(root)s) END
        FROM ({ROWS_BELOW_ROOTS}) AS held WHERE held.root = %(root)s AND held.id = {{root}}.id
    )
), {{root}}.polymorphic_ctype_id)"""
DEEPEST_CLASS_OF_ITS_BRANCH = f"""
    CASE WHEN {{root}}.polymorphic_ctype_id IN (
        SELECT type.id FROM django_content_type AS type WHERE type.app_label || '_' || type.model IN (
            SELECT %(root)s UNION ALL
            SELECT class FROM ({ROWS_BELOW_ROOTS}) AS held WHERE held.root = %(root)s AND held.id = {{root}}.id
        )
    ) THEN {DEEPEST_CLASS} ELSE {{root}}.polymorphic_ctype_id END
"""


def of_each(names: str, classes: Iterable[GameClass]) -> pytest.MarkDecorator:
    """One test for each class, named after its table; `names` are what the rule says of it."""
    facts = [one.strip() for one in names.split(",")]
    return pytest.mark.parametrize(
        facts, [pytest.param(*(one.facts[name] for name in facts), id=one.table) for one in classes]
    )


@of_each("root", ROOTS)
@rule.not_null(
    "{root}",
    "polymorphic_ctype_id",
    severity="critical",
    fix={"polymorphic_ctype_id": DEEPEST_CLASS},
    tags=["POLY-1"],
)
def test_type_tag_is_given(violations: Violations, root: str) -> None:
    """Every object says what it is; a single one that does not breaks every list that it belongs to.

    The fix names the deepest class that holds a row of the object, where there is exactly one such branch.
    """
    assert not violations


@of_each("root, kin", ROOTS)
@rule.rows(
    "{root}",
    """
    polymorphic_ctype_id NOT IN (
        SELECT type.id FROM django_content_type AS type WHERE type.app_label || '_' || type.model = ANY (%(kin)s))
    """,
    severity="critical",
    fix={"polymorphic_ctype_id": DEEPEST_CLASS},
    breaks={"polymorphic_ctype_id": "(SELECT id FROM django_content_type WHERE app_label = 'auth' AND model = 'user')"},
    overlaps=["test_type_tag_names_the_class_or_one_below"],
    show=["polymorphic_ctype_id"],
    tags=["POLY-2"],
)
def test_type_tag_belongs_to_the_family(violations: Violations, root: str, kin: list[str]) -> None:
    """What an object says it is belongs to its family: a character is no weapon. Reading any other object raises.

    A tag that names no content type at all counts too. The fix names the deepest class that holds a row of the object,
    where there is exactly one such branch.
    """
    assert not violations


@of_each("root, table, key", SUBCLASSES)
@rule.rows(
    TAGGED,
    "{table}.{key} IS NULL",
    severity="critical",
    fix_hint="the values of the missing row are lost; a person restores them or decides what the object is",
    breaks={"{table}.{key}": "-{table}.{key}"},
    overlaps=["test_class_row_has_its_parent_row", "test_foreign_key_has_no_orphans"],
    show=["tagged.polymorphic_ctype_id"],
    tags=["POLY-3"],
)
def test_type_tag_has_its_row(violations: Violations, root: str, table: str, key: str) -> None:
    """An object has a row of the class that it calls itself, a vampire among the vampires; else it is never shown.

    It is counted all the same, so that lists are shorter than they say.
    """
    assert not violations


@of_each("root, table, key, kin", SUBCLASSES)
@rule.rows(
    CLASS_ROWS,
    """
    {root}.polymorphic_ctype_id IN (
        SELECT type.id FROM django_content_type AS type WHERE type.app_label || '_' || type.model <> ALL (%(kin)s))
    """,
    severity="critical",
    fix={"{root}.polymorphic_ctype_id": DEEPEST_CLASS_OF_ITS_BRANCH},
    breaks={
        "{root}.polymorphic_ctype_id": (
            "(SELECT type.id FROM django_content_type AS type WHERE type.app_label || '_' || type.model = %(root)s)"
        )
    },
    overlaps=["test_type_tag_belongs_to_the_family", "test_type_tag_names_the_class_or_one_below"],
    show=["{root}.polymorphic_ctype_id"],
    tags=["POLY-4"],
)
def test_type_tag_names_the_class_or_one_below(
    violations: Violations, root: str, table: str, key: str, kin: list[str]
) -> None:
    """A row of a class belongs to an object that calls itself that class or one below it, a row of vampires to a vampire.

    Called less, it shows as its ancestor, and the fix names the deepest class that it has a row of; called something
    else, it is hidden, and a person decides.
    """
    assert not violations


@of_each("table, key, parent", SUBCLASSES)
@rule.references(
    "{table}",
    "{key}",
    "{parent}",
    severity="critical",
    fix_hint="the values of the missing row are lost; a person restores them or deletes what is left",
    overlaps=["test_type_tag_has_its_row"],
    tags=["POLY-6"],
)
def test_class_row_has_its_parent_row(violations: Violations, table: str, key: str, parent: str) -> None:
    """A row of a class extends a row of the class above, a vampire a human; without that nothing can read it."""
    assert not violations


@rule.query(
    f"""
    SELECT app_label || '.' || model AS class
    FROM (VALUES {", ".join(map(str, CONTENT_TYPES))}) AS known(app_label, model)
    WHERE NOT EXISTS (SELECT FROM django_content_type AS type WHERE (type.app_label, type.model) = (known.app_label, known.model))
    """,
    severity="critical",
    breaks="""
    WITH gone AS (
        DELETE FROM django_content_type WHERE app_label = 'sessions' AND model = 'session' RETURNING id
    ), permissions AS (
        DELETE FROM auth_permission WHERE content_type_id IN (SELECT id FROM gone)
    )
    SELECT 'sessions.session' FROM gone
    """,
    fix_hint="run TG's `migrate` again: it creates the missing content types",
    tags=["POLY-7"],
)
def test_content_types_are_complete(violations: Violations) -> None:
    """The table of content types, which type tags point at, still knows all 235 classes of TG."""
    assert not violations


def has_one_branch(parent: GameClass) -> Callable[[Violations], None]:
    """Declare the rule for one class: the branches below it are of any number, so each class has its own SQL."""
    names = [one.table for one in parent.children]
    branches = " UNION ALL ".join(f"SELECT {one.key}, {n} FROM {one.table}" for n, one in enumerate(parent.children, 1))
    one, another = parent.children[:2]

    @rule.query(
        f"""
        SELECT id, (ARRAY{names})[LEAST(n, m)] AS one_class, (ARRAY{names})[GREATEST(n, m)] AS another
        FROM (
            SELECT id, n, lag(n) OVER w AS m, lag(id) OVER w AS before, lag(id, 2) OVER w AS first
            FROM ({branches}) AS held(id, n) WINDOW w AS (ORDER BY id)
        ) AS neighbours
        WHERE id = before AND id IS DISTINCT FROM first
        """,
        severity="critical",
        breaks=f"""
        INSERT INTO {another.table}
        SELECT (jsonb_populate_record(copied, jsonb_build_object('{another.key}', (SELECT min({one.key}) FROM {one.table})))).*
        FROM {another.table} AS copied WHERE {another.key} = (SELECT min({another.key}) FROM {another.table})
        RETURNING {another.key}
        """,
        fix_hint="a person decides which of the two the object is",
        overlaps=["test_type_tag_names_the_class_or_one_below"],
        tags=["POLY-5"],
    )
    def test(violations: Violations) -> None:
        """Nobody is two things at once: below any class an object has a row in at most one branch, vampire or mage."""
        assert not violations

    return test


for found in CLASSES.values():
    if len(found.children) > 1:
        globals()[f"test_{found.table}_has_one_branch_for_each_object"] = has_one_branch(found)
