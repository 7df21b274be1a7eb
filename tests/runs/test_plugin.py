"""Rules as tests: what they are given, how they are selected, and what the plugin leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness import HEAD, HOLDS, ORDINARY, QUICKLY, VIOLATED, RunRules, rules

DECLARED = """
@declared("foreign_key")
def test_foreign_key(violations, constraint):
    \"\"\"Every declared foreign key holds in the data.\"\"\"
    assert not violations

@declared("not_null", severity="low")
def test_not_null(violations, constraint):
    \"\"\"What is declared NOT NULL is not null.\"\"\"
    assert not violations
"""
TOLERANT = """
@rule.between("item", "size", 1, 15)
def test_tolerant(violations):
    \"\"\"A quarter may be larger.\"\"\"
    assert violations.rate <= 0.25

@rule.between("item", "size", 1, 15)
def test_strict(violations):
    \"\"\"A tenth may be larger.\"\"\"
    assert violations.rate <= 0.1

@rule.between("item", "size", 1, 15)
def test_all_there_is(violations):
    \"\"\"It is what it says.\"\"\"
    assert (violations.count, len(violations), bool(violations)) == (5, 5, True)
    assert (violations.examined, violations.rate) == (20, 0.25)
    assert [(one.key, one.label, one.values) for one in violations.samples] == [
        (str(n), f"n{n}", {"size": n}) for n in range(16, 21)
    ]
    assert repr(violations).startswith("5 of 20 rows violate [medium]: It is what it says.")

@rule.not_null("nothing", "size")
def test_enough(violations):
    \"\"\"There is something to look at.\"\"\"
    assert not violations and violations.examined > 3, "too few"
"""
WRONG = {
    "docstring": (
        '@rule.not_null("item", "name")\ndef test_it(violations):\n    assert not violations\n',
        "needs a docstring",
    ),
    "fixture": ('@rule.not_null("item", "name")\ndef test_it():\n    """."""\n', "give it the argument 'violations'"),
    "free": ('@rule.check()\ndef test_it(violations):\n    """."""\n', "give it the argument 'db'"),
    "constraint": ('@declared("check")\ndef test_it(violations):\n    """."""\n', "needs the argument 'constraint'"),
    "placeholder": ('@rule.not_null("item", "{what}")\ndef test_it(violations):\n    """."""\n', "what"),
    "argument": (
        '@rule.not_null("item", "name", sev="low")\ndef test_it(violations):\n    """."""\n',
        "unknown argument 'sev'",
    ),
    "range": (
        '@rule.between("item", "size", 9, 1)\ndef test_it(violations):\n    """."""\n',
        "the range 9..1 is empty",
    ),
    "tag": (
        '@rule.not_null("item", "name", tags=["_x"])\ndef test_it(violations):\n    """."""\n',
        "the tag '_x' cannot be a mark",
    ),
}


def test_what_a_test_is_given(check: RunRules) -> None:
    """Counts, rates, samples; a tolerance is an ordinary assertion."""
    ran = check(TOLERANT)

    assert ran.verdicts == {
        "test_tolerant": "tolerated",
        "test_strict": "failed",
        "test_all_there_is": "tolerated",
        "test_enough": "failed",
    }
    assert ran.integrity["rules"][0]["violations"] == 5
    assert "5 of 20 rows violate [medium]: A tenth may be larger." in ran.out
    assert "does not hold [medium]: There is something to look at." in ran.out
    assert "too few" in ran.out


@pytest.mark.parametrize("what", WRONG)
def test_wrong_declarations_are_told_in_one_line(check: RunRules, what: str) -> None:
    """At collection, with file and line."""
    text, words = WRONG[what]
    ran = check("\n" + text, "--collect-only", "-q", url=None)
    told = [line for line in ran.out.splitlines() if words in line]

    assert ran.status == 2, ran.said
    assert told[0].startswith("test_items.py:5: test_it: ")
    assert "Traceback" not in ran.said
    assert ".py:5: in" not in ran.said


def test_severities_and_tags_are_marks(check: RunRules, pytester: pytest.Pytester) -> None:
    """Known to `--strict-markers`, and to `-m`."""
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    tagged = HOLDS.replace('severity="high"', 'severity="critical", tags=["house-keeping", "xp"]')
    parts = [tagged, VIOLATED, ORDINARY]

    assert set(check(*parts, "-m", "critical").verdicts) == {"test_holds"}
    assert set(check("-m", "xp and not high").verdicts) == {"test_holds"}
    assert set(check("-m", "integrity").verdicts) == {"test_holds", "test_violated"}
    assert set(check("-k", "violat").verdicts) == {"test_violated"}
    assert check().status == 1


def test_declared_constraints_become_tests(check: RunRules, make_database: Callable[[str], str]) -> None:
    """One for each; a placeholder for editors where there is no database, and where none is declared."""
    url = make_database(
        "CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a); CREATE TABLE b (a int REFERENCES a, n int NOT NULL);"
        "SET session_replication_role = replica; INSERT INTO b VALUES (7, 1)"
    )
    found, empty, blind = (
        check(DECLARED, url=url),
        check(url=make_database("")),
        check("--collect-only", "-q", url=None),
    )

    assert found.verdicts == {
        "test_foreign_key[a-a_up_fkey]": "passed",
        "test_foreign_key[b-b_a_fkey]": "failed",
        "test_not_null[a]": "passed",
        "test_not_null[b]": "passed",
    }
    assert set(empty.verdicts) == {"test_foreign_key[none-declared]", "test_not_null[none-declared]"}
    assert "2 vacuous" in empty.out
    assert blind.status == 0
    assert blind.out.splitlines()[:2] == [
        "test_items.py::test_foreign_key[none-declared]",
        "test_items.py::test_not_null[none-declared]",
    ]


def test_rules_in_classes_and_in_any_order_of_decorators(check: RunRules) -> None:
    """And parametrized, with names that need quoting."""
    ran = check("""
class TestThings:
    @rule.not_null("item", "{column}")
    @pytest.mark.parametrize("column", ["name", "size"])
    def test_inside(self, violations, column):
        \"\"\"Nothing is NULL.\"\"\"
        assert not violations

@pytest.mark.parametrize("low", [0, 99])
@rule.rows("item", "size < %(low)s")
def test_bound(violations, low):
    \"\"\"Sizes are large enough.\"\"\"
    assert not violations
""")

    assert ran.verdicts == {
        "TestThings::test_inside[name]": "passed",
        "TestThings::test_inside[size]": "passed",
        "test_bound[0]": "passed",
        "test_bound[99]": "failed",
    }


def test_other_suites_keep_their_fixtures(check: RunRules, pytester: pytest.Pytester) -> None:
    """A `db` of one's own, beside rules in other files; and ours is for rules."""
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef db():\n    return 'mine'\n")
    pytester.makepyfile(test_other="def test_mine(db):\n    assert db == 'mine'\n")

    assert check(HOLDS).status == 0
    ran = check(HOLDS, "\ndef test_no_rule(violations):\n    pass\n")
    assert ran.status == 1
    assert "the fixture 'violations' is for rules: declare one with @rule.…" in ran.out


HEAVY = [
    *(
        "psycopg",
        "redis",
        "hypothesis",
        "multiprocessing.connection",
        "urllib.request",
        "http.client",
    ),
    *(
        f"pytest_tgintegrity.{room}"
        for room in ("planning", "judging", "fixing", "proving", "history", "deployment", "reports")
    ),
    *("pytest_tgintegrity.rules.declare", "pytest_tgintegrity.session.session", "pytest_tgintegrity.servers"),
]
"""What a suite without rules has no use for. All that is imported for it takes 15 ms (`benchmarks/plugin_import.py`)."""


@pytest.mark.parametrize("words", [[], ["--collect-only"], ["--help"]])
def test_a_suite_without_rules_costs_nothing(pytester: pytest.Pytester, words: list[str]) -> None:
    """Nothing of the engine is imported, nor what only the engine needs."""
    pytester.makeconftest(
        f"import sys\ndef pytest_unconfigure():\n    print('imported', sorted({set(HEAVY)!r} & set(sys.modules)))\n"
    )
    pytester.makepyfile("def test_it():\n    pass\n")
    ran = pytester.runpytest_subprocess(*QUICKLY, *words)

    assert ran.ret == 0, ran.stdout.str()
    assert "imported []" in ran.stdout.str()


def test_no_time_goes_into_rewriting_assertions_of_the_engine(check: RunRules, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import sys\ndef pytest_unconfigure():\n"
        "    ours = [m for n, m in sys.modules.items() if n.startswith('pytest_tgintegrity.')]\n"
        "    rewritten = [m.__name__ for m in ours if '@pytest_ar' in vars(m)]\n"
        "    print('modules', len(ours) > 50, rewritten)\n"
    )

    assert "modules True []" in check(HOLDS, subprocess=True).out


def test_rules_import_no_more_than_they_need(pytester: pytest.Pytester, url: str) -> None:
    """Embedded servers and history stay unloaded where nobody asks for them."""
    rules(pytester, HOLDS)
    script = (
        "import sys, pytest, json; pytest.main(sys.argv[1:]);"
        "print(json.dumps([n for n in ('redis', 'hypothesis', 'pytest_tgintegrity.servers.postgres') if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, f"--db-url={url}", *QUICKLY], capture_output=True, text=True, check=True, cwd=pytester.path
    )  # fmt: skip

    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_a_rule_in_an_installed_package_has_its_place(check: RunRules, pytester: pytest.Pytester) -> None:
    """Files without a package around them are counted from their folder."""
    folder = pytester.mkdir("loose")
    (folder / "test_a.py").write_text(HEAD + HOLDS)

    assert [one["id"] for one in check("loose").integrity["rules"]] == ["loose/test_a.py::test_holds"]
