"""The addresses that were given: of the database, of the history, of who gets alerts. No other module reads these options: they hold secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.commandline.parsing import is_worker, respelled, spelling_of
from pytest_tgintegrity.commandline.spelling import Spelling
from pytest_tgintegrity.commandline.table import ALERT_VARIABLE, DB_URL_VARIABLE, REDIS_URL_VARIABLE
from pytest_tgintegrity.database.connections.redaction import Secrets, passwords_in

if TYPE_CHECKING:
    from pytest_tgintegrity.history.redis_address import RedisAddress
    from pytest_tgintegrity.reports.alerts.receivers import Receiver

SECRET = ("--db-url", "--alert", "--redis-url")
"""Options that may hold a password."""


@dataclass(frozen=True, slots=True)
class GivenUrl:
    """The URL of the database as it was given, and where; never shown."""

    url: str = field(repr=False)
    origin: str

    @property
    def at_once(self) -> bool:
        """Whether it was given for this very run, on the command line."""
        return self.origin != DB_URL_VARIABLE


INVOKED = pytest.StashKey[tuple[str, ...]]()
"""What pytest was called with, passwords and all."""
_GIVEN = pytest.StashKey[GivenUrl | None]()
_ALERT: pytest.StashKey[Receiver | None] = pytest.StashKey()
_REDIS: pytest.StashKey[RedisAddress | None] = pytest.StashKey()


def given_url(config: pytest.Config) -> GivenUrl | None:
    """The URL of the command line, else of the environment; from then on the option shows only that there is one."""
    if _GIVEN not in config.stash:
        config.stash[_GIVEN] = _find_url(config)
        config.option.tgintegrity_db_url = "(hidden)" if config.getoption("tgintegrity_db_url") else None
    return config.stash[_GIVEN]


def _find_url(config: pytest.Config) -> GivenUrl | None:
    if option := config.getoption("tgintegrity_db_url"):
        return GivenUrl(str(option), respelled(config, "--db-url"))
    if config.getoption("tgintegrity_prove"):
        return GivenUrl("demo", respelled(config, "--prove"))
    variable = os.environ.get(DB_URL_VARIABLE)
    return GivenUrl(variable, DB_URL_VARIABLE) if variable else None


def asked_name(config: pytest.Config, namespace: Any) -> str:
    """The name of the database as the address gives it; `namespace` holds the command line, in case `given_url` has not been called yet."""
    given = config.stash.get(_GIVEN, None)
    url = given.url if given else namespace.tgintegrity_db_url or os.environ.get(DB_URL_VARIABLE)
    if not url:
        return ""
    from pytest_tgintegrity.database.connections.address import name_in  # noqa: PLC0415 - it imports psycopg: other suites start at once

    return name_in(str(url))


def redis_address(config: pytest.Config) -> RedisAddress | None:
    """Where past runs are kept, if anywhere; the option then shows only that there is one. Raises `UsageError`."""
    if _REDIS not in config.stash:
        option, variable = config.getoption("tgintegrity_redis_url"), os.environ.get(REDIS_URL_VARIABLE)
        config.stash[_REDIS] = None
        config.option.tgintegrity_redis_url = "(hidden)" if option else None
        if not is_worker(config) and (option or variable):
            origin = "--redis-url" if option else REDIS_URL_VARIABLE
            from pytest_tgintegrity.history.redis_address import parse_redis_url  # noqa: PLC0415 - most suites have no history

            config.stash[_REDIS] = parse_redis_url(str(option or variable), origin)
    return config.stash[_REDIS]


def has_history(config: pytest.Config) -> bool:
    """Whether past runs are kept anywhere; workers know that, too."""
    return bool(config.getoption("tgintegrity_redis_url") or os.environ.get(REDIS_URL_VARIABLE))


def alert_receiver(config: pytest.Config) -> Receiver | None:
    """Who gets alerts, if anybody; the option then shows only that there is one. Raises `UsageError`."""
    if _ALERT not in config.stash:
        given = config.getoption("tgintegrity_alert") or os.environ.get(ALERT_VARIABLE)
        config.stash[_ALERT] = None
        config.option.tgintegrity_alert = "(hidden)" if config.getoption("tgintegrity_alert") else None
        if given and not is_worker(config):
            from pytest_tgintegrity.reports.alerts.receivers import receiver  # noqa: PLC0415 - most suites send no alerts

            config.stash[_ALERT] = receiver(str(given))
    return config.stash[_ALERT]


def given_secrets(config: pytest.Config, hidden: Secrets) -> Secrets:
    """What must not be shown: passwords and addresses of webhooks that were given here, in a worker the `hidden` ones of the controller.

    What workers take out of ids of tests has to be the same in each of them.
    """
    given, redis, receiver = config.stash.get(_GIVEN, None), redis_address(config), alert_receiver(config)
    known = hidden if given is None or is_worker(config) else Secrets(passwords_in(given.url))
    return known.including(*(redis.secrets.words if redis else ()), *(receiver.secrets if receiver else ()))


def invoked(config: pytest.Config) -> tuple[str, Sequence[str], Spelling]:
    """The program that was called, its arguments (with passwords, so never shown as they are), and the names of our options."""
    program = "python -m pytest" if Path(sys.argv[0]).name == "__main__.py" else "pytest"
    return program, config.stash.get(INVOKED, config.invocation_params.args), spelling_of(config)
