"""Metrics: macro-F1 against the yardsticks, and the slice on which the model is worst."""

import numpy as np

from stancewire.records import Record
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate.config import GateConfig
from stancewire.training.gate.evidence import Absent, Evidence
from stancewire.training.gate.verdict import Check, cannot, not_asked, said
from stancewire.training.slices import means, members, slices_of, weights

NOT_SLICES = ("stance", "neutral kind", "source", "words")
"""Not of the corpus's tags or the speaker; macro-F1 sees to the stances."""


def checks(found: Evidence, config: GateConfig) -> list[Check]:
    """One check per yardstick, and one of the worst slice."""
    asked = config.metrics
    beats = [_yardstick(found, n, by, must_beat=True) for n, by in asked.must_beat.items()]
    ties = [_yardstick(found, n, -by, must_beat=False) for n, by in asked.may_tie.items()]
    return [*beats, *ties, worst_slice(found.candidate, config)]


def worst_slice(candidate: Evaluation, config: GateConfig) -> Check:
    """Whether some slice is shown to be below the floor: its upper bound is, not its accuracy.

    The bounds hold together (Bonferroni): of n slices, each is allowed an n-th of the error.
    """
    limits = config.metrics
    found = members(
        candidate, _slices, min_pairs=limits.slice_pairs, min_statements=limits.slice_statements
    )
    if not found:
        return not_asked("metrics", "worst slice", "no slice has enough pairs to be judged")
    draws = weights(candidate, seed=config.seed, rounds=config.rounds)
    right = (candidate.predicted == candidate.gold).astype(np.float64)
    level = 1 - (1 - limits.slice_confidence) / len(found)
    bounds = {
        name: float(np.quantile(means(draws[:, items], right[items]), level))
        for name, items in found.items()
    }
    name = min(bounds, key=lambda name: bounds[name])
    items = found[name]
    words = (
        f"{name}: accuracy {right[items].mean():.3f} on {len(items)} pairs; of {len(found)} slices "
        "it has the lowest upper bound, and that must reach the floor"
    )
    bound, floor = bounds[name], limits.slice_floor
    return Check("metrics", "worst slice", said(bound >= floor), bound, floor, words)


def _slices(record: Record) -> set[str]:
    return {name for name in slices_of(record) if name.partition(":")[0] not in NOT_SLICES}


def _yardstick(found: Evidence, name: str, margin: float, *, must_beat: bool) -> Check:
    baseline = found.baselines[name]
    if isinstance(baseline, Absent):
        return cannot("metrics", name, f"the baseline cannot be measured: {baseline.why}")
    ours, theirs = (e.figures["macro_f1"] for e in (found.candidate, baseline))
    limit = theirs + margin
    passed = ours > limit if must_beat else ours >= limit
    asked = "be above" if must_beat else "reach"
    words = f"macro-F1 must {asked} that of {name}, {theirs:.4f}"
    if margin:
        words += f", {'plus' if margin > 0 else 'less'} {abs(margin):g}"
    return Check("metrics", name, said(passed), ours, limit, words)
