"""The stages that come before a recipe's main training, each from the last one's best weights.

A stage has a folder of its own, `stages/<name>` in the run's: checkpoints, and its weights when it
is done. Weights bear the identity of all that decided them, the weights before them included; a
stage whose weights are there with the same identity is not trained again.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stancewire.data import mixture
from stancewire.data.corpus import Corpus
from stancewire.data.files import content_hash
from stancewire.data.mixture import Manifest
from stancewire.data.rates import record_rates
from stancewire.errors import ConfigError
from stancewire.pairs import PairEncoder
from stancewire.records import Record
from stancewire.training import loop, weights
from stancewire.training.encoders import Pretrained
from stancewire.training.model import PackedClassifier
from stancewire.training.recipe import Recipe, Stage

FOLDER = "stages"
TOO_LONG = "the target is longer than the encoder reads"


@dataclass(frozen=True)
class Prepared:
    """A stage with its records."""

    stage: Stage
    corpus: Corpus
    manifest: Manifest

    @property
    def rates(self) -> list[float] | None:
        """How often each training record is drawn per epoch; none if each is once."""
        return record_rates(self.stage.data, self.manifest.train_sizes)

    def dev(self, main: Corpus) -> Sequence[Record]:
        """What its best epoch is chosen on: its own dev, or the main one's if it has none."""
        return self.corpus.dev or main.dev


def prepare(recipe: Recipe, pretrained: Pretrained, main: Corpus) -> list[Prepared]:
    """The records of each stage: none of them spoils the main corpus's held-out ones.

    Raises `ConfigError` or `DataError`, naming the stage, before anything is trained.
    """
    whole = [*main.records(), *main.golden]
    found = []
    for stage in recipe.stages:
        try:
            built = mixture.build(stage.data, needed=("train",), apart_from=whole)
        except ConfigError as error:
            raise ConfigError(f"stage {stage.name}: {error.summary}", error.problems) from error
        found.append(Prepared(stage, *readable(recipe, pretrained, *built)))
    return found


def readable(
    recipe: Recipe, pretrained: Pretrained, data: Corpus, manifest: Manifest
) -> tuple[Corpus, Manifest]:
    """The corpus without the training records whose target is too long for the encoder.

    Dev and test are never shortened: one such target there is an error when it is met.
    """
    gone = pretrained.too_long(recipe, (r.target for r in data.train))
    return mixture.without(data, manifest, TOO_LONG, gone)


def train(
    recipe: Recipe,
    stages: Sequence[Prepared],
    main: Corpus,
    network: PackedClassifier,
    encoder: PairEncoder,
    folder: Path,
    *,
    init: str | None,
    resume: bool,
) -> list[dict[str, Any]]:
    """Train the stages one after another; the network then has the last one's best weights.

    `init` is the sha256 of the weights that it has now, if they are not pretrained ones. Gives for
    each stage its name, the pairs it saw, its best dev macro-F1, its weights' sha256, and whether
    it was `taken` over as it lay there.
    """
    told: list[dict[str, Any]] = []
    before = init
    for one in stages:
        there = folder / FOLDER / one.stage.name
        whole = _stage_identity(recipe, one, main, before)
        figures = _trained(recipe, one, main, network, encoder, there, whole, resume)
        before = figures["sha256"]
        told.append(figures)
    return told


def settle(path: Path, identity: dict[str, Any], resume: bool) -> None:
    """Note what is trained on what; a resumed run must be of the same recipe and data."""
    if resume and path.is_file() and json.loads(path.read_text()) != identity:
        raise ConfigError(f"cannot resume: {path} was written for another recipe or other data")
    path.write_text(json.dumps(identity, indent=2) + "\n")


def identity(recipe: Recipe, data: Corpus, manifest: Manifest, init: str | None) -> dict[str, Any]:
    """What must be the same when a recipe's main training is taken up again.

    Nothing of what is off is in it, so that a run made before there was such a thing goes on.
    """
    decided = recipe.decided()
    found = {"recipe": _settings(recipe, decided["schedule"]), "data": data.hashes()}
    rates = record_rates(recipe.data, manifest.train_sizes)
    also = {
        "init": init,
        "augment": decided.get("augment"),
        "rates": rates and _hash(rates),
        "stages": decided.get("stages"),
        "stage data": [stage.digest for _, stage in manifest.stages],
    }
    return {**found, **{name: value for name, value in also.items() if value}}


def _settings(recipe: Recipe, schedule: dict[str, Any]) -> dict[str, Any]:
    """Settings of one training but for its length: it may be given more epochs."""
    decided = recipe.decided()
    return {
        **{name: decided[name] for name in ("family", "seed", "base", "head")},
        "schedule": {k: v for k, v in schedule.items() if k not in ("epochs", "patience")},
    }


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def something_to_resume(folder: Path) -> bool:
    """Whether a run's folder holds a checkpoint of its own or of a stage, or a stage's weights."""
    stages = (folder / FOLDER).glob("*")
    return bool(loop.last_checkpoint(folder / "checkpoints")) or any(
        (one / weights.WEIGHTS).is_file() or loop.last_checkpoint(one / "checkpoints")
        for one in stages
    )


def _stage_identity(
    recipe: Recipe, one: Prepared, main: Corpus, before: str | None
) -> dict[str, Any]:
    plain = next(s for s in recipe.decided()["stages"] if s["name"] == one.stage.name)
    schedule = one.stage.schedule.model_dump(mode="json")
    return {
        "recipe": _settings(recipe, schedule),
        "augment": plain["augment"],
        "rates": _hash(one.rates),
        "data": one.corpus.hashes() | {"dev": content_hash(one.dev(main))},
        "begins with": before,
    }


def _trained(
    recipe: Recipe,
    one: Prepared,
    main: Corpus,
    network: PackedClassifier,
    encoder: PairEncoder,
    folder: Path,
    identity: dict[str, Any],
    resume: bool,
) -> dict[str, Any]:
    schedule = one.stage.schedule
    length = {"epochs": schedule.epochs, "patience": schedule.patience}
    whole = _hash(identity | length)
    file, report = folder / weights.WEIGHTS, folder / "report.json"
    if weights.identity(file) == whole and report.is_file():
        figures = json.loads(report.read_text())
        del figures["history"]
        return {**figures, "sha256": weights.read(network, file), "taken": True}
    folder.mkdir(parents=True, exist_ok=True)
    settle(folder / "training.json", identity, resume)
    checkpoints = folder / "checkpoints"
    history = loop.fit(
        network, encoder, one.corpus.train, one.dev(main), schedule,
        seed=recipe.seed, folder=checkpoints, rates=one.rates, augment=one.stage.augment,
        resume=resume and loop.last_checkpoint(checkpoints) is not None,
    )  # fmt: skip
    figures = {
        "name": one.stage.name,
        "pairs": len(one.corpus.train),
        "dev": "own" if one.corpus.dev else "main",
        "dev_macro_f1": loop.best_dev(history),
    }
    report.write_text(json.dumps({**figures, "history": history}, indent=2) + "\n")
    digest = weights.write(network, file, identity=whole)
    shutil.rmtree(checkpoints)  # its weights are what is left to be taken up
    return {**figures, "sha256": digest, "taken": False}
