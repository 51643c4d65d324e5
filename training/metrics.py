"""The figures of a report, computed from probabilities and gold labels alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stancewire.calibration import FloatArray
from stancewire.labels import INDEX, ORDER, Label

IntArray = npt.NDArray[np.int64]
BINS = 15
"""Bins of the expected calibration error, as in Guo et al. (ICML 2017)."""


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
