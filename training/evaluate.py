"""Evaluation through the served `Predictor`, with the baselines of every report beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from stancewire.backends import TfidfBackend
from stancewire.calibration import BoolArray, Calibration, FloatArray
from stancewire.labels import ORDER
from stancewire.predictor import Predictor, Stance
from stancewire.records import Record
from stancewire.training.linear import fit_tfidf
from stancewire.training.metrics import (
    IntArray,
    RiskCoverage,
    bootstrap_interval,
    figures,
    gold_indices,
    intervals,
    risk_coverage,
    set_figures,
)
from stancewire.training.recipe import Linear

BASELINES = {"text-only": ("text",), "target-only": ("target",)}
"""Blind baselines: TF-IDF that sees one side of the pair. A model must be far above both."""
ALPHAS = (0.2, 0.1, 0.05)
"""For which label sets are measured: they should hold the gold label in 80, 90 and 95 of 100."""


@dataclass(frozen=True)
class Evaluation:
    """What one model answered on one list of records."""

    name: str
    records: tuple[Record, ...] = field(repr=False)
    probabilities: FloatArray = field(repr=False)
    """Shape (n, 3), columns as in `labels.ORDER`."""
    abstained: tuple[bool, ...] = field(repr=False)
    label_sets: Mapping[float, BoolArray] = field(default_factory=dict, repr=False)
    """Alpha → which labels are in each set (n, 3); empty for a model without label sets."""

    @cached_property
    def gold(self) -> IntArray:
        """Gold labels as column numbers (n,)."""
        return gold_indices([r.stance for r in self.records])

    @cached_property
    def predicted(self) -> IntArray:
        """Most probable label as column number (n,); an abstention counts as its guess."""
        return np.asarray(self.probabilities.argmax(axis=-1), dtype=np.int64)

    @cached_property
    def statements(self) -> list[str]:
        """Statement of each record: what must be resampled together."""
        return [r.statement for r in self.records]

    @cached_property
    def figures(self) -> dict[str, float]:
        """Metrics over all records, of what was answered, and of the label sets if there are any.

        `set90_coverage`, `set90_size` and `set90_single` belong to the sets of alpha 0.1.
        """
        answered = ~np.array(self.abstained)
        correct = self.predicted == self.gold
        return {
            **figures(self.gold, self.probabilities),
            "coverage": float(answered.mean()),
            "answered_accuracy": float(correct[answered].mean()) if answered.any() else 0.0,
            **{
                f"set{100 * (1 - alpha):.0f}_{name}": value
                for alpha, sets in self.label_sets.items()
                for name, value in set_figures(self.gold, sets).items()
            },
        }

    @cached_property
    def risk_coverage(self) -> RiskCoverage:
        """How the share of errors falls when fewer are answered."""
        return risk_coverage(self.gold, self.probabilities)

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % bootstrap intervals of macro-F1, NLL, Brier, ECE and AURC over statements."""
        return intervals(self.gold, self.probabilities, self.statements, seed=0)

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """95 % bootstrap interval of macro-F1 over statements."""
        return bootstrap_interval(self.gold, self.predicted, self.statements, seed=seed)


def evaluate(name: str, predictor: Predictor, records: Sequence[Record]) -> Evaluation:
    """Answers of `predictor`, exactly as they would be served."""
    stances = predictor.predict([r.pair for r in records])
    has_sets = bool(predictor.calibration.nonconformity)
    return Evaluation(
        name=name,
        records=tuple(records),
        probabilities=np.array([[s.probabilities[label] for label in ORDER] for s in stances]),
        abstained=tuple(s.abstained for s in stances),
        label_sets={a: _sets(predictor, stances, a) for a in ALPHAS} if has_sets else {},
    )


def _sets(predictor: Predictor, stances: Sequence[Stance], alpha: float) -> BoolArray:
    sets = [stance.label_set or () for stance in predictor.with_label_sets(stances, alpha)]
    return np.array([[label in one for label in ORDER] for one in sets])


def with_intervals(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, Any]]:
    """Figures of a model, which comes first, and its baselines by name, with 95 % intervals.

    The model has all of `metrics.INTERVALS`, a baseline that of macro-F1.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in evaluations:
        known = one.intervals if one is evaluations[0] else {"macro_f1": one.interval()}
        bounds = {f"{name}_interval": list(bound) for name, bound in known.items()}
        found[one.name] = {**one.figures, **bounds}
    return found


def majority(train: Sequence[Record], records: Sequence[Record]) -> Evaluation:
    """Always the most frequent training label, with the training shares as probabilities."""
    shares = np.bincount(gold_indices([r.stance for r in train]), minlength=len(ORDER)) / len(train)
    probabilities = np.tile(shares, (len(records), 1))
    return Evaluation("majority", tuple(records), probabilities, (False,) * len(records))


def baselines(
    train: Sequence[Record], records: Sequence[Record], linear: Linear, *, seed: int
) -> list[Evaluation]:
    """Majority, text-only and target-only, fitted on `train` and evaluated on `records`."""
    found = [majority(train, records)]
    for name, parts in BASELINES.items():
        found.append(evaluate(name, tfidf(train, linear, seed=seed, parts=parts), records))
    return found


def tfidf(
    train: Sequence[Record],
    linear: Linear,
    *,
    seed: int,
    parts: Sequence[str] = ("text", "target"),
    needs_all: bool = True,
) -> Predictor:
    """An uncalibrated TF-IDF predictor, kept in memory; see `linear.fit_tfidf`."""
    table = json.loads(fit_tfidf(train, linear, seed=seed, parts=parts, needs_all=needs_all))
    return Predictor(TfidfBackend(table), Calibration())
