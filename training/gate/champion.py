"""Against the champion: a paired bootstrap over statements."""

import numpy as np

from stancewire.training.evaluate import Evaluation
from stancewire.training.gate.config import GateConfig
from stancewire.training.gate.evidence import Absent
from stancewire.training.gate.verdict import Check, not_asked, said
from stancewire.training.metrics import macro_f1, resamples

NOT_WORSE, BETTER = "not worse", "better"


def checks(
    candidate: Evaluation, champion: Evaluation | Absent, reason: str | None, config: GateConfig
) -> list[Check]:
    """One check that it is shown not to be worse, one that it is shown better or has a reason."""
    if isinstance(champion, Absent):
        words = f"not compared: {champion.why}"
        return [not_asked("champion", name, words) for name in (NOT_WORSE, BETTER)]
    bound = lower_bound(candidate, champion, config)
    difference = candidate.figures["macro_f1"] - champion.figures["macro_f1"]
    told = (
        f"macro-F1 differs from {champion.name} by {difference:+.4f}, surely "
        f"({config.champion.confidence:.0%}) by no less than {bound:+.4f}"
    )
    margin = -config.champion.margin
    return [
        Check("champion", NOT_WORSE, said(bound > margin), bound, margin, told),
        _better(bound, reason),
    ]


def lower_bound(candidate: Evaluation, champion: Evaluation, config: GateConfig) -> float:
    """One-sided lower bound of the macro-F1 difference, from a paired bootstrap over statements.

    Both models are scored on the same resampled statements, so that what is hard for both cancels.
    """
    gold = candidate.gold
    differences = [
        macro_f1(gold[i], candidate.predicted[i]) - macro_f1(gold[i], champion.predicted[i])
        for i in resamples(candidate.statements, seed=config.seed, rounds=config.rounds)
    ]
    return float(np.quantile(differences, 1 - config.champion.confidence))


def _better(bound: float, reason: str | None) -> Check:
    shown = bound > 0
    if shown:
        words = "it is shown to be better: the same bound is above 0"
    elif reason:
        words = f"it is not shown to be better; the reason recorded is: {reason}"
    else:
        words = (
            "it is not shown to be better, so a reason must be recorded: why should it take the "
            "champion's place? (--reason)"
        )
    return Check("champion", BETTER, said(shown or bool(reason)), bound, 0.0, words)
