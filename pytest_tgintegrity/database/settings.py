"""The settings of a run, and what its owner sends to other processes of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_tgintegrity.database.connections.address import Address
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.connections.redaction import Secrets
from pytest_tgintegrity.planning.facts import Before, EarlierRows


@dataclass(frozen=True, slots=True)
class Settings:
    """Number of connections, limits, window and number of samples of a run."""

    jobs: int
    limits: Limits
    samples: int
    period: float | None
    scopes: Mapping[str, str]
    demo_module: str
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a worker needs to join a run. Holds the password, so it is never shown."""

    address: Address
    snapshot: str
    started_at: datetime
    earlier: EarlierRows = field(default_factory=EarlierRows)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for another process of the same run."""
        secrets = self.address.secrets
        return {
            "conninfo": self.address.conninfo,
            "shown": self.address.shown,
            "secrets": sorted(secrets.words),
            "public": sorted(secrets.public),
            "snapshot": self.snapshot,
            "started_at": self.started_at.isoformat(),
            "earlier": {table: [before.rows, before.at.isoformat()] for table, before in self.earlier.rows.items()},
            "no_run": self.earlier.reason,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Invitation:
        """The inverse of `to_json`."""
        secrets = Secrets(document["secrets"], document["public"])
        address = Address(document["conninfo"], document["shown"], secrets)
        rows = {table: Before(count, datetime.fromisoformat(at)) for table, (count, at) in document["earlier"].items()}
        earlier = EarlierRows(rows, document["no_run"])
        return cls(address, document["snapshot"], datetime.fromisoformat(document["started_at"]), earlier)
