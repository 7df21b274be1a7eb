"""Where the database is: read as libpq reads it, shown without secrets."""

from __future__ import annotations

import pytest

from pytest_tgintegrity.database.connections.address import CURE, name_in, parse_address
from pytest_tgintegrity.errors import UsageError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw@db.example:5433/tg", "tg at db.example:5433 as me"),
        ("postgres://me@db.example", "me at db.example as me"),
        ("postgresql:///tg?host=/run/pg&user=me", "tg at /run/pg as me"),
        ("postgresql://a,b:5433/tg", "tg at a,b:,5433"),
        ("host=db.example dbname=tg password='it\\'s'", "tg at db.example"),
        ("dbname=tg", "tg at the local server"),
        ("service=mine", "service mine"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    """Database, host, port, user."""
    address = parse_address(text)

    assert address.shown == shown
    assert str(address) == repr(address) == f"<Address {shown}>"


@pytest.mark.parametrize(
    "text",
    [
        "zzz",
        "postgresql://a@b@c/d",
        "postgresql://u:p/w@h/d",
        "postgresql://h:port/d",
        "host=h port=x",
        "host='h",
        "a=b",
    ],
)
def test_what_cannot_be_meant(text: str) -> None:
    """It is refused with the cure, and not echoed."""
    with pytest.raises(UsageError) as refused:
        parse_address(text, "HERE")

    assert str(refused.value).startswith("HERE ")
    assert str(refused.value).endswith(CURE)
    assert text not in str(refused.value).replace(CURE, "")


def test_passwords_found_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, or by libpq itself."""
    monkeypatch.setenv("PGPASSWORD", "from-environment")
    address = parse_address("postgresql://me:from%2Durl@h/d").with_password("from-passfile")

    assert address.scrub("from-environment from-url from%2Durl from-passfile") == "*** *** *** ***"
    assert address.with_password(None).scrub("other") == "other"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("postgresql://me@host/tg", "tg"),
        ("postgresql://me@host", "me"),
        ("host=h dbname=tg", "tg"),
        ("host=h", ""),
        ("service=tg", ""),
        ("demo", ""),
        ("postgresql://me:a@b@host/tg", ""),
    ],
)
def test_a_name_to_go_by_where_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch, text: str, name: str) -> None:
    monkeypatch.delenv("PGDATABASE", raising=False)
    assert name_in(text) == name
