"""What a run's exit status says, alone and under pytest-xdist: green means checked."""

from __future__ import annotations

import signal
import subprocess
import sys

import psycopg
import pytest

from harness import FAILING, HOLDS, ORDINARY, UNKNOWN, VIOLATED, Ran, RunRules, rules, sleeping, wait_until
from pytest_tgintegrity.servers.postgres import PostgresServer

DEAD = "postgresql://nobody@127.0.0.1:1/nowhere"
WITH_A_WORKER = pytest.mark.parametrize("how", [[], ["-n1"]], ids=["alone", "worker"])
BOTH_WAYS = pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
XFAIL = """
@pytest.mark.xfail(reason="known since June", strict=False)
@rule.not_null("item", "{column}")
@pytest.mark.parametrize("column", ["name"])
def test_xpass(violations, column):
    \"\"\"It holds, although it was expected not to.\"\"\"
    assert not violations

@pytest.mark.xfail(reason="known since May")
@rule.between("item", "size", 1, 5)
def test_xfail(violations):
    \"\"\"It does not hold.\"\"\"
    assert not violations

@pytest.mark.xfail(reason="known since April", strict=True)
@rule.not_null("item", "name")
def test_strict(violations):
    \"\"\"It holds, and nobody is happy.\"\"\"
    assert not violations
"""
BODIES = """
@rule.not_null("item", "name")
def test_only_examined(violations):
    \"\"\"It looks at the wrong thing.\"\"\"
    assert violations.examined == 20

@rule.not_null("item", "name")
def test_raises(violations):
    \"\"\"It stumbles.\"\"\"
    raise KeyError("oh")

@pytest.fixture
def broken_end():
    yield
    raise RuntimeError("cannot clean up")

@rule.not_null("item", "name")
def test_teardown(violations, broken_end):
    \"\"\"It stumbles afterwards.\"\"\"
    assert not violations

@rule.not_null("item", "name")
def test_skips(violations):
    \"\"\"It gives up.\"\"\"
    pytest.skip("not today")
"""


def refusal(ran: Ran) -> str:
    """Why a run ended with exit status 4, said in one line without a traceback, and in the report."""
    (told,) = [line for line in ran.said.splitlines() if line.startswith("ERROR: ")]

    assert ran.status == 4, ran.said
    assert "Traceback" not in ran.said
    assert told == f"ERROR: {ran.integrity['run']['error']}"
    assert ran.integrity["run"]["complete"] is False
    assert ran.document["exitcode"] == 4
    return told


@WITH_A_WORKER
def test_rules_that_hold_are_0(check: RunRules, how: list[str]) -> None:
    """All is well."""
    ran = check(HOLDS, *how)

    assert ran.status == 0, ran.out
    assert ran.document["exitcode"] == 0
    assert ran.integrity["run"]["complete"] is True


@BOTH_WAYS
def test_no_url_is_4(check: RunRules, how: list[str]) -> None:
    """The message says how to name a database."""
    told = refusal(check(HOLDS, *how, url=None))

    assert all(word in told for word in ("--db-url=", "TGINTEGRITY_DB_URL", "demo")), told


@BOTH_WAYS
def test_a_server_that_is_down_is_4(check: RunRules, how: list[str]) -> None:
    """Nothing is judged, and the report says why."""
    told = refusal(check(HOLDS, *how, url=DEAD))

    assert all(word in told for word in ("cannot connect to nowhere at 127.0.0.1:1", "refused")), told


@pytest.mark.parametrize(
    "url",
    [
        "just-a-word",
        "http://somewhere/x",
        "mysql://me:pw-fragment@host/db?x=y",
        "postgresql://me:pw-frag@ment@host/db",
        "postgresql://me:pw-frag/ment@host/db",
        "postgresql://me:pw%zz-fragment@host/db",
        "postgresql://me@host:fragment/db",
        "postgresql://me:pw-fragment@host:5432:5433/db",
        "postgresql://me@[::1/db",
        "host=x password=two words pw-fragment",
        "host=x password='pw-fragment",
        "nonsense=pw-fragment",
        "demo:pw-fragment@host",
        "demo:nothing_of_this_kind",
    ],
)
def test_a_malformed_url_is_4_and_not_echoed(check: RunRules, url: str) -> None:
    """Libpq would echo it, and with it a fragment of the password."""
    ran = check(HOLDS, url=url)

    assert "--db-url" in refusal(ran)
    assert "frag" not in ran.said + ran.path.read_text()


def test_no_access_is_4(check: RunRules, server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong password, unknown database, and the environment variable as the origin."""
    wrong = f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres"

    assert "password authentication" in refusal(check(HOLDS, url=wrong))
    assert '"no_such_database" does not exist' in refusal(check(url=server.url("no_such_database")))
    monkeypatch.setenv("TGINTEGRITY_DB_URL", "just-a-word")
    assert "TGINTEGRITY_DB_URL is neither" in refusal(check(url=None))


def test_collecting_only(check: RunRules) -> None:
    """Editors need no database; a named one has to be there."""
    assert check(HOLDS, "--collect-only", "-q", url=None).status == 0
    assert "cannot connect" in refusal(check("--collect-only", "-q", url=DEAD))
    assert check("--collect-only", "-n2").status == 0


def test_a_table_without_permission_is_unknown(check: RunRules, server: PostgresServer, url: str) -> None:
    """All others are judged: 6 while they hold, 1 when one is violated."""
    reader = url.replace("postgres@", "looker@")
    closed = (
        '\n@rule.not_null("closed", "size")\ndef test_closed(violations):\n    """."""\n    assert not violations\n'
    )
    held, violated = check(HOLDS, closed, url=reader), check(HOLDS, closed, VIOLATED, url=reader)

    assert (held.status, violated.status) == (6, 1)
    assert violated.verdicts == {"test_holds": "passed", "test_closed": "unknown", "test_violated": "failed"}
    assert "GRANT SELECT" in held.reasons["test_closed"]


def test_a_scan_that_takes_too_long_is_unknown(check: RunRules) -> None:
    """Only its own rules are."""
    slow = '\n@rule.query("SELECT pg_sleep(9)", timeout=0.05)\ndef test_slow(violations):\n    """."""\n    assert not violations\n'
    ran = check(HOLDS, slow)

    assert ran.status == 6
    assert ran.verdicts == {"test_holds": "passed", "test_slow": "unknown"}
    assert "longer than 0.05 s" in ran.reasons["test_slow"]


@WITH_A_WORKER
def test_nothing_selected_is_5(check: RunRules, how: list[str]) -> None:
    """Deselected rules need no database; the report says that nothing was judged."""
    ran = check(HOLDS, "-k", "no_such_name", *how, url=DEAD)

    assert ran.status == 5, ran.out
    assert ran.integrity["run"]["error"] == "no rule was judged"


def test_nothing_collected_is_5(check: RunRules, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the database was named."""
    assert check(url=DEAD).integrity["run"]["error"] == "no rule was judged"
    monkeypatch.setenv("TGINTEGRITY_DB_URL", DEAD)
    ran = check(url=None)

    assert ran.status == 5
    assert ran.integrity["run"]["error"] == "no rule was judged"


@WITH_A_WORKER
def test_all_skipped_is_6(check: RunRules, how: list[str]) -> None:
    """A skipped rule was not checked."""
    ran = check(f"@pytest.mark.skip(reason='later')\n{HOLDS.strip()}\n", *how)

    assert ran.status == 6
    assert ran.reasons == {"test_holds": "skipped: later"}
    assert ran.integrity["health"]["status"] == "degraded"


@WITH_A_WORKER
@pytest.mark.parametrize("more", [[], ["--continue-on-collection-errors"]], ids=["stop", "go-on"])
def test_a_file_that_cannot_be_imported_is_2(
    check: RunRules, pytester: pytest.Pytester, how: list[str], more: list[str]
) -> None:
    """Also if it was collected before the first rule was seen, and although all rules hold."""
    pytester.makepyfile(test_a_broken="import no_such_module")
    ran = check(HOLDS, *how, *more)

    assert ran.status == 2, ran.out
    assert "no_such_module" in ran.out
    assert not ran.integrity["run"]["complete"]


def test_violated_beats_not_collected(check: RunRules, pytester: pytest.Pytester) -> None:
    """1 over 2."""
    pytester.makepyfile(test_a_broken="import no_such_module")

    assert check(VIOLATED, "--continue-on-collection-errors").status == 1


@WITH_A_WORKER
def test_a_wrong_declaration_is_2(check: RunRules, how: list[str]) -> None:
    """One clear line: where, what, and the cure."""
    ran = check(HOLDS.replace('"high"', '"grave"'), *how)
    told = [line for line in ran.out.splitlines() if "grave" in line and line.startswith("test_items.py")]

    assert ran.status == 2
    assert told == [
        "test_items.py:5: test_holds: unknown severity 'grave': use one of critical, high, medium, low, info"
    ]
    assert "Traceback" not in ran.out


@BOTH_WAYS
def test_violated_is_1(check: RunRules, how: list[str]) -> None:
    """Whatever else is unknown."""
    ran = check(HOLDS, VIOLATED, UNKNOWN, *how)

    assert ran.status == 1
    assert ran.verdicts == {"test_holds": "passed", "test_violated": "failed", "test_unknown": "unknown"}
    assert ran.document["exitcode"] == 1


@WITH_A_WORKER
def test_unknown_is_6(check: RunRules, how: list[str]) -> None:
    """Nothing is violated, but something could not be evaluated."""
    ran = check(HOLDS, UNKNOWN, *how)

    assert ran.status == 6
    assert ran.document["exitcode"] == 6


def test_bodies_that_judge_nothing_are_6(check: RunRules) -> None:
    """Each says why."""
    ran = check(BODIES)

    assert ran.status == 6
    assert set(ran.verdicts.values()) == {"unknown"}
    assert ran.reasons == {
        "test_only_examined": "the test never looked at its violations: write `assert not violations`",
        "test_raises": "KeyError: 'oh'",
        "test_teardown": "tearing it down failed: RuntimeError: cannot clean up",
        "test_skips": "skipped: not today",
    }


def test_expected_failures_are_unknown(check: RunRules) -> None:
    """A waiver is dated, owned and counted; an xfail is none of these."""
    ran = check(XFAIL)

    assert ran.status == 6
    assert ran.reasons == {
        "test_xpass[name]": "xpass: known since June",
        "test_xfail": "xfail: known since May",
        "test_strict": "[XPASS(strict)] known since April",
    }


@pytest.mark.parametrize(
    ("args", "status", "verdict"),
    [
        (["--fail-on=critical"], 7, "noted"),
        (["--fail-on=critical", "--health-min=85"], 0, "noted"),
        (["--fail-on=high", "--health-min=0"], 1, "failed"),
    ],
)
def test_noted_rules_only_cost_points(check: RunRules, args: list[str], status: int, verdict: str) -> None:
    """`--fail-on` decides exit 1, the score decides exit 7."""
    ran = check(VIOLATED, *args)

    assert ran.status == status
    assert ran.verdicts == {"test_violated": verdict}
    assert ran.integrity["health"]["score"] == 85


@pytest.mark.parametrize("how", [["-x"], ["--maxfail=1"], ["-x", "-n2"]], ids=" ".join)
def test_stopping_early_keeps_the_precedence(check: RunRules, how: list[str]) -> None:
    """Violated is 1 and unknown is 6, although xdist calls it an interruption; the run is not complete."""
    later = "".join(HOLDS.replace("test_holds", f"test_later_{n}") for n in range(40))
    violated, unknown = check(VIOLATED, later, *how), check(UNKNOWN, later, *how)

    assert (violated.status, unknown.status) == (1, 6), violated.out + unknown.out
    assert not violated.integrity["run"]["complete"]
    assert violated.integrity["health"]["status"] == "undetermined"


def test_an_ordinary_failure_is_1(check: RunRules) -> None:
    """Beside rules that hold, and beside rules that are unknown."""
    assert check(HOLDS, FAILING).status == 1
    assert check(UNKNOWN, FAILING).status == 1
    assert check(HOLDS, ORDINARY).status == 0


@BOTH_WAYS
def test_an_ordinary_suite_is_left_alone(check: RunRules, monkeypatch: pytest.MonkeyPatch, how: list[str]) -> None:
    """No connection is tried, though the environment names a server; the report has no part of ours."""
    monkeypatch.setenv("TGINTEGRITY_DB_URL", DEAD)
    monkeypatch.setattr(psycopg.Connection, "connect", pytest.fail)
    ran = check(ORDINARY, *how, url=None)

    assert ran.status == 0, ran.out
    assert "integrity:" not in ran.out
    assert check(ORDINARY, FAILING, *how, url=None).status == 1


def test_a_worker_that_crashes_leaves_its_rule_unknown(check: RunRules) -> None:
    """Not a violation, not an ordinary failure, and nobody hangs; also when no other worker is left to tell."""
    crash = '\n@rule.check()\ndef test_crash(db):\n    """."""\n    os._exit(1)\n'
    for more in [["-n2"], ["-n1", "--max-worker-restart=0"]]:
        ran = check(HOLDS, crash, *more, subprocess=True)

        assert ran.status == 6, ran.out
        assert ran.verdicts["test_crash"] == "unknown"
        assert "crashed while running" in ran.reasons["test_crash"]


@BOTH_WAYS
def test_ctrl_c_is_2_and_cancels_our_backends(pytester: pytest.Pytester, url: str, how: list[str]) -> None:
    """A long scan and a long free test stop on the server too, within about two seconds."""
    rules(
        pytester,
        '@rule.query("SELECT pg_sleep(60)")\ndef test_scan(violations):\n    """."""\n    assert not violations\n',
        '@rule.check()\ndef test_free(db):\n    """."""\n    assert db.execute("SELECT pg_sleep(61)")\n',
    )
    command = [sys.executable, "-m", "pytest", f"--db-url={url}", "--json-report", "--json-report-file=r.json", *how]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True) as running:
        wait_until(lambda: sleeping(url) >= (2 if how else 1))
        running.send_signal(signal.SIGINT)
        gone = wait_until(lambda: sleeping(url) == 0)
        out, _ = running.communicate(timeout=20)

    assert gone < 3, out
    assert running.returncode == 2, out
    assert '"complete": false' in (pytester.path / "r.json").read_text()
    assert "Traceback" not in out
