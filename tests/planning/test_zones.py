"""Dates and times without a zone are read in the zone that the ini file names, or in any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine, bound, looking_at
from harness import Ran, RunRules
from pytest_tgintegrity.planning.windows import FARTHEST, Window
from pytest_tgintegrity.rules.kinds import NotNull, Rows, Source

NOW = datetime(2030, 6, 15, 6, 0, tzinfo=UTC)
ANGELES = "America/Los_Angeles"
SCRIPT = """
CREATE DOMAIN day AS date;
CREATE TABLE noted (id int PRIMARY KEY, d date, dd day, t timestamp, z timestamptz, name text);
"""
RULES = """
@pytest.mark.parametrize("at", ["d", "dd", "t", "z"])
@rule.not_null("noted", "name", since="{at}")
def test_named(violations, at):
    \"\"\"It has a name.\"\"\"
    assert not violations
"""


@pytest.fixture(scope="module")
def noted(make_database: Callable[[str], str]) -> str:
    return make_database(SCRIPT)


@pytest.fixture
def engine(noted: str) -> Iterator[Engine]:
    """A row for each hour of the four days before, as a clock in Los Angeles showed it."""
    with psycopg.connect(noted) as connection:
        connection.execute("DELETE FROM noted")
        for hours in range(96):
            moment = NOW - timedelta(hours=hours)
            local = moment.astimezone(ZoneInfo(ANGELES)).replace(tzinfo=None)
            row = (hours, local.date(), local.date(), local, moment)
            connection.execute("INSERT INTO noted VALUES (%s, %s, %s, %s, %s, 'x')", row)
    with looking_at(noted) as engine:
        yield engine


def examined(engine: Engine, since: str, zone: str | None, source: Source | str = "noted") -> int | None:
    kind = NotNull(source, "name") if isinstance(source, str) else Rows(source, "n.name IS NULL")
    window = Window(NOW - timedelta(hours=24), zone=zone)
    found = engine.measure([bound(kind, since=since)], window=window)["it"]
    assert found.error is None
    return found.examined


def test_in_its_own_zone_each_is_as_young_as_it_is(engine: Engine) -> None:
    """06:00 UTC is 23:00 of the 14th there; a date is as young as its last moment."""
    assert examined(engine, "z", ANGELES) == examined(engine, "t", ANGELES) == 25
    assert examined(engine, "d", ANGELES) == examined(engine, "dd", ANGELES) == 48


def test_in_any_zone_nothing_young_is_missed(engine: Engine) -> None:
    """Local time there is 7 hours behind UTC, and 14 hours are allowed for."""
    assert examined(engine, "z", None) == 25
    assert examined(engine, "t", None) == 25 + 14 - 7
    assert examined(engine, "d", None) == examined(engine, "dd", None) == 48


@pytest.mark.parametrize("since", ["n.t", "n.d", "(SELECT max(o.t) FROM noted o WHERE o.id = n.id)", "n.d + 0"])
def test_so_it_is_with_joins_and_expressions(engine: Engine, since: str) -> None:
    source = Source("joined", "noted n", key="n.id")
    wanted = 48 if "n.d" in since else 25

    assert examined(engine, since, ANGELES, source) == wanted


def _entered(url: str, hours: float) -> None:
    """A row that was dated in Los Angeles some hours ago."""
    moment = datetime.now(UTC) - timedelta(hours=hours)
    local = moment.astimezone(ZoneInfo(ANGELES)).replace(tzinfo=None)
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM noted")
        connection.execute("INSERT INTO noted VALUES (1, %s, %s, %s, %s)", (local.date(), local.date(), local, moment))


def violations(ran: Ran) -> dict[str, int]:
    return {one["id"].partition("[")[2].rstrip("]"): one["violations"] for one in ran.integrity["rules"]}


@pytest.mark.parametrize("zone", ["", ANGELES])
@pytest.mark.parametrize("hours", [23, 1])
def test_what_was_entered_within_the_period_is_looked_at(
    check: RunRules, noted: str, pytester: pytest.Pytester, zone: str, hours: float
) -> None:
    """A date entered 23 hours ago is no vacuous rule under `--period 24`."""
    pytester.makeini(f"[pytest]\ntgintegrity_timezone = {zone}\n")
    _entered(noted, hours)
    ran = check(RULES, "--period=24", url=noted)

    assert violations(ran) == dict.fromkeys(["d", "dd", "t", "z"], 1)


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["one process", "xdist"])
def test_the_report_says_that_nobody_named_the_zone(check: RunRules, noted: str, how: list[str]) -> None:
    ran = check(RULES, "--period=24", *how, url=noted, subprocess=bool(how))

    assert ran.integrity["without_zone"] == ["noted (d)", "noted (dd)", "noted (t)"]
    assert (
        "without a zone, so rows count that are young enough in any (±14 h): noted (d), noted (dd), noted (t)"
        in ran.out
    )
    assert "tgintegrity_timezone" in ran.out


def test_it_has_nothing_to_say_otherwise(check: RunRules, noted: str, pytester: pytest.Pytester) -> None:
    """No period, or a zone."""
    assert "without_zone" not in check(RULES, url=noted).integrity
    pytester.makeini(f"[pytest]\ntgintegrity_timezone = {ANGELES}\n")
    assert "without_zone" not in check(RULES, "--period=24", url=noted).integrity


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_refused(check: RunRules, noted: str, pytester: pytest.Pytester, name: str) -> None:
    pytester.makeini(f"[pytest]\ntgintegrity_timezone = {name}\n")
    ran = check(RULES, "--period=24", url=noted)

    assert ran.status == 4
    assert f"tgintegrity_timezone is {name!r}: it takes the name of a zone, such as America/Los_Angeles" in ran.said


def test_tg_says_its_zone(request: pytest.FixtureRequest) -> None:
    assert request.config.getini("tgintegrity_timezone") == ANGELES


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants these bare
ZONES = st.sampled_from([ANGELES, "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Apia", "UTC"])


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(hours=30)), ZONES, st.booleans())
def test_no_moment_of_the_window_is_missed(cutoff: Any, after: timedelta, zone: str, told: bool) -> None:
    """Whatever the clock on the wall showed, also when it was set back; and by no more than it has to be."""
    window = Window(cutoff, zone=zone if told else None)
    shown = (cutoff + after).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    spare = timedelta(hours=3) if told else 2 * FARTHEST

    assert shown >= window.local(cutoff)
    assert shown.date() >= window.local(cutoff).date()
    assert window.local(cutoff) >= cutoff.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - spare
    assert isinstance(window.local(cutoff).date(), date)
