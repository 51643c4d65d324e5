"""Applying a calibration: logits to probabilities, score, label sets and the honest "not sure".

Fitting belongs to `stancewire.training.calibrate`; this module is what serving needs of it.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from stancewire.errors import BundleError, ConfigError, Problem
from stancewire.labels import INDEX, ORDER, Label

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Temperature = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Calibration(BaseModel):
    """What was fitted on dev: temperatures, when a model abstains, and how wide a label set is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Temperature = 1.0
    domain_temperatures: Mapping[str, Temperature] = {}
    """Domain → its temperature, where one of its own was better; any other has `temperature`."""
    abstain_below: Share = 0.0
    nonconformity: tuple[Share, ...] = ()
    """Ascending: 1 − P(gold) of every dev item, at `temperature`. Empty: no label sets."""
    fitted_on: dict[str, Any] = {}
    """For people: data hash, size, and the figures before and after."""

    @model_validator(mode="after")
    def _scores_ascend(self) -> Self:
        if list(self.nonconformity) != sorted(self.nonconformity):
            raise ValueError("nonconformity scores must ascend")
        return self

    def temperature_of(self, domain: str | None) -> float:
        """Temperature of a domain; of none, or of an unknown one, that of all of dev."""
        return self.domain_temperatures.get(domain or "", self.temperature)

    def quantile(self, alpha: float) -> float:
        """Highest nonconformity of a label in the set, at most 1 (split conformal prediction).

        It is the ⌈(n + 1)(1 − alpha)⌉-th smallest of the n dev scores, and 1 if n is too small for
        that. An answer like those of dev then has its gold label in the set with a probability of
        at least 1 − alpha (Sadinle et al., "Least Ambiguous Set-Valued Classifiers with Bounded
        Error Levels", JASA 2019; Angelopoulos & Bates, "Conformal Prediction: A Gentle
        Introduction", 2023, §1). Raises `ConfigError` if `alpha` is not between 0 and 1, or if the
        model holds no scores.
        """
        if not 0 < alpha < 1:
            raise _refused(f"expected a number between 0 and 1, found {alpha}")
        if not self.nonconformity:
            raise _refused("this model was calibrated without label sets")
        n = len(self.nonconformity)
        # A float product may lie a hair above a whole number: (9 + 1)(1 − 0.1) must be 9.
        rank = max(1, math.ceil(round((n + 1) * (1 - alpha), 9)))
        return self.nonconformity[rank - 1] if rank <= n else 1.0

    def summary(self) -> dict[str, Any]:
        """As plain data, for people: without the nonconformity scores, which are hundreds."""
        return self.model_dump(mode="json", exclude={"nonconformity"})

    def label_sets(self, probabilities: FloatArray, alpha: float) -> BoolArray:
        """Which labels are in each set, shape (n, 3), from probabilities (n, 3) at `temperature`.

        The most probable label always is: an empty set would help nobody, and coverage only grows.
        Raises as `quantile` does.
        """
        sets: BoolArray = 1.0 - probabilities <= self.quantile(alpha)
        sets[np.arange(len(sets)), probabilities.argmax(axis=-1)] = True
        return sets


def _refused(message: str) -> ConfigError:
    return ConfigError("no label set can be given", [Problem("request", "alpha", message)])


def labels_of(row: BoolArray) -> tuple[Label, ...]:
    """Labels of one row of `Calibration.label_sets`, in the order of `labels.ORDER`."""
    return tuple(label for label, is_in in zip(ORDER, row, strict=True) if is_in)


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
