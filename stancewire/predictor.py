"""The one thing that answers: the API, the CLI, batch jobs, MLflow and the evaluation wrap it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stancewire import calibration
from stancewire.backends import Backend, Flags, Logits, OnnxBackend, TfidfBackend
from stancewire.bundle import MODEL, TFIDF, TOKENIZER, Bundle, Precision
from stancewire.calibration import Calibration, FloatArray, labels_of
from stancewire.errors import BundleError
from stancewire.labels import ORDER, Label
from stancewire.pairs import PairEncoder, StancePair


@dataclass(frozen=True)
class Stance:
    """Stance of one quote toward one target."""

    label: Label
    score: float
    """P(favor) − P(against), in [−1, 1]."""
    confidence: float
    """The highest of the three probabilities."""
    probabilities: dict[Label, float]
    """Calibrated, summing to 1."""
    abstained: bool
    """The confidence is below the bundle's threshold: read `label` as a guess."""
    truncated: bool
    """The quote was longer than the model reads; its end was not seen."""
    label_set: tuple[Label, ...] | None = None
    """If asked for with an `alpha`: labels that together hold the true one, see `Predictor`."""


class Predictor:
    """Answers pairs from a verified bundle. Pure: no network, no clock, no state that changes.

    Safe to call from several threads at once.
    """

    def __init__(self, backend: Backend, calibration: Calibration) -> None:
        self._backend = backend
        self.calibration = calibration

    @classmethod
    def load(
        cls, bundle: Bundle | Path | str, *, precision: Precision | None = None, threads: int = 1
    ) -> "Predictor":
        """Predictor over a bundle; `precision` is the manifest's unless given.

        Raises `BundleError` if a file is missing, changed or cannot be loaded.
        """
        if not isinstance(bundle, Bundle):
            bundle = Bundle.open(bundle)
        manifest = bundle.manifest
        backend: Backend
        if manifest.family == "tfidf":
            backend = TfidfBackend(bundle.json(TFIDF))
        else:
            if manifest.encoding is None:
                raise BundleError(f"{bundle.folder}: the manifest has no encoding")
            encoder = PairEncoder.from_bytes(bundle.bytes(TOKENIZER), manifest.encoding)
            graph = bundle.bytes(MODEL[precision or manifest.precision])
            backend = OnnxBackend(graph, encoder, threads=threads)
        return cls(backend, bundle.calibration())

    def logits(self, pairs: Sequence[StancePair]) -> tuple[Logits, Flags]:
        """Uncalibrated logits (n, 3) and truncation flags (n,), for fitting and for parity."""
        return self._backend.logits(pairs)

    def predict(
        self,
        pairs: Sequence[StancePair],
        *,
        alpha: float | None = None,
        domain: str | None = None,
    ) -> list[Stance]:
        """One stance per pair, in their order.

        With `alpha`, in (0, 1), each carries the set of labels that holds the true one with a
        probability of at least 1 − alpha, for pairs like those of dev (`Calibration.quantile`).
        `domain` is the source of the pairs, where the calibration knows it; it moves probabilities
        and never a label or a set. Raises `DataError` naming every pair whose text or target cannot
        be read, and `ConfigError` for an `alpha` that this model cannot serve.
        """
        if alpha is not None:
            self.calibration.quantile(alpha)  # refused before any work
        if not pairs:
            return []
        logits, truncated = self._backend.logits(pairs)
        temperature = self.calibration.temperature_of(domain)
        stances = self._stances(calibration.apply_temperature(logits, temperature), truncated)
        if alpha is None:
            return stances
        shared = calibration.apply_temperature(logits, self.calibration.temperature)
        return self._with_sets(stances, shared, alpha)

    def with_label_sets(self, stances: Sequence[Stance], alpha: float) -> list[Stance]:
        """The stances that `predict` gave without a domain, now with their label sets.

        Raises `ConfigError` for an `alpha` that this model cannot serve.
        """
        rows = [[stance.probabilities[label] for label in ORDER] for stance in stances]
        return self._with_sets(stances, np.array(rows).reshape(-1, len(ORDER)), alpha)

    def _with_sets(
        self, stances: Sequence[Stance], probabilities: FloatArray, alpha: float
    ) -> list[Stance]:
        sets = self.calibration.label_sets(probabilities, alpha)
        return [
            replace(stance, label_set=labels_of(row))
            for stance, row in zip(stances, sets, strict=True)
        ]

    def _stances(self, probabilities: FloatArray, truncated: Flags) -> list[Stance]:
        scores = calibration.score(probabilities)
        top = probabilities.argmax(axis=-1)
        return [
            Stance(
                label=ORDER[top[i]],
                score=float(scores[i]),
                confidence=float(row[top[i]]),
                probabilities={label: float(row[j]) for j, label in enumerate(ORDER)},
                abstained=bool(row[top[i]] < self.calibration.abstain_below),
                truncated=bool(truncated[i]),
            )
            for i, row in enumerate(probabilities)
        ]
