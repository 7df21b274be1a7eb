"""The demo: an embedded TG database with clean data, and the same with planted faults.

Importing this is cheap; the modules that make the data are imported when a dataset is built.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import psycopg

__all__ = ["DATASETS", "READER", "Dataset"]

READER: Final = "tg_reader"
"""The login role that may read everything and change nothing."""

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Dataset:
    """A database that can be built from nothing."""

    name: str
    damaged: bool = False
    database: str = "tg"
    reader: str = READER

    def fingerprint(self) -> str:
        """A digest of everything that the dataset is made of: it changes when the database would."""
        digest = sha256(self.name.encode())
        for path in sorted(path for path in _HERE.rglob("*") if path.suffix in (".py", ".sql")):
            digest.update(path.relative_to(_HERE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def build(self, connection: "psycopg.Connection") -> None:
        """Create tables, rows, constraints and the reading role in an empty database, and commit."""
        from . import building

        building.build(connection, damaged=self.damaged)


DATASETS: Final[Mapping[str, Dataset]] = MappingProxyType(
    {"demo": Dataset("demo"), "demo:damaged": Dataset("demo:damaged", damaged=True)}
)
