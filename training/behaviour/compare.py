"""Two predictors on the same cases: which capability got worse, which better."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stancewire.calibration import FloatArray
from stancewire.errors import ConfigError
from stancewire.training.behaviour.marks import Marks
from stancewire.training.metrics import resamples

ROUNDS = 2000
SEED = 13
CONFIDENCE = 0.99
"""Of each interval: of forty capabilities, one in five comparisons of equals would err at 95 %."""


@dataclass(frozen=True)
class Change:
    """One capability, or all of them: the candidate's failures beside the champion's."""

    capability: str
    cases: int
    candidate: float
    champion: float
    """Failure rates."""
    only_candidate: int
    only_champion: int
    """Cases that one of them fails and the other does not."""
    difference: float
    low: float
    high: float
    """Candidate's rate less the champion's, with its interval (paired, templates resampled)."""

    @property
    def worse(self) -> bool:
        """Whether the candidate fails more often, beyond chance."""
        return self.low > 0

    @property
    def better(self) -> bool:
        """Whether the candidate fails less often, beyond chance."""
        return self.high < 0

    def to_dict(self) -> dict[str, Any]:
        """The change as plain data, with its verdicts."""
        return asdict(self) | {"worse": self.worse, "better": self.better}


@dataclass(frozen=True)
class Comparison:
    """All capabilities; `overall` takes every case of the suite together."""

    changes: tuple[Change, ...]
    overall: Change

    @property
    def worse(self) -> list[str]:
        """Capabilities that the candidate does worse."""
        return [change.capability for change in self.changes if change.worse]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON and for the gate."""
        return {
            "worse": self.worse,
            "confidence": CONFIDENCE,
            "overall": self.overall.to_dict(),
            "capabilities": [change.to_dict() for change in self.changes],
        }


def compare(candidate: Marks, champion: Marks) -> Comparison:
    """What changes if `candidate` takes the place of `champion`.

    Cases of one template stand and fall together, so the bootstrap draws templates, not cases.
    Raises `ConfigError` if the two did not answer the same cases.
    """
    if candidate.suite != champion.suite:
        raise ConfigError("the two reports are of different cases and cannot be compared")
    ours, theirs = (marks.failed.astype(np.float64) for marks in (candidate, champion))
    clusters = [f"{case.capability} {case.template}" for case in candidate.cases]
    changes = tuple(
        _change(name, ours[members], theirs[members], [clusters[i] for i in members])
        for name, members in candidate.capabilities()
    )
    return Comparison(changes, _change("all", ours, theirs, clusters))


def _change(name: str, ours: FloatArray, theirs: FloatArray, clusters: Sequence[str]) -> Change:
    apart = ours - theirs
    drawn = [apart[i].mean() for i in resamples(clusters, seed=SEED, rounds=ROUNDS)]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Change(
        capability=name,
        cases=len(ours),
        candidate=float(ours.mean()),
        champion=float(theirs.mean()),
        only_candidate=int((apart > 0).sum()),
        only_champion=int((apart < 0).sum()),
        difference=float(apart.mean()),
        low=float(low),
        high=float(high),
    )
