"""The figures of a report, computed from probabilities and gold labels alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stancewire.calibration import BoolArray, FloatArray
from stancewire.labels import INDEX, ORDER, Label

IntArray = npt.NDArray[np.int64]
BINS = 15
"""Bins of the expected calibration error, as in Guo et al. (ICML 2017)."""
INTERVALS = ("macro_f1", "nll", "brier", "ece", "aurc")
"""Figures of which a report gives intervals."""


def gold_indices(labels: Sequence[Label]) -> IntArray:
    """Labels as column numbers, shape (n,)."""
    return np.array([INDEX[label] for label in labels], dtype=np.int64)


def macro_f1(gold: IntArray, predicted: IntArray) -> float:
    """Unweighted mean of the F1 of the three classes; a class never seen nor predicted counts 0."""
    return float(class_f1(gold, predicted).mean())


def class_f1(gold: IntArray, predicted: IntArray) -> FloatArray:
    """F1 of each class, shape (3,); 0 for a class neither seen nor predicted."""
    # From counts: the bootstrap calls this thousands of times; scikit-learn takes 1.3 ms a call.
    table = confusion(gold, predicted)
    marginals = table.sum(axis=0) + table.sum(axis=1)
    result: FloatArray = 2.0 * np.diag(table) / np.maximum(marginals, 1)
    return result


def figures(gold: IntArray, probabilities: FloatArray) -> dict[str, float]:
    """All metrics of one model on one split; `probabilities` has shape (n, 3)."""
    predicted = probabilities.argmax(axis=-1)
    f1 = class_f1(gold, predicted)
    true = probabilities[np.arange(len(gold)), gold]
    onehot = np.eye(len(ORDER))[gold]
    return {
        "n": float(len(gold)),
        "macro_f1": macro_f1(gold, predicted),
        **{f"f1_{label.value}": float(f1[i]) for i, label in enumerate(ORDER)},
        "accuracy": float((predicted == gold).mean()),
        "nll": float(-np.log(np.clip(true, 1e-12, None)).mean()),
        "brier": float(((probabilities - onehot) ** 2).sum(axis=-1).mean()),
        "ece": expected_calibration_error(gold, probabilities),
        "aurc": risk_coverage(gold, probabilities).area,
    }


def reliability(gold: IntArray, probabilities: FloatArray) -> list[tuple[float, float, int]]:
    """Per non-empty bin of confidence: mean confidence, accuracy, count."""
    confidence = probabilities.max(axis=-1)
    correct = probabilities.argmax(axis=-1) == gold
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (
            float(confidence[bins == b].mean()),
            float(correct[bins == b].mean()),
            int((bins == b).sum()),
        )
        for b in range(BINS)
        if (bins == b).any()
    ]


def expected_calibration_error(gold: IntArray, probabilities: FloatArray) -> float:
    """Mean distance of accuracy from confidence over bins, weighted by their counts."""
    rows = reliability(gold, probabilities)
    return sum(n * abs(confidence - accuracy) for confidence, accuracy, n in rows) / len(gold)


@dataclass(frozen=True)
class RiskCoverage:
    """How often a model errs if it answers only above some confidence, for every such threshold.

    One entry per distinct confidence, highest first, since items of equal confidence are answered
    together (Geifman & El-Yaniv, "Selective Classification for Deep Neural Networks", NIPS 2017).
    """

    threshold: FloatArray
    """Lowest confidence that is answered (k,)."""
    coverage: FloatArray
    """Share of the items that are answered (k,), ending with 1."""
    risk: FloatArray
    """Share of errors among the answered (k,)."""
    area: float
    """AURC: mean risk over the coverages 1/n, 2/n, … 1; lower is better, 0 is never wrong.

    Within a run of equal confidences the errors are spread evenly, as in any of its orders on
    average (Geifman, Uziel & El-Yaniv, "Bias-Reduced Uncertainty Estimation", ICLR 2019).
    """

    def points(self) -> list[dict[str, float]]:
        """The curve as plain data, from the surest items to all of them."""
        rows = zip(self.threshold, self.coverage, self.risk, strict=True)
        names = ("threshold", "coverage", "risk")
        return [dict(zip(names, map(float, row), strict=True)) for row in rows]

    def risk_at(self, coverage: float) -> float:
        """Risk where at least this share is answered, at the highest threshold that does so."""
        return float(self.risk[np.searchsorted(self.coverage, coverage - 1e-12)])


def risk_coverage(gold: IntArray, probabilities: FloatArray) -> RiskCoverage:
    """The risk–coverage curve of at least one item; `probabilities` has shape (n, 3)."""
    confidence = probabilities.max(axis=-1)
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    errors = np.cumsum((probabilities.argmax(axis=-1) != gold)[order])
    cuts = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1  # items answered at each
    answered = np.arange(1, len(gold) + 1)
    spread = np.interp(answered, [0, *cuts], [0, *errors[cuts - 1]])
    return RiskCoverage(
        threshold=ranked[cuts - 1],
        coverage=cuts / len(gold),
        risk=errors[cuts - 1] / cuts,
        area=float((spread / answered).mean()),
    )


def set_figures(gold: IntArray, sets: BoolArray) -> dict[str, float]:
    """Of label sets (n, 3): share that holds the gold label, mean size, share of single labels."""
    size = sets.sum(axis=-1)
    return {
        "coverage": float(holds(gold, sets).mean()),
        "size": float(size.mean()),
        "single": float((size == 1).mean()),
    }


def holds(gold: IntArray, sets: BoolArray) -> BoolArray:
    """Whether each label set (n, 3) holds its gold label, shape (n,)."""
    result: BoolArray = sets[np.arange(len(gold)), gold]
    return result


def confusion(gold: IntArray, predicted: IntArray) -> IntArray:
    """Counts, shape (3, 3): rows gold, columns predicted."""
    size = len(ORDER)
    return np.bincount(gold * size + predicted, minlength=size * size).reshape(size, size)


def bootstrap_interval(
    gold: IntArray, predicted: IntArray, clusters: Sequence[str], *, seed: int, rounds: int = 1000
) -> tuple[float, float]:
    """95 % interval of macro-F1, resampling whole statements (`clusters`, one name per item)."""
    scores = [
        macro_f1(gold[i], predicted[i]) for i in resamples(clusters, seed=seed, rounds=rounds)
    ]
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(low), float(high)


def intervals(
    gold: IntArray,
    probabilities: FloatArray,
    clusters: Sequence[str],
    *,
    seed: int,
    rounds: int = 1000,
) -> dict[str, tuple[float, float]]:
    """95 % intervals of macro-F1, NLL, Brier, ECE and AURC, resampling whole statements.

    ECE is biased upwards on few items, and twice so on their resamples: its interval may lie wholly
    above the figure.
    """
    found: dict[str, list[float]] = {name: [] for name in INTERVALS}
    for items in resamples(clusters, seed=seed, rounds=rounds):
        one = figures(gold[items], probabilities[items])
        for name in INTERVALS:
            found[name].append(one[name])
    bounds = {name: np.quantile(values, [0.025, 0.975]) for name, values in found.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def mean_interval(
    values: FloatArray, clusters: Sequence[str], *, seed: int, rounds: int = 1000
) -> tuple[float, float]:
    """95 % interval of a mean (n,), resampling whole statements (`clusters`, one name per item)."""
    means = [values[i].mean() for i in resamples(clusters, seed=seed, rounds=rounds)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def resamples(clusters: Sequence[str], *, seed: int, rounds: int) -> list[IntArray]:
    """Bootstrap samples of item numbers that draw whole clusters with replacement."""
    rng = np.random.default_rng(seed)
    names = sorted(set(clusters))
    members = {name: [] for name in names}  # type: dict[str, list[int]]
    for index, name in enumerate(clusters):
        members[name].append(index)
    groups = [np.array(members[name], dtype=np.int64) for name in names]
    return [
        np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        for _ in range(rounds)
    ]
