"""The field's metrics, each a function of confusion tables, and bootstrap intervals of them.

A table counts gold (rows) against predicted (columns), one for each group of items: shape (…, g, k,
k) for g groups and k classes. Every metric takes tables of any leading shape, so that a thousand
resamples are one matrix product and not a thousand calls. Groups are pooled unless a metric says
otherwise. Classes follow `labels.ORDER`: favor, against, neutral.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stancewire.calibration import FloatArray
from stancewire.training.metrics import IntArray, resamples

ROUNDS = 1000
"""Bootstrap resamples of an interval."""
Metric = Callable[[FloatArray], FloatArray]
"""Tables (…, g, k, k) → values (…)."""


def class_f1(tables: FloatArray) -> FloatArray:
    """F1 of each class, (…, k, k) → (…, k); 0 for a class neither seen nor predicted."""
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    marginals = tables.sum(axis=-2) + tables.sum(axis=-1)
    result: FloatArray = 2.0 * right / np.maximum(marginals, 1)
    return result


def macro_f1(tables: FloatArray) -> FloatArray:
    """Unweighted mean of the F1 of all classes (VAST, NewsMTSC, GWSD, DSE)."""
    result: FloatArray = class_f1(_pooled(tables)).mean(axis=-1)
    return result


def f_avg(tables: FloatArray) -> FloatArray:
    """Mean of F1(favor) and F1(against): a neutral answer is an error, its F1 is not averaged.

    The official figure of SemEval-2016 Task 6 (Mohammad et al. 2016), pooled over targets; of a set
    that knows two labels it is their macro-F1.
    """
    result: FloatArray = class_f1(_pooled(tables))[..., :2].mean(axis=-1)
    return result


def f_avg_of_targets(tables: FloatArray) -> FloatArray:
    """`f_avg` inside each group, then the mean over groups (P-Stance, Li et al. 2021)."""
    result: FloatArray = class_f1(tables)[..., :2].mean(axis=-1).mean(axis=-1)
    return result


def accuracy(tables: FloatArray) -> FloatArray:
    """Share of right answers; with one label per item it is what papers call micro-F1."""
    pooled = _pooled(tables)
    right = np.diagonal(pooled, axis1=-2, axis2=-1).sum(axis=-1)
    result: FloatArray = right / np.maximum(pooled.sum(axis=(-2, -1)), 1)
    return result


def _f1_of(column: int) -> Metric:
    return lambda tables: class_f1(_pooled(tables))[..., column]


METRICS: Mapping[str, Metric] = {
    "macro_f1": macro_f1,
    "f_avg": f_avg,
    "f_avg_of_targets": f_avg_of_targets,
    "accuracy": accuracy,
    "f1_favor": _f1_of(0),
    "f1_against": _f1_of(1),
    "f1_neutral": _f1_of(2),
}


def _pooled(tables: FloatArray) -> FloatArray:
    result: FloatArray = tables.sum(axis=-3)
    return result


@dataclass(frozen=True)
class Decisions:
    """What was asked of n items, what is right, and what one model decided."""

    gold: IntArray
    """Classes as numbers (n,)."""
    predicted: IntArray
    """Likewise (n,)."""
    clusters: Sequence[str]
    """Text of each item: what must be resampled together."""
    groups: Sequence[str]
    """Target of each item, for metrics that look into targets."""
    classes: int = 3

    def tables(self) -> FloatArray:
        """A table for each cluster and group, shape (c, g, k, k), both in order of their names."""
        clusters, cluster = np.unique(np.array(self.clusters), return_inverse=True)
        groups, group = np.unique(np.array(self.groups), return_inverse=True)
        found = np.zeros((len(clusters), len(groups), self.classes, self.classes))
        np.add.at(found, (cluster, group, self.gold, self.predicted), 1)
        return found


@dataclass(frozen=True)
class Score:
    """One metric of one model, over its seeds."""

    values: tuple[float, ...]
    """Of each seed, in their order."""
    interval: tuple[float, float]
    """95 % interval of their mean, over resampled texts; it knows nothing of other seeds."""

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.values))

    @property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds; none of a single one."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None


def mean_sd(values: Sequence[float], *, digits: int = 1, scale: float = 100) -> str:
    """Mean, and ± sample standard deviation if there are several values."""
    one = Score(tuple(values), (0.0, 0.0))
    spread = "" if one.sd is None else f" ± {scale * one.sd:.{digits}f}"
    return f"{scale * one.mean:.{digits}f}{spread}"


def draws(clusters: Sequence[str], *, seed: int, rounds: int = ROUNDS) -> IntArray:
    """How often each cluster, in order of its name, is in each resample: shape (rounds, c).

    The same draws as `metrics.resamples`, so that intervals equal those of every report.
    """
    names = sorted(set(clusters))
    drawn = resamples(names, seed=seed, rounds=rounds)
    return np.stack([np.bincount(items, minlength=len(names)) for items in drawn])


def score(metric: str, seeds: Sequence[Decisions], drawn: IntArray) -> Score:
    """A metric over the seeds of one model, all of the same items; `drawn` as from `draws`."""
    measure = METRICS[metric]
    values, resampled = [], []
    for one in seeds:
        tables = one.tables()
        values.append(float(measure(tables.sum(axis=0))))
        resampled.append(measure(np.tensordot(drawn, tables, axes=1)))
    low, high = np.quantile(np.mean(resampled, axis=0), [0.025, 0.975])
    return Score(tuple(values), (float(low), float(high)))
