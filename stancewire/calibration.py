"""Applying a calibration: logits to probabilities, score, and the honest "not sure".

Fitting belongs to `stancewire.training.calibrate`; this module is what serving needs of it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from stancewire.errors import BundleError
from stancewire.labels import INDEX, Label

FloatArray = npt.NDArray[np.float64]


class Calibration(BaseModel):
    """What was fitted on dev: the temperature, and the confidence under which a model abstains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    abstain_below: float = Field(default=0.0, ge=0, le=1)
    fitted_on: dict[str, Any] = {}
    """For people: data hash, size, and the figures before and after."""


def apply_temperature(logits: npt.NDArray[np.floating[Any]], temperature: float) -> FloatArray:
    """Calibrated probabilities, shape (n, 3), rows summing to 1, columns as in `labels.ORDER`.

    A temperature above 1 softens (Guo et al., "On Calibration of Modern Neural Networks", ICML
    2017). Raises `BundleError` if the temperature is not positive and finite, or if a logit is not
    finite: a broken graph must not pass for a sure answer.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise BundleError(f"temperature {temperature} is not positive and finite")
    if not np.isfinite(logits).all():
        raise BundleError("the model gave a logit that is not a number")
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    result: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return result


def score(probabilities: FloatArray) -> FloatArray:
    """P(favor) − P(against), in [−1, 1], shape (n,)."""
    favor, against = probabilities[:, INDEX[Label.FAVOR]], probabilities[:, INDEX[Label.AGAINST]]
    result: FloatArray = favor - against
    return result
