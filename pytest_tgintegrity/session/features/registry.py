"""All features of a run, in the order in which they conclude and are reported: a new one joins here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_tgintegrity.history.memory import Memory
from pytest_tgintegrity.judging.outcome import RunOutcome
from pytest_tgintegrity.session.feature import Feature
from pytest_tgintegrity.session.features.access import Access
from pytest_tgintegrity.session.features.census import Census
from pytest_tgintegrity.session.features.coverage import RuleCoverage
from pytest_tgintegrity.session.features.deciding.baseline import Baselines
from pytest_tgintegrity.session.features.deciding.gate import Gating
from pytest_tgintegrity.session.features.deciding.probing import Probes
from pytest_tgintegrity.session.features.declarations import Declarations
from pytest_tgintegrity.session.features.fixing import Fixing
from pytest_tgintegrity.session.features.history import History
from pytest_tgintegrity.session.features.proving import Proving
from pytest_tgintegrity.session.features.waivers import Waivers

if TYPE_CHECKING:
    from pytest_tgintegrity.session.options import Options


@dataclass(frozen=True, slots=True)
class Features:
    """Each feature by its name, and all of them in their order."""

    access: Access
    waivers: Waivers
    fixing: Fixing
    probes: Probes
    census: Census
    declarations: Declarations
    history: History
    baselines: Baselines
    gating: Gating
    coverage: RuleCoverage
    proving: Proving

    @property
    def all(self) -> tuple[Feature, ...]:
        """In the order in which they conclude."""
        return (
            self.waivers,
            self.fixing,
            self.access,
            self.probes,
            self.census,
            self.declarations,
            self.history,
            self.baselines,
            self.gating,
            self.coverage,
            self.proving,
        )


def features_of(config: pytest.Config, asked: Options, memory: Memory, outcome: RunOutcome) -> Features:
    """The features of a session; each is given the others that it needs."""
    waivers = Waivers(asked.waivers, outcome, wanted=not asked.prove)
    probes = Probes(asked.probe, outcome)
    census = Census(config, asked, memory, waivers, outcome)
    declarations = Declarations(config, asked, memory, waivers, outcome)
    history = History(memory, probes, census, declarations)
    baselines = Baselines(asked.baseline, memory, probes)
    return Features(
        access=Access(),
        waivers=waivers,
        fixing=Fixing(config, asked, memory, waivers),
        probes=probes,
        census=census,
        declarations=declarations,
        history=history,
        baselines=baselines,
        gating=Gating(asked.gate, history, baselines, outcome),
        coverage=RuleCoverage(wanted=asked.coverage and not asked.prove),
        proving=Proving(quote=bool(asked.samples)),
    )
