"""Evaluation through the served `Predictor`, with the baselines of every report beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from stancewire.backends import TfidfBackend
from stancewire.calibration import Calibration, FloatArray
from stancewire.labels import ORDER
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training.linear import fit_tfidf
from stancewire.training.metrics import IntArray, bootstrap_interval, figures, gold_indices
from stancewire.training.recipe import Linear

BASELINES = {"text-only": ("text",), "target-only": ("target",)}
"""Blind baselines: TF-IDF that sees one side of the pair. A model must be far above both."""


@dataclass(frozen=True)
class Evaluation:
    """What one model answered on one list of records."""

    name: str
    records: tuple[Record, ...] = field(repr=False)
    probabilities: FloatArray = field(repr=False)
    """Shape (n, 3), columns as in `labels.ORDER`."""
    abstained: tuple[bool, ...] = field(repr=False)

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
        """Metrics over all records, and coverage and selective accuracy of what was answered."""
        answered = ~np.array(self.abstained)
        correct = self.predicted == self.gold
        return {
            **figures(self.gold, self.probabilities),
            "coverage": float(answered.mean()),
            "answered_accuracy": float(correct[answered].mean()) if answered.any() else 0.0,
        }

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """95 % bootstrap interval of macro-F1 over statements."""
        return bootstrap_interval(self.gold, self.predicted, self.statements, seed=seed)


def evaluate(name: str, predictor: Predictor, records: Sequence[Record]) -> Evaluation:
    """Answers of `predictor`, exactly as they would be served."""
    stances = predictor.predict([r.pair for r in records])
    return Evaluation(
        name=name,
        records=tuple(records),
        probabilities=np.array([[s.probabilities[label] for label in ORDER] for s in stances]),
        abstained=tuple(s.abstained for s in stances),
    )


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
    train: Sequence[Record], linear: Linear, *, seed: int, parts: Sequence[str] = ("text", "target")
) -> Predictor:
    """An uncalibrated TF-IDF predictor, kept in memory."""
    table = json.loads(fit_tfidf(train, linear, seed=seed, parts=parts))
    return Predictor(TfidfBackend(table), Calibration())
