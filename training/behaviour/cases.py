"""One behaviour test: pairs to ask, and what the answers must look like."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Stance

MARGIN = 0.1
"""By how much a score, in [−1, 1], must move for a directional test; less is no movement."""


class Kind(StrEnum):
    """What is asked of the answers of a case (names as in CheckList, but for the second)."""

    MINIMUM = "minimum"
    """The one answer has the right label (MFT)."""
    SWAP = "swap"
    """All targets of one quote get their right labels."""
    INVARIANCE = "invariance"
    """All variants get the same label, whichever (INV)."""
    DIRECTION = "direction"
    """The second text's score lies on the named side of the first one's (DIR)."""


@dataclass(frozen=True)
class Case:
    """One test. `labels` go with the pairs of minimum and swap, `groups` with those of variants."""

    capability: str
    kind: Kind
    template: str
    """What it was expanded from: cases of one template stand and fall together."""
    pairs: tuple[StancePair, ...]
    labels: tuple[Label, ...] = ()
    moves: Literal["up", "down"] | None = None
    groups: tuple[str, ...] = ()

    def fails(self, stances: Sequence[Stance]) -> bool:
        """Whether the answers, one per pair, break the expectation; an abstention is its guess."""
        if self.kind is Kind.INVARIANCE:
            return len({stance.label for stance in stances}) > 1
        if self.kind is Kind.DIRECTION:
            rise = stances[1].score - stances[0].score
            return (rise if self.moves == "up" else -rise) < MARGIN
        return any(s.label is not label for s, label in zip(stances, self.labels, strict=True))


def digest(cases: Sequence[Case]) -> str:
    """First 16 hex digits of a sha256 over all that is asked and expected, in this order."""
    content = [
        [c.capability, [[p.text, p.target, p.speaker] for p in c.pairs], c.labels, c.moves]
        for c in cases
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:16]
