"""A recipe: everything that decides a training run, as one frozen object read from YAML.

Unknown keys are errors, all errors are shown at once with their path, and `extends: other.yaml`
(relative to the file) lets a recipe say only what differs.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, model_validator
from pydantic_core import to_json

from stancewire.data.mixture import Mixture
from stancewire.data.sources import Frozen
from stancewire.errors import ConfigError
from stancewire.pairs import Encoding
from stancewire.training.settings import checked, read_yaml


class Base(Frozen):
    """Which pretrained encoder, and how it reads pairs."""

    path: str = "minilm"  # the packaged all-MiniLM-L6-v2, a local folder, or a hub id
    # Commit of a hub id; required for one. A branch or a tag could change under the same name.
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    attention: Literal["blocked", "joint"] = "blocked"
    frozen_layers: int = Field(default=0, ge=0)  # with the embeddings; stay as pretrained
    max_text_tokens: int = Field(default=256, ge=8)  # as all-MiniLM-L6-v2 was trained
    max_target_tokens: int = Field(default=64, ge=16)  # the graphs are checked with targets as long


class Head(Frozen):
    """The classifier over pooled states."""

    hidden: int = 256  # wider did not help on dev
    dropout: float = Field(default=0.1, ge=0, lt=1)


class Schedule(Frozen):
    """How long and how fast."""

    epochs: int = Field(default=3, ge=1)
    quotes: int = Field(default=16, ge=1)  # quotes per batch; each brings all its targets
    encoder_lr: float = Field(default=5e-5, gt=0)  # above 1e-4 MiniLM forgets its sentence space
    head_lr: float = Field(default=5e-4, gt=0)  # the head starts from nothing; the encoder does not
    warmup: float = Field(default=0.1, ge=0, le=1)  # share of all steps
    weight_decay: float = Field(default=0.01, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    patience: int = Field(default=2, ge=1)  # epochs without a better dev macro-F1 before stopping
    # What follows is off, and the values are those of runs made before it was there.
    targets: int | None = Field(default=None, ge=1)  # per pass in training; none: as served
    accumulate: int = Field(default=1, ge=1)  # batches per step of the optimiser
    layer_decay: float = Field(default=1.0, gt=0, le=1)  # of encoder_lr, from each layer downwards
    r_drop: float = Field(default=0.0, ge=0)  # weight of the agreement; each step costs two
    ema: float = Field(default=0.0, ge=0, lt=1)  # share of the moving average kept in a step
    average: int = Field(default=1, ge=1)  # last epochs whose mean is taken, if dev likes it
    fused: bool = False  # one pass over the weights per step: faster, other last digits
    # Products in bfloat16, weights and sums in fp32: faster where the processor has them.
    precision: Literal["fp32", "bf16"] = "fp32"


class Augment(Frozen):
    """How often training words are changed without changing a label; never those of dev or test."""

    paraphrase: float = Field(default=0.0, ge=0, le=1)  # chance that a target is reworded by rule
    mask_names: float = Field(default=0.0, ge=0, le=1)  # chance that a pass loses its names


class Stage(Frozen):
    """Training that comes before the main one; what is not said is as in the recipe itself."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    data: Mixture  # needs no dev (the main one is used) and no test
    schedule: Schedule = Schedule()
    augment: Augment = Augment()


class Linear(Frozen):
    """The logistic regressions: `tfidf`, `frozen` and the baselines in every report."""

    c: float = Field(default=1.0, gt=0)  # inverse regularisation, scikit-learn's default
    min_df: int = Field(default=2, ge=1)  # TF-IDF: a term must stand in so many training items
    max_iter: int = Field(default=2000, ge=1)


class Refusal(Frozen):
    """When to say "not sure"."""

    max_risk: float = Field(default=0.2, gt=0, lt=1)  # wanted share of errors among the answered
    min_coverage: float = Field(default=0.5, gt=0, le=1)  # but at least this share must be answered


class Parity(Frozen):
    """How far the exported graphs may be from what was trained; beyond it the run fails."""

    int8: bool = True  # without it only fp32 is made, and served
    max_logit_difference: float = 1e-3  # ONNX fp32 against torch
    max_flips: float = 0.01  # int8 against fp32: share of dev labels that change
    max_f1_drop: float = 0.005  # int8 against fp32: dev macro-F1
    weight_bits: int = Field(default=8, ge=4, le=8)  # fewer for experiments: no file gets smaller


class Recipe(Frozen):
    """One training run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    family: Literal["packed", "frozen", "tfidf"]
    seed: int = Field(default=13, ge=0)
    data: Mixture = Mixture()
    base: Base = Base()
    # Weights that an earlier run left: its folder, its bundle's, or its `weights.safetensors`.
    init: Annotated[str, Field(pattern=r"^[^\x00]+$")] | None = None
    stages: tuple[Stage, ...] = ()  # in order, each from the last one's best weights; then `data`
    head: Head = Head()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    linear: Linear = Linear()
    refusal: Refusal = Refusal()
    parity: Parity = Parity()
    behaviour: bool = True  # a minute of tests at the end; without them no gate lets a model pass

    @model_validator(mode="before")
    @classmethod
    def _stages_go_by_the_recipe(cls, values: object) -> object:
        """Fill in what a stage does not say, so that a printed recipe says it all."""
        if not isinstance(values, dict) or not isinstance(values.get("stages"), list | tuple):
            return values
        data = {k: v for k, v in _given(values.get("data")).items() if k in ("mirror", "accept")}
        inherited = {
            "data": data,
            "schedule": _given(values.get("schedule")),
            "augment": _given(values.get("augment")),
        }
        stages = [_given(stage) for stage in values["stages"]]
        said = [{k: v for k, v in inherited.items() if k != "data" or k in one} for one in stages]
        return {**values, "stages": [_merge(a, b) for a, b in zip(said, stages, strict=True)]}

    @model_validator(mode="after")
    def _stages_have_names_of_their_own(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"two stages have one name: {', '.join(names)}")
        return self

    def digest(self) -> str:
        """sha256 of what decides the model, whatever the recipe is called and trained on."""
        decides = ["family", "seed", "base", "linear"]
        if self.family == "packed":
            decides = ["family", "seed", "base", "head", "schedule", "linear"]
            decides += [name for name in ("init", "stages", "augment") if name in self.decided()]
        whole = {name: self.decided()[name] for name in decides}
        return hashlib.sha256(to_json(whole)).hexdigest()

    def decided(self) -> dict[str, Any]:
        """What decides the model, as plain data without the values that came later and are off.

        So a run made before there were such values is still known as what it is.
        """
        unsaid = {"__all__": {"data": {"mirror"}}}
        plain = self.model_dump(mode="json", exclude={"behaviour": True, "stages": unsaid})
        plain["schedule"] = _without_later(plain["schedule"])
        for name, off in (("init", None), ("stages", []), ("augment", Augment().model_dump())):
            if plain[name] == off:
                del plain[name]
        return plain

    def encoding(self, *, cls_id: int, sep_id: int, pad_id: int, position_offset: int) -> Encoding:
        """How this recipe's pairs become tokens, given the tokenizer's special ids."""
        return Encoding(
            attention="separate" if self.family == "frozen" else self.base.attention,
            max_text_tokens=self.base.max_text_tokens,
            max_target_tokens=self.base.max_target_tokens,
            position_offset=position_offset,
            cls_id=cls_id,
            sep_id=sep_id,
            pad_id=pad_id,
        )


def load(path: Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Recipe in the YAML file `path`; `overrides` is merged over it, nested as the recipe is.

    Raises `ConfigError` listing every unknown key and every value out of range.
    """
    return check(read(path, overrides), path)


def read(path: Path, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the file `path` says with all that it extends, as plain data that nobody has checked."""
    return _merge(_read(path, ()), overrides or {})


def check(settings: dict[str, Any], path: Path) -> Recipe:
    """Recipe of these settings. Raises `ConfigError` as `load` does, naming `path`."""
    return checked(Recipe, settings, path, "a recipe")


def dump(recipe: Recipe) -> str:
    """The recipe with every default filled in, as YAML that `load` reads back."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _given(part: object) -> dict[str, Any]:
    """What was said of a part of a recipe, as plain data; nothing if it is no mapping."""
    if isinstance(part, BaseModel):
        return part.model_dump(exclude_unset=True)
    return part if isinstance(part, dict) else {}


def _without_later(schedule: dict[str, Any]) -> dict[str, Any]:
    later = (
        "targets", "accumulate", "layer_decay", "r_drop", "ema", "average", "fused", "precision",
    )  # fmt: skip
    off = {name: Schedule.model_fields[name].default for name in later}
    return {k: v for k, v in schedule.items() if k not in off or v != off[k]}


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise ConfigError(f"{path} extends itself")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping of settings")
    parent = content.pop("extends", None)
    if parent is None:
        return content
    return _merge(_read(path.parent / str(parent), (*seen, path.resolve())), content)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merge(result[key], value) if both else value
    return result
