"""Fitting a calibration on dev: one temperature, and the confidence under which to abstain."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from stancewire.calibration import Calibration, FloatArray, apply_temperature
from stancewire.training.metrics import IntArray, figures
from stancewire.training.recipe import Refusal


def fit(logits: npt.NDArray[np.float32], gold: IntArray, refusal: Refusal) -> Calibration:
    """Calibration fitted on dev logits (n, 3): temperature first, then the threshold."""
    temperature = fit_temperature(logits, gold)
    before, after = apply_temperature(logits, 1.0), apply_temperature(logits, temperature)
    threshold, coverage, risk = choose_threshold(after, gold, refusal)
    return Calibration(
        temperature=temperature,
        abstain_below=threshold,
        fitted_on={
            "n": len(gold),
            "before": _short(figures(gold, before)),
            "after": _short(figures(gold, after)),
            "coverage": round(coverage, 4),
            "risk": round(risk, 4),
        },
    )


def fit_temperature(logits: npt.NDArray[np.float32], gold: IntArray) -> float:
    """The temperature in [0.05, 20] of least negative log-likelihood (Guo et al., ICML 2017)."""

    def nll(log_temperature: float) -> float:
        probabilities = apply_temperature(logits, float(np.exp(log_temperature)))
        true = probabilities[np.arange(len(gold)), gold]
        return float(-np.log(np.clip(true, 1e-12, None)).mean())

    best = minimize_scalar(nll, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(best.x))


def choose_threshold(
    probabilities: FloatArray, gold: IntArray, refusal: Refusal
) -> tuple[float, float, float]:
    """Lowest confidence whose answered items err at most `max_risk`; then coverage and risk there.

    If no threshold with at least `min_coverage` answered is that safe, the one with exactly that
    coverage is taken: the wish is then not met, and the risk returned says so.
    """
    confidence = probabilities.max(axis=-1)
    wrong = probabilities.argmax(axis=-1) != gold
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(gold) + 1)
    risk = np.cumsum(wrong[order]) / answered
    coverage = answered / len(gold)
    # Items of equal confidence are answered together: only the last of each run may be a cut.
    sorted_confidence = confidence[order]
    last = np.append(sorted_confidence[1:] != sorted_confidence[:-1], True)
    allowed = last & (coverage >= refusal.min_coverage)
    safe = np.flatnonzero(allowed & (risk <= refusal.max_risk))
    cut = safe[-1] if len(safe) else np.flatnonzero(allowed)[0]
    return float(sorted_confidence[cut]), float(coverage[cut]), float(risk[cut])


def _short(values: dict[str, float]) -> dict[str, Any]:
    return {name: round(values[name], 4) for name in ("nll", "brier", "ece")}
