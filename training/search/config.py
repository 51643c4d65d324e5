"""A search, read from YAML: the recipe that it extends, the space, and how it is gone through."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, NopPruner, PercentilePruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from pydantic import Field

from stancewire.data.sources import Frozen
from stancewire.training import recipe
from stancewire.training.recipe import Recipe
from stancewire.training.search.space import Space, changed, refuse_what_cannot_be
from stancewire.training.settings import checked, read_yaml

BASE = "base.yaml"
"""Settings of the base recipe, beside the search in the study's folder."""


class Sampler(Frozen):
    """How the next values are drawn."""

    seed: int = Field(default=13, ge=0)
    # The first trials are drawn at random, then by what the others gave (TPE, Bergstra et al.,
    # NeurIPS 2011). As many as `trials`, and the search is a random one.
    startup: int = Field(default=8, ge=1)

    def make(self, settled: int) -> BaseSampler:
        """The sampler of the trial that follows `settled` others.

        Each trial has a seed of its own: a sampler begun again with the first one's would draw,
        after a resume, what was drawn already.
        """
        (seed,) = np.random.SeedSequence([self.seed, settled]).generate_state(1)
        if settled < self.startup:
            return RandomSampler(seed=int(seed))
        return TPESampler(seed=int(seed), n_startup_trials=0)


class Pruner(Frozen):
    """Which trials are given up before their last epoch."""

    # A trial goes on if its best dev macro-F1 so far is in this upper part of what the complete
    # trials had at the same epoch: 0.5 is the median rule, 1 lets all go on.
    keep: float = Field(default=0.5, gt=0, le=1)
    startup: int = Field(default=4, ge=1)  # so many trials must be complete before any is pruned
    warmup: int = Field(default=1, ge=0)  # first epochs, after which none is pruned

    def make(self) -> BasePruner:
        """As Optuna says it."""
        if self.keep == 1:
            return NopPruner()
        # Optuna counts steps from 0, epochs are counted from 1.
        return PercentilePruner(
            100 * self.keep, n_startup_trials=self.startup, n_warmup_steps=self.warmup + 1
        )


class Config(Frozen):
    """What the file of a search says, beside the recipe that it extends."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    extends: str  # the base recipe, relative to the file
    space: Space = Field(min_length=1)
    trials: int = Field(default=20, ge=1)  # in all, those of a study that is taken up included
    sampler: Sampler = Sampler()
    pruner: Pruner = Pruner()


@dataclass(frozen=True)
class Search:
    """A search that can begin: its space is of the base recipe, and within its bounds."""

    config: Config
    settings: dict[str, Any]
    """The base recipe's, as its file and those that it extends say them."""
    file: Path

    @cached_property
    def base(self) -> Recipe:
        """The recipe that every trial changes."""
        return recipe.check(self.settings, self.file)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The space as Optuna says it."""
        return {path: one.distribution for path, one in self.config.space.items()}

    def recipe_of(self, drawn: dict[str, Any]) -> Recipe:
        """The recipe of a trial, whose `drawn` values are Optuna's.

        Raises `ConfigError` if values that are fine one by one contradict each other.
        """
        space = self.config.space
        values = {path: space[path].value(value) for path, value in drawn.items()}
        return recipe.check(changed(self.settings, values), self.file)

    def best(self, drawn: dict[str, Any]) -> Recipe:
        """The recipe of the best trial, under a name of its own."""
        return self.recipe_of(drawn).model_copy(update={"name": f"{self.config.name}-best"})

    def identity(self) -> dict[str, Any]:
        """What must be the same when a study is taken up: sampler, pruner and number may change."""
        base = self.base.decided()
        del base["data"]["mirror"]  # where the data lies decides nothing
        return {"recipe": base, "space": self.config.model_dump(mode="json")["space"]}


def load(path: Path, overrides: dict[str, Any] | None = None) -> Search:
    """The search in the YAML file `path`; `overrides` is merged over its base recipe.

    Raises `ConfigError` listing every unknown key, every path that is none of the recipe's and
    every value that the recipe would not take.
    """
    config = _config(path)
    base = path.parent / config.extends
    settings = recipe.read(base, overrides)
    recipe.check(settings, base)
    refuse_what_cannot_be(config.space, settings, path)
    return Search(config, settings, path)


def dump(search: Search, extends: str = BASE) -> str:
    """The search with every default filled in, as YAML; the recipe that it extends is not in it."""
    plain = search.config.model_dump(mode="json") | {"extends": extends}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _config(path: Path) -> Config:
    return checked(Config, read_yaml(path), path, "a search")
