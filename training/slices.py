"""Figures of a model by slice: how often it is right there, and to which side it errs.

Intervals are of a bootstrap that draws whole statements, as everywhere in the reports.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from stancewire.calibration import FloatArray
from stancewire.data import speakers
from stancewire.labels import INDEX, Label
from stancewire.records import Record
from stancewire.training.evaluate import Evaluation
from stancewire.training.metrics import IntArray, resamples

MIN_PAIRS = 20
"""Fewest pairs of a slice that is shown: below, one label moves it by more than 5 points."""
MIN_STATEMENTS = 5
"""Fewest statements of such a slice: a bootstrap over fewer says nothing."""
LENGTHS = ((25, "up to 25"), (50, "26–50"), (100, "51–100"))
"""Most words of a quote → name of its slice."""
LONGEST = "over 100"

Slicing = Callable[[Record], Iterable[str]]
"""Which slices a record belongs to, each as "what: which"."""


class Estimate(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """A part of the records. The two leanings are shares, each in [−1, 1]; 0 is none."""

    name: str
    pairs: int
    statements: int
    accuracy: Estimate
    favor: Estimate
    """Share of predicted favor less share of gold favor: above 0 it sees too much favor."""
    against: Estimate
    """The same of against."""

    def to_dict(self) -> dict[str, Any]:
        """The slice as plain data; a figure is [value, low, high]."""
        plain = {name: list(getattr(self, name)) for name in ("accuracy", "favor", "against")}
        return {"name": self.name, "pairs": self.pairs, "statements": self.statements, **plain}


def slices_of(record: Record) -> set[str]:
    """Every slice that a record belongs to.

    A tag such as `field:energy` names its own kind of slice; one without a colon is a plain tag.
    """
    words = len(record.text.split())
    length = next((name for most, name in LENGTHS if words <= most), LONGEST)
    found = {f"stance: {record.stance.value}", f"words: {length}", f"source: {record.source}"}
    if record.neutral_kind is not None:
        found.add(f"neutral kind: {record.neutral_kind.value}")
    for tag in record.tags:
        what, colon, which = tag.partition(":")
        found.add(f"{what}: {which}" if colon else f"tag: {tag}")
    return found | set(speaker_slices(record))


def speaker_slices(record: Record) -> list[str]:
    """Slices by who speaks: country, kind, and the group of kinds (`speaker: government`)."""
    one = speakers.of(record)
    parts = {"country": one.country, "kind": one.kind, "speaker": one.group}
    return [f"{what}: {which}" for what, which in parts.items() if which is not None]


def members(
    evaluation: Evaluation,
    slicing: Slicing = slices_of,
    *,
    min_pairs: int = MIN_PAIRS,
    min_statements: int = MIN_STATEMENTS,
) -> dict[str, list[int]]:
    """Slice → item numbers, in the order of the names; without slices that are too small."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(evaluation.records):
        for name in slicing(record):
            found[name].append(index)
    return {
        name: items
        for name, items in sorted(found.items())
        if len(items) >= min_pairs and _statements(evaluation, items) >= min_statements
    }


def figures_by_slice(
    evaluation: Evaluation,
    slicing: Slicing = slices_of,
    *,
    min_pairs: int = MIN_PAIRS,
    seed: int = 13,
    rounds: int = 1000,
) -> list[Slice]:
    """Accuracy and leanings of every slice that is large enough, in the order of the names."""
    found = members(evaluation, slicing, min_pairs=min_pairs)
    draws = weights(evaluation, seed=seed, rounds=rounds)
    gold, predicted = evaluation.gold, evaluation.predicted
    right = (gold == predicted).astype(np.float64)
    leaning = {label: _leaning(gold, predicted, label) for label in (Label.FAVOR, Label.AGAINST)}
    return [
        Slice(
            name=name,
            pairs=len(items),
            statements=_statements(evaluation, items),
            accuracy=_estimate(draws[:, items], right[items]),
            favor=_estimate(draws[:, items], leaning[Label.FAVOR][items]),
            against=_estimate(draws[:, items], leaning[Label.AGAINST][items]),
        )
        for name, items in found.items()
    ]


def weights(evaluation: Evaluation, *, seed: int, rounds: int) -> FloatArray:
    """How often each item is drawn (rounds, n): a slice's draws are a part of the whole's."""
    draws = resamples(evaluation.statements, seed=seed, rounds=rounds)
    return weights_of(draws, len(evaluation.records))


def weights_of(draws: Sequence[IntArray], size: int) -> FloatArray:
    """The same from bootstrap samples that are there already."""
    rows = [np.bincount(items, minlength=size).astype(np.float64) for items in draws]
    return np.stack(rows)


def means(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Weighted mean of each draw; a draw without any item of the slice says nothing."""
    total = weights.sum(axis=1)
    result: FloatArray = (weights @ values)[total > 0] / total[total > 0]
    return result


def interval(weights: FloatArray, values: FloatArray) -> tuple[float, float]:
    """95 % interval of a weighted mean."""
    low, high = np.quantile(means(weights, values), [0.025, 0.975])
    return float(low), float(high)


def _statements(evaluation: Evaluation, items: Sequence[int]) -> int:
    return len({evaluation.statements[i] for i in items})


def _estimate(weights: FloatArray, values: FloatArray) -> Estimate:
    return Estimate(float(values.mean()), *interval(weights, values))


def _leaning(gold: IntArray, predicted: IntArray, label: Label) -> FloatArray:
    said, meant = (one == INDEX[label] for one in (predicted, gold))
    result: FloatArray = said.astype(np.float64) - meant.astype(np.float64)
    return result
