"""Calibration: a temperature was fitted, and probabilities mean what they say."""

import numpy as np

from stancewire.calibration import Calibration
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate.config import GateConfig
from stancewire.training.gate.verdict import Check, at_most, cannot
from stancewire.training.metrics import BINS

ROUNDS = 1000


def checks(calibration: Calibration, candidate: Evaluation, config: GateConfig) -> list[Check]:
    """One check that it was fitted, one of its error."""
    return [_fitted(calibration), _error(candidate, config)]


def noise(candidate: Evaluation, *, confidence: float, seed: int) -> float:
    """Calibration error that a perfect model with these probabilities stays under.

    Such a model is right as often as it is sure, so whether each label is right is drawn from its
    confidence, and there is nothing but chance in the error (consistency resampling; Bröcker &
    Smith, Weather and Forecasting 2007).
    """
    sure = candidate.probabilities.max(axis=-1)
    right = np.random.default_rng(seed).random((ROUNDS, len(sure))) < sure
    in_bin = np.eye(BINS)[np.minimum((sure * BINS).astype(int), BINS - 1)]  # (n, bins)
    errors = np.abs((right - sure) @ in_bin).sum(axis=1) / len(sure)
    return float(np.quantile(errors, confidence))


def _fitted(calibration: Calibration) -> Check:
    n = calibration.fitted_on.get("n")
    if not isinstance(n, int) or n < 1:
        return cannot("calibration", "temperature", "no temperature was fitted")
    words = f"fitted on {n} dev pairs: {calibration.temperature:.3f}"
    return Check("calibration", "temperature", "passed", calibration.temperature, None, words)


def _error(candidate: Evaluation, config: GateConfig) -> Check:
    limits = config.calibration
    chance = noise(candidate, confidence=limits.confidence, seed=config.seed)
    words = (
        f"expected calibration error; asked is {limits.max_ece:g}, or what a perfectly calibrated "
        f"model stays under in {limits.confidence:.0%} of such samples, {chance:.3f}"
    )
    limit = max(limits.max_ece, chance)
    return at_most("calibration", "ece", candidate.figures["ece"], limit, words)
