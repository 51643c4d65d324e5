"""What a search may change: typed dimensions over the paths of a recipe.

A path is written as the recipe is nested, with dots and, in lists, numbers from 0:
`schedule.encoder_lr`, `data.also.0.weight`, `stages.1.schedule.epochs`.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, field_validator, model_validator

from stancewire.data.sources import Frozen
from stancewire.errors import ConfigError, Problem
from stancewire.training import recipe

PARTS = {
    "packed": ("base", "data", "init", "stages", "head", "schedule", "augment"),
    "frozen": ("base", "data", "linear"),
    "tfidf": ("data", "linear"),
}
"""Parts of a recipe that decide dev macro-F1, by family; others would only waste trials."""
FIXED = {
    "name": "a name decides nothing",
    "seed": "to choose a seed is to choose luck",
    "data.source": "every trial must be measured on one dev split",
    "data.only_tag": "every trial must be measured on one dev split",
    "data.seed": "to choose a seed is to choose luck",
    "data.mirror": "it says where data lies, and decides nothing",
    "data.accept": "a licence is not for a sampler to accept",
}


class _Range(Frozen):
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = False  # drawn evenly by magnitude, as learning rates should be
    step: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic range must begin above 0")
        if self.log and self.step != type(self).model_fields["step"].default:
            raise ValueError("a logarithmic range has no step")
        return self

    def value(self, drawn: Any) -> Any:
        """What a recipe is given for what Optuna drew."""
        return drawn


class Float(_Range):
    """Real numbers from `low` to `high`, both included."""

    type: Literal["float"]

    @property
    def distribution(self) -> BaseDistribution:
        """As Optuna says it."""
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    @property
    def probes(self) -> Sequence[Any]:
        """Values that a recipe must take: both ends, and one within that is no whole number."""
        inner = self.low + (self.step or 0.618 * (self.high - self.low))
        return self.low, self.high, inner


class Int(_Range):
    """Whole numbers from `low` to `high`, both included."""

    type: Literal["int"]
    low: int
    high: int
    step: int = Field(default=1, ge=1)

    @property
    def distribution(self) -> BaseDistribution:
        """As Optuna says it."""
        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    @property
    def probes(self) -> Sequence[Any]:
        """Values that a recipe must take: both ends."""
        return self.low, self.high


class Categorical(Frozen):
    """One of several values, of whatever kind a recipe has there: a list of sources, a stage."""

    type: Literal["categorical"]
    choices: tuple[Any, ...] = Field(min_length=2)

    @field_validator("choices")
    @classmethod
    def _each_once(cls, choices: tuple[Any, ...]) -> tuple[Any, ...]:
        if len({_label(choice) for choice in choices}) < len(choices):
            raise ValueError("two choices are the same")
        return choices

    @property
    def distribution(self) -> BaseDistribution:
        """As Optuna says it, by labels: it takes no list, and holds 1 and true for the same."""
        return CategoricalDistribution([_label(choice) for choice in self.choices])

    @property
    def probes(self) -> Sequence[Any]:
        """Values that a recipe must take: all."""
        return self.choices

    def value(self, drawn: Any) -> Any:
        """What a recipe is given for what Optuna drew."""
        return {_label(choice): choice for choice in self.choices}[drawn]


Dimension = Annotated[Float | Int | Categorical, Field(discriminator="type")]
Space = Mapping[str, Dimension]
"""Path in a recipe → what is tried there."""


def refuse_what_cannot_be(space: Space, settings: Mapping[str, Any], file: Path) -> None:
    """Raise `ConfigError` listing every path that cannot be searched and every value out of range.

    `settings` are the base recipe's, as `recipe.read` gives them. Each value is tried by itself,
    the rest as in the base.
    """
    family = recipe.check(dict(settings), file).family
    problems = []
    for path, dimension in space.items():
        where = f"space.{path}"
        if reason := _why_not(path, space, family):
            problems.append(Problem(str(file), where, reason))
            continue
        for value in dimension.probes:
            try:
                recipe.check(changed(settings, {path: value}), file)
            except ConfigError as error:
                told = [p.message for p in error.problems] or [error.summary]
                problems += [Problem(str(file), where, message) for message in told]
    if problems:
        raise ConfigError(f"{file} cannot be searched", list(dict.fromkeys(problems)))


def changed(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with each value at its path. Raises `ConfigError` if there is no such place."""
    made: dict[str, Any] = deepcopy(dict(settings))
    for path, value in values.items():
        *steps, last = path.split(".")
        place: Any = made
        for step in steps:
            place = _inner(place, step, path)
        _put(place, last, value, path)
    return made


def _why_not(path: str, space: Space, family: str) -> str | None:
    for fixed, reason in FIXED.items():
        if f"{path}.".startswith(f"{fixed}.") or f"{fixed}.".startswith(f"{path}."):
            return f"{fixed} is not for a search: {reason}"
    if within := [other for other in space if path.startswith(f"{other}.")]:
        return f"{within[0]} is searched as a whole"
    if path.split(".")[0] not in PARTS[family]:
        known = ", ".join(PARTS[family])
        return (
            f"no part of a recipe that decides a {family} model's dev macro-F1; those are {known}"
        )
    return None


def _inner(place: Any, step: str, path: str) -> Any:
    if isinstance(place, dict):
        inner = place.setdefault(step, {})
        if isinstance(inner, dict | list):
            return inner
    elif isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        return place[int(step)]
    raise ConfigError(f"the recipe has no place {path}: nothing can stand in {step!r}")


def _put(place: Any, last: str, value: Any, path: str) -> None:
    if isinstance(place, dict):
        place[last] = value
    elif isinstance(place, list) and last.isdecimal() and int(last) < len(place):
        place[int(last)] = value
    else:
        raise ConfigError(f"the recipe has no place {path}")


def _label(choice: Any) -> str:
    """A choice in one line, as people read it and as a study keeps it."""
    return choice if isinstance(choice, str) else json.dumps(choice, sort_keys=True, default=str)
