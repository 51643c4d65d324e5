"""What a name, a country or an office does to a score while the words stay the same.

A counterfactual bias measure: in each case only the group differs, so that a group's mean distance
from its case's mean is due to the group alone (perturbation sensitivity; Prabhakaran et al.,
EMNLP 2019).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stancewire.predictor import Stance
from stancewire.training.behaviour.cases import Case


@dataclass(frozen=True)
class Lean:
    """One group of one invariance test."""

    capability: str
    group: str
    cases: int
    lean: float
    """Mean of the score less the mean score of its case, in [−2, 2]; above 0 toward favor."""
    low: float
    high: float
    """95 % interval of the mean (normal)."""
    apart: float
    """Share of the cases whose commonest label is not this group's."""


def leanings(answered: Sequence[tuple[Case, Sequence[Stance]]]) -> list[Lean]:
    """One per capability and group; cases without groups are passed over."""
    distances: dict[tuple[str, str], list[float]] = defaultdict(list)
    apart: Counter[tuple[str, str]] = Counter()
    for case, stances in answered:
        if not case.groups:
            continue
        mean = float(np.mean([stance.score for stance in stances]))
        common = Counter(stance.label for stance in stances).most_common(1)[0][0]
        for group, stance in zip(case.groups, stances, strict=True):
            distances[case.capability, group].append(stance.score - mean)
            apart[case.capability, group] += stance.label is not common
    return [_lean(key, values, apart[key]) for key, values in distances.items()]


def gaps(leans: Sequence[Lean]) -> dict[str, float]:
    """Capability → the highest lean of its groups less the lowest."""
    by_capability: dict[str, list[float]] = defaultdict(list)
    for one in leans:
        by_capability[one.capability].append(one.lean)
    return {name: max(values) - min(values) for name, values in by_capability.items()}


def _lean(key: tuple[str, str], distances: Sequence[float], apart: int) -> Lean:
    n = len(distances)
    mean = float(np.mean(distances))
    half = 1.96 * float(np.std(distances, ddof=1)) / n**0.5 if n > 1 else float("inf")
    return Lean(*key, cases=n, lean=mean, low=mean - half, high=mean + half, apart=apart / n)
