"""Fitting a calibration on dev: temperatures, when to abstain, and scores for label sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from stancewire.calibration import Calibration, FloatArray, apply_temperature
from stancewire.training.metrics import IntArray, figures, risk_coverage
from stancewire.training.recipe import Refusal

Logits = npt.NDArray[np.float32]
FOLDS = 5
"""Of the cross-validation that says whether a domain gets a temperature of its own."""
MIN_DOMAIN = 50
"""Fewest dev items of such a domain: below it, what a temperature gains is noise."""
MIN_GAIN = 1e-3
"""Least gain in NLL, in nats an item: less is the search's own error."""
DECIMALS = 6
"""Of the nonconformity scores that a bundle keeps."""


def fit(
    logits: Logits, gold: IntArray, refusal: Refusal, *, domains: Sequence[str] | None = None
) -> Calibration:
    """Calibration fitted on dev logits (n, 3): temperatures, then the threshold and the scores.

    `domains` names the domain of each item, such as the source of its record. Threshold and scores
    belong to the one temperature of all: it is what an item of no known domain is answered with.
    """
    temperature = fit_temperature(logits, gold)
    before, after = apply_temperature(logits, 1.0), apply_temperature(logits, temperature)
    threshold, coverage, risk = choose_threshold(after, gold, refusal)
    tried = try_domains(logits, gold, domains or ())
    return Calibration(
        temperature=temperature,
        domain_temperatures={name: one.temperature for name, one in tried.items() if one.is_used},
        abstain_below=threshold,
        nonconformity=nonconformity(after, gold),
        fitted_on={
            "n": len(gold),
            "before": _short(figures(gold, before)),
            "after": _short(figures(gold, after)),
            "coverage": round(coverage, 4),
            "risk": round(risk, 4),
            **({"domains": {name: one.told() for name, one in tried.items()}} if tried else {}),
        },
    )


@dataclass(frozen=True)
class Trial:
    """A domain's own temperature, tried on dev."""

    items: int
    temperature: float
    gain: float | None
    """How much lower the NLL of held-out items is with it, in nats an item; none of too few."""

    @property
    def is_used(self) -> bool:
        """Whether the domain gets it."""
        return self.gain is not None and self.gain > MIN_GAIN

    def told(self) -> dict[str, Any]:
        """As plain data, for people."""
        return {
            "n": self.items,
            "temperature": round(self.temperature, 4),
            "gain": None if self.gain is None else round(self.gain, 4),
            "used": self.is_used,
        }


def try_domains(logits: Logits, gold: IntArray, domains: Sequence[str]) -> dict[str, Trial]:
    """Domain → what a temperature of its own is worth; nothing if there is only one domain.

    Worth is the NLL of items that neither temperature was fitted on. A domain of fewer than
    `MIN_DOMAIN` items is not judged, and so gets none.
    """
    names = sorted(set(domains))
    if len(names) < 2:
        return {}
    of = np.array(domains)
    found = {}
    for name in names:
        members = np.flatnonzero(of == name)
        gain = _gain(logits, gold, members) if len(members) >= MIN_DOMAIN else None
        found[name] = Trial(len(members), fit_temperature(logits[members], gold[members]), gain)
    return found


def _gain(logits: Logits, gold: IntArray, members: IntArray) -> float:
    """How far the members' own temperature beats that of all, each fitted without a fold of them.

    Folds are stretches of neighbours, so that the pairs of one statement stay together.
    """
    own = shared = 0.0
    for fold in np.array_split(members, FOLDS):
        others, rest = np.setdiff1d(members, fold), np.setdiff1d(np.arange(len(gold)), fold)
        for_own, for_all = (fit_temperature(logits[i], gold[i]) for i in (others, rest))
        own += len(fold) * negative_log_likelihood(logits[fold], gold[fold], for_own)
        shared += len(fold) * negative_log_likelihood(logits[fold], gold[fold], for_all)
    return (shared - own) / len(members)


def nonconformity(probabilities: FloatArray, gold: IntArray) -> tuple[float, ...]:
    """1 − P(gold) of every item, ascending, rounded up: rounding must not lower coverage."""
    scores = 1.0 - probabilities[np.arange(len(gold)), gold]
    rounded = np.ceil(scores * 10**DECIMALS) / 10**DECIMALS
    return tuple(float(s) for s in np.sort(np.clip(rounded, 0.0, 1.0)))


def negative_log_likelihood(logits: Logits, gold: IntArray, temperature: float) -> float:
    """Mean −ln P(gold) at a temperature."""
    true = apply_temperature(logits, temperature)[np.arange(len(gold)), gold]
    return float(-np.log(np.clip(true, 1e-12, None)).mean())


def fit_temperature(logits: Logits, gold: IntArray) -> float:
    """The temperature in [0.05, 20] of least negative log-likelihood (Guo et al., ICML 2017)."""

    def nll(log_temperature: float) -> float:
        return negative_log_likelihood(logits, gold, float(np.exp(log_temperature)))

    best = minimize_scalar(nll, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(best.x))


def choose_threshold(
    probabilities: FloatArray, gold: IntArray, refusal: Refusal
) -> tuple[float, float, float]:
    """Lowest confidence whose answered items err at most `max_risk`; then coverage and risk there.

    If no threshold with at least `min_coverage` answered is that safe, the one with exactly that
    coverage is taken: the wish is then not met, and the risk returned says so.
    """
    curve = risk_coverage(gold, probabilities)
    allowed = curve.coverage >= refusal.min_coverage
    safe = np.flatnonzero(allowed & (curve.risk <= refusal.max_risk))
    cut = safe[-1] if len(safe) else np.flatnonzero(allowed)[0]
    return float(curve.threshold[cut]), float(curve.coverage[cut]), float(curve.risk[cut])


def _short(values: dict[str, float]) -> dict[str, Any]:
    return {name: round(values[name], 4) for name in ("nll", "brier", "ece", "aurc")}
