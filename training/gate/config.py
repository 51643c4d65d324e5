"""The gate's limits, each with its reason; `experiments/gate.yaml` holds the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from stancewire.data.sources import Frozen, Terms
from stancewire.training.settings import checked, read_yaml

Baseline = Literal["majority", "tfidf", "text-only", "target-only", "frozen"]
CONFIG = Path("experiments/gate.yaml")


class Data(Frozen):
    """What it may have been trained on."""

    # Terms of every source, stages included. A model that serves leaves the house in its answers:
    # terms beyond open ones are a decision that somebody takes here, in writing.
    accept: tuple[Terms, ...] = ("open",)


class Metrics(Frozen):
    """Macro-F1 against yardsticks, and the worst slice. Margins from 0 to 1."""

    # Baseline → by how much it must be exceeded. A transformer that does not beat counting words
    # has learnt nothing from them; any positive distance is asked for, not a certain one, because
    # these are far below any useful model.
    must_beat: Mapping[Baseline, float] = Field(default={"majority": 0.0, "tfidf": 0.0})
    # Baseline → by how much a candidate may stay below it. The frozen encoder is itself a family
    # that may be promoted, so it must be able to tie with itself.
    may_tie: Mapping[Baseline, float] = Field(default={"frozen": 0.0})
    # Accuracy that no slice may be shown to be below. A third is what guessing has on the press
    # corpus, where every statement takes each stance once: whoever is surely below it about some
    # country or kind of speaker answers about them worse than dice. Raise it with the models.
    slice_floor: float = Field(default=0.33, ge=0, lt=1)
    slice_pairs: int = Field(default=30, ge=1)  # below, one label moves accuracy by over 3 points
    slice_statements: int = Field(default=10, ge=2)  # fewer clusters bear no bootstrap
    # That no slice at all is refused by chance. Some twenty are looked at, and each is held to its
    # share of the rest, so that the worst of many equals does not fail.
    slice_confidence: float = Field(default=0.95, gt=0.5, lt=1)


class CalibrationLimits(Frozen):
    """Whether its probabilities mean what they say."""

    # What the project promises. On few pairs a perfect model exceeds it as well: then the limit is
    # what such a model stays under with this confidence.
    max_ece: float = Field(default=0.05, gt=0, lt=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class ParityLimits(Frozen):
    """How far int8 may be from fp32, where int8 is served."""

    # Twice what a recipe allows on dev. There the reach of int8 was chosen so that it holds; on the
    # judged split, which had no say, a graph with a true 1 % shows up to 2.1 % of 432 (99 %).
    max_flips: float = Field(default=0.02, ge=0, le=1)
    max_f1_drop: float = Field(default=0.01, ge=0, le=1)


class CostLimits(Frozen):
    """What an answer may cost on the machine that judges."""

    # Processor time of one quote with its targets, one thread, median. A person who asks notices
    # half a second.
    max_latency_ms: float = Field(default=500.0, gt=0)
    # Against the champion, in the same minute. More than half as slow again is a larger machine for
    # whoever serves. An fp32 graph measured against the int8 release exceeds it, by design.
    max_latency_ratio: float = Field(default=1.5, gt=0)
    # Without such a champion, int8 against its own fp32: int8 that is slower has no use. The tenth
    # is the noise of a machine that does other things.
    max_fp32_ratio: float = Field(default=1.1, gt=0)
    # Of a process that loads the bundle and answers: the small machines that people have to spare
    # hold a gibibyte, and the service around it takes some 150 MiB.
    max_memory_mib: float = Field(default=700.0, gt=0)
    max_memory_ratio: float = Field(default=1.5, gt=0)  # against the same peer


class ChampionLimits(Frozen):
    """How it must compare with what serves now."""

    # How much worse than the champion a candidate may at most plausibly be: some hundreds of test
    # pairs cannot show less (docs/promotion.md has the numbers). Above 0, or an equal would fail.
    margin: float = Field(default=0.03, gt=0, lt=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)  # one-sided


class GateConfig(Frozen):
    """What a candidate must show on the frozen split."""

    data: Data = Data()
    metrics: Metrics = Metrics()
    calibration: CalibrationLimits = CalibrationLimits()
    parity: ParityLimits = ParityLimits()
    cost: CostLimits = CostLimits()
    champion: ChampionLimits = ChampionLimits()
    rounds: int = Field(default=2000, ge=100)  # between seeds the bound then moves by 0.05 points
    seed: int = Field(default=13, ge=0)  # one candidate, one verdict

    @property
    def baselines(self) -> list[Baseline]:
        """Baselines that are asked for."""
        return sorted({*self.metrics.must_beat, *self.metrics.may_tie})


def load_config(path: Path | None = None) -> GateConfig:
    """The config in `path`; without one, `experiments/gate.yaml` if it is there, else the defaults.

    Raises `ConfigError` listing every unknown key and every value out of range.
    """
    if path is None and not CONFIG.is_file():
        return GateConfig()
    path = path or CONFIG
    content = read_yaml(path)
    return checked(GateConfig, {} if content is None else content, path, "a gate's config")
