"""The scan that answers all rules about a pinned schema: the catalogs are read once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from psycopg import sql

from pytest_tgintegrity.judging.verdicts import Sample
from pytest_tgintegrity.planning.expected.comparing import Difference, compared
from pytest_tgintegrity.planning.expected.lock_file import object_of
from pytest_tgintegrity.planning.expected.questions import objects_question
from pytest_tgintegrity.planning.scans.access import Access
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import Count, Row, Tally
from pytest_tgintegrity.planning.sql.compose import raw
from pytest_tgintegrity.rules.kinds import OBJECT_KINDS, UNPINNED, CatalogObject, ObjectKind, Pinned

GONE = "it was dropped after the snapshot was taken"


@dataclass(frozen=True, slots=True)
class PinnedScan:
    """All rules about the schema that one lock file pins; `kinds` says by rule what each is about."""

    kinds: Mapping[str, Pinned]
    source: str = "the catalogs"
    pages: int = 0
    timeout: float | None = None
    access: ClassVar[Access] = "catalogs"
    counts: ClassVar[str | None] = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids that the answer serves."""
        return tuple(self.kinds)

    @property
    def _asked(self) -> tuple[ObjectKind, ...]:
        whats = {kind.what for kind in self.kinds.values()}
        return OBJECT_KINDS if UNPINNED in whats else tuple(kind for kind in OBJECT_KINDS if kind in whats)

    def reach(self) -> sql.Composable:
        """Nothing to try first: everybody may read the catalogs."""
        return raw("SELECT")

    def probes(self) -> Mapping[str, sql.Composable]:
        """None: the SQL is the engine's own."""
        return {}

    def question(self, types: Mapping[str, int]) -> sql.Composable:
        """All objects of the kinds that are asked for."""
        del types
        return objects_question(self._asked)

    def tally(self, answer: Sequence[Row]) -> Tally:
        """What each rule finds missing, changed or new; always final."""
        live = [object_of([*row[:4], row[4] or GONE]) for row in answer]
        return Tally(None, {rule: _counted(kind, live) for rule, kind in self.kinds.items()})

    def sampling(self, rule: str) -> Sampling | None:
        """None: the answer holds what there is to show."""
        del rule
        return None

    def only(self, rules: Iterable[str]) -> Self:
        """The same for some of the rules."""
        chosen = set(rules)
        return replace(self, kinds={rule: kind for rule, kind in self.kinds.items() if rule in chosen})


def _counted(kind: Pinned, live: Sequence[CatalogObject]) -> Count:
    if kind.what == UNPINNED:
        new = compared(kind.objects, live).new
        return Count(len(live), len(new), samples=tuple(map(_sample, new)))
    pinned = [one for one in kind.objects if one.kind == kind.what]
    lost = compared(pinned, [one for one in live if one.kind == kind.what]).lost
    return Count(len(pinned), len(lost), samples=tuple(map(_sample, lost)))


def _sample(difference: Difference) -> Sample:
    values = {"kind": difference.object.kind} if difference.problem == "new" else {"problem": difference.problem}
    definitions = {"pinned": difference.pinned, "now": difference.now}
    return Sample(
        difference.object.label,
        None,
        {**values, **{name: text for name, text in definitions.items() if text is not None}},
    )
