"""What an author says of a rule is shown: the words of an assert, an `async def`, a misspelt table."""

from __future__ import annotations

import pytest
from harness import HOLDS, RunRules

from pytest_tgintegrity.bodies import own_words

WORDS = """
@rule.between("item", "size", 1, 15)
def test_words(violations):
    \"\"\"Sizes are one to fifteen.\"\"\"
    {body}
"""
ASYNC = """
@rule.not_null("item", "name")
async def test_async(violations):
    \"\"\"Every item has a name.\"\"\"
    assert not violations
"""
HEADLINE = "5 of 20 rows violate [medium]: Sizes are one to fifteen."


@pytest.mark.parametrize(
    "body",
    [
        'assert not violations, "ask Bob\\nof the store"',
        'assert violations.count <= 3, "ask Bob\\nof the store"',
        'pytest.fail("ask Bob\\nof the store") if violations else None',
    ],
)
@pytest.mark.parametrize("how", ["rewrite", "plain"])
def test_an_author_s_own_words_are_shown(check: RunRules, body: str, how: str) -> None:
    ran = check(WORDS.format(body=body), f"--assert={how}")

    assert f"{HEADLINE}\n  ask Bob\n  of the store\n\n  key  label  size\n" in ran.out
    assert ran.reasons == {"test_words": f"{HEADLINE} – ask Bob – of the store"}


def test_without_own_words_the_headline_is_all(check: RunRules) -> None:
    ran = check(WORDS.format(body="assert violations.count <= 3"))

    assert f"{HEADLINE}\n\n  key  label  size\n" in ran.out
    assert ran.reasons == {"test_words": HEADLINE}


def test_own_words_cannot_steer_a_terminal(check: RunRules) -> None:
    ran = check(WORDS.format(body='assert not violations, "\\x1b[31m::error::red"'))

    assert "  \\x1b[31m::error::red\n" in ran.out


def test_own_words_may_begin_like_an_explanation() -> None:
    assert own_words("assert that Bob is asked\nassert not 3 rows\n +  where") == "assert that Bob is asked"
    assert own_words("assert not 3 rows") == ""


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_an_async_rule_is_named_as_such(check: RunRules, workers: tuple[str, ...]) -> None:
    ran = check(ASYNC, HOLDS, *workers)

    assert (ran.status, ran.verdicts) == (2, {"test_async": "unknown", "test_holds": "passed"})
    assert "test_items.py: test_async is an `async def`, which nobody awaits" in (ran.reasons["test_async"] or "")
    assert "write `def`" in ran.out


def test_an_async_rule_is_not_proven(check: RunRules) -> None:
    ran = check(ASYNC.replace("item", "auth_user").replace("name", "username"), "--prove", "--db-url=demo", url=None)

    assert "is an `async def`" in ran.said


def test_a_plugin_that_runs_coroutines_may_run_a_rule(check: RunRules, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import asyncio, inspect, pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            if inspect.iscoroutinefunction(pyfuncitem.obj):
                asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in ["violations"]}))
                return True
    """)
    ran = check(ASYNC)

    assert (ran.status, ran.verdicts) == (0, {"test_async": "passed"})
