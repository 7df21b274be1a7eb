"""Fixtures of the zoo: servers of the wheel's version and of the machine's, and zoos of every encoding on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pytest_tgintegrity.servers.binaries import find_postgres
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres
from zoo import MAJORS, OpenZoo, Zoo, open_zoo


def _server(major: int, stack: ExitStack) -> PostgresServer:
    binaries = find_postgres(major)
    if binaries.major != major:
        pytest.skip(
            f"no PostgreSQL {major} is installed here (found: {binaries.major}); its part of the zoo was not looked at"
        )
    return stack.enter_context(start_postgres(binaries=binaries, settings={"lock_timeout": "20s"}))


@pytest.fixture(scope="session")
def zoo_of() -> Iterator[OpenZoo]:
    """Give the zoo of a server's major version and an encoding, made at first use."""
    servers: dict[int, PostgresServer] = {}
    zoos: dict[tuple[int, str], Zoo] = {}
    with ExitStack() as stack:

        def zoo_of(major: int, encoding: str = "UTF8") -> Zoo:
            if major not in servers:
                servers[major] = _server(major, stack)
            if (major, encoding) not in zoos:
                zoos[major, encoding] = open_zoo(servers[major], encoding)
            return zoos[major, encoding]

        yield zoo_of


@pytest.fixture(params=MAJORS)
def zoo(request: pytest.FixtureRequest, zoo_of: OpenZoo, record_property: Callable[[str, object], None]) -> Zoo:
    """The zoo in UTF-8 of each version; what it lacks is a property of the test and stands in its output."""
    found = zoo_of(request.param, "UTF8")
    told = "; ".join(f"{what} ({why})" for what, why in sorted(found.missing.items())) or "nothing"
    record_property("left out", told)
    print(f"PostgreSQL {found.major}, left out here: {told}")  # noqa: T201 - named in the test's output (-rP)
    return found
