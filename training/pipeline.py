"""One training run, start to end: records become a bundle, and the bundle is what is measured."""

import json
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from stancewire.backends import OnnxBackend, TfidfBackend
from stancewire.bundle import CALIBRATION, MANIFEST, MODEL, TFIDF, TOKENIZER, Bundle, write_bundle
from stancewire.data import mixture
from stancewire.data.corpus import Corpus
from stancewire.data.mixture import Manifest
from stancewire.data.rates import record_rates
from stancewire.errors import ConfigError
from stancewire.pairs import PairEncoder
from stancewire.predictor import Predictor
from stancewire.training import calibrate, encoders, energy, export, linear, loop, weights
from stancewire.training.behaviour import track
from stancewire.training.behaviour.report import Report
from stancewire.training.evaluate import Evaluation, baselines, evaluate, with_intervals
from stancewire.training.fairness import by_speaker, name_swaps
from stancewire.training.held_out import held_out
from stancewire.training.metrics import gold_indices, macro_f1
from stancewire.training.model import PackedClassifier, freeze
from stancewire.training.recipe import Linear, Recipe, dump
from stancewire.training.slices import figures_by_slice
from stancewire.training.stages import (
    Prepared,
    identity,
    prepare,
    readable,
    settle,
    something_to_resume,
)
from stancewire.training.stages import train as train_stages

PACKAGES = ("torch", "transformers", "onnxruntime", "scikit-learn", "numpy", "tokenizers", "mlflow")


@dataclass(frozen=True)
class Result:
    """Everything that a run made; `bundle` is the model, the rest says how good it is."""

    recipe: Recipe
    corpus: Corpus
    manifest: Manifest
    bundle: Bundle
    evaluations: Mapping[str, list[Evaluation]]
    """Split ("dev", "test") → the model first, then its baselines."""
    parity: Mapping[str, float]
    history: list[dict[str, Any]]
    seconds: float
    folder: Path
    stages: tuple[dict[str, Any], ...] = ()
    """What each stage before the main training saw and reached; see `stages.train`."""
    behaviour: Report | None = None
    """The behaviour tests; none if the recipe leaves them out."""
    held_out: tuple[dict[str, Any], ...] = ()
    """What the training data give away of the splits that a gate judges on; see `held_out`."""
    cpu_seconds: float = 0.0
    """Of `seconds`, over all cores; like them, of this sitting of a run that was resumed."""


@dataclass(frozen=True)
class _Model:
    """What a family makes, before calibration: files of the bundle and how to read them."""

    files: dict[str, bytes]
    fields: dict[str, Any]
    backend: OnnxBackend | TfidfBackend
    parity: dict[str, float]
    history: list[dict[str, Any]]
    stages: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class _Trained:
    """A network before export, and what its training tells."""

    network: PackedClassifier | linear.FrozenClassifier
    pairs: PairEncoder
    history: list[dict[str, Any]]
    stages: list[dict[str, Any]]
    origin: dict[str, Any]


@dataclass(frozen=True)
class _Ready:
    """All that a run needs, found and checked before anything is trained."""

    recipe: Recipe
    data: Corpus
    manifest: Manifest
    pretrained: encoders.Pretrained | None
    stages: list[Prepared]
    init: Path | None
    folder: Path
    resume: bool


def run(recipe: Recipe, *, out: Path | None = None, resume: bool = False) -> Result:
    """Train by `recipe` and leave everything in `out` (default `runs/<name>-s<seed>`).

    Raises `ExportError`, and leaves no bundle, if a graph does not answer as what was trained.
    """
    started, worked = time.monotonic(), energy.cpu_seconds()
    folder = out or Path("runs") / f"{recipe.name}-s{recipe.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    ready = _prepare(recipe, folder, resume)
    data, manifest = ready.data, ready.manifest
    (folder / mixture.MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    init = weights.sha256(ready.init) if ready.init else None
    settle(folder / "training.json", identity(recipe, data, manifest, init), resume)
    (folder / "recipe.yaml").write_text(dump(recipe), encoding="utf-8")
    # Until this run has passed its checks, the folder must not offer an earlier run's model.
    for stale in ("bundle/" + MANIFEST, "report.json", weights.WEIGHTS, track.REPORT, track.PAGE):
        (folder / stale).unlink(missing_ok=True)
    family = _tfidf if recipe.family == "tfidf" else _network
    model = family(ready)
    bundle = _write(recipe, data, manifest, model, folder / "bundle")
    evaluations = evaluate_splits(recipe, data, bundle)
    behaviour = behaviour_of(recipe, bundle)
    result = Result(
        recipe=recipe,
        corpus=data,
        manifest=manifest,
        bundle=bundle,
        evaluations=evaluations,
        parity=model.parity,
        history=model.history,
        seconds=time.monotonic() - started,
        folder=folder,
        stages=model.stages,
        behaviour=behaviour,
        held_out=tuple(held_out(data, ready.stages, ready.init)),
        cpu_seconds=energy.cpu_seconds() - worked,
    )
    (folder / "report.json").write_text(json.dumps(summary(result), indent=2) + "\n")
    if behaviour is not None:
        track.write(behaviour, folder)
    return result


def checked(recipe: Recipe, folder: Path) -> Manifest:
    """What a run of `recipe` in `folder` would be trained on; refuses all that `run` would."""
    return _prepare(recipe, folder, resume=False).manifest


def dev_score(recipe: Recipe, folder: Path, *, watch: loop.Watch | None = None) -> float:
    """Dev macro-F1 of what `run` would export; `watch` is told each epoch of the main training.

    Nothing is exported, and no model meets a record of test. Stages that are done in `folder` are
    taken over, as in a run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready = _prepare(recipe, folder, resume=False)
    ready = replace(ready, data=replace(ready.data, test=()))
    if recipe.family == "tfidf":
        return _dev_macro_f1(_tfidf(ready).backend, ready.data)
    trained = _trained(ready, watch)
    if trained.history:
        return loop.best_dev(trained.history)
    graph = export.to_onnx(trained.network, trained.pairs)
    return _dev_macro_f1(OnnxBackend(graph, trained.pairs), ready.data)


def _dev_macro_f1(backend: OnnxBackend | TfidfBackend, data: Corpus) -> float:
    logits, _ = backend.logits([r.pair for r in data.dev])
    return macro_f1(gold_indices([r.stance for r in data.dev]), logits.argmax(axis=-1))


def _prepare(recipe: Recipe, folder: Path, resume: bool) -> _Ready:
    """Read and check everything. Stages, `init` and `augment` are of the packed family alone."""
    data, manifest = mixture.build(recipe.data)
    _refuse_what_is_packed_only(recipe, manifest)
    set_seed(recipe.seed)  # before the encoder: its new parts are drawn as the head is
    before: list[Prepared] = []
    pretrained = None if recipe.family == "tfidf" else encoders.load(recipe.base)
    if pretrained is not None:
        data, manifest = readable(recipe, pretrained, data, manifest)
        if recipe.family == "packed":
            before = prepare(recipe, pretrained, data)
    manifest = manifest.with_stages([(one.stage.name, one.manifest) for one in before])
    init = weights.find(recipe.init) if recipe.init and recipe.family == "packed" else None
    if init is not None and init.resolve() == (folder / weights.WEIGHTS).resolve():
        raise ConfigError(f"init: {init} would be overwritten by this run: name another folder")
    return _Ready(recipe, data, manifest, pretrained, before, init, folder, resume)


def _refuse_what_is_packed_only(one: Recipe, manifest: Manifest) -> None:
    """A logistic regression leaves no class out of some records' loss, and sees no epochs."""
    parts = manifest.content["sources"]
    without = [str(part["source"]) for part in parts if not part["has_neutral"]]
    if without and one.family != "packed":
        raise ConfigError(
            f"{', '.join(without)} knows no neutral, and family {one.family!r} would learn that "
            "there is none; only family 'packed' masks it"
        )
    if one.family != "packed" and record_rates(one.data, manifest.train_sizes) is not None:
        raise ConfigError(
            f"family {one.family!r} reads every record once: weight, share, temperature and "
            "epoch_pairs of data are for family 'packed'"
        )


def summary(result: Result) -> dict[str, Any]:
    """The run as plain data: figures of every model on every split, and where they come from."""
    model, tests = result.evaluations["test"][0], result.behaviour
    return {
        "recipe": result.recipe.model_dump(mode="json"),
        "data": result.corpus.hashes(),
        "manifest": result.manifest.digest,
        "bundle": result.bundle.sha256,
        "weights": result.bundle.manifest.made.get("weights"),
        "held_out": list(result.held_out),
        "stages": list(result.stages),
        "parity": dict(result.parity),
        "seconds": round(result.seconds, 1),
        "cost": energy.Cost(result.cpu_seconds).to_dict(),
        "machine": machine(),
        "calibration": result.bundle.calibration().summary(),
        "figures": {
            split: with_intervals(evaluations) for split, evaluations in result.evaluations.items()
        },
        "slices": [one.to_dict() for one in figures_by_slice(model)],
        "speakers": {
            "slices": [one.to_dict() for one in by_speaker(model)],
            "name_swaps": [asdict(one) for one in name_swaps(tests)] if tests else None,
        },
    }


def machine() -> dict[str, Any]:
    """What the run ran on, and with which versions."""
    return {
        "python": platform.python_version(),
        "cpu": _cpu(),
        "threads": torch.get_num_threads(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def git_commit() -> str:
    """The commit of the working tree, with "+changes" if it differs; "unknown" outside git."""
    here = Path(__file__).parent
    try:
        commit, status = (
            subprocess.run(
                ["git", *a], capture_output=True, text=True, check=True, timeout=10, cwd=here
            ).stdout
            for a in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return commit.strip() + ("+changes" if status.strip() else "")


def _tfidf(ready: _Ready) -> _Model:
    one = ready.recipe
    table = linear.fit_tfidf(ready.data.train, one.linear, seed=one.seed)
    return _Model({TFIDF: table}, {}, TfidfBackend(json.loads(table)), {}, [])


def _network(ready: _Ready) -> _Model:
    one, data, pretrained = ready.recipe, ready.data, ready.pretrained
    assert pretrained is not None
    trained = _trained(ready)
    network, pairs = trained.network, trained.pairs
    gold = gold_indices([r.stance for r in data.dev])
    dev = [r.pair for r in data.dev]
    train = [r.pair for r in data.train]
    fp32, int8, parity = export.export(network, pairs, train, dev, gold, one.parity)
    files = {MODEL["fp32"]: fp32, TOKENIZER: pretrained.tokenizer.to_str().encode()}
    if int8 is not None:
        files[MODEL["int8"]] = int8
    fields = {
        "encoding": pairs.encoding,
        "precision": "fp32" if int8 is None else "int8",
        "made": {**trained.origin, "int8_share": parity.int8_share},
    }
    backend = OnnxBackend(int8 or fp32, pairs, threads=torch.get_num_threads())
    return _Model(files, fields, backend, parity.metrics(), trained.history, tuple(trained.stages))


def _trained(ready: _Ready, watch: loop.Watch | None = None) -> _Trained:
    one, data, pretrained = ready.recipe, ready.data, ready.pretrained
    assert pretrained is not None
    encoder, pairs = encoders.build(one, pretrained), pretrained.pair_encoder(one)
    network: PackedClassifier | linear.FrozenClassifier
    history: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    origin: dict[str, Any] = dict(pretrained.origin)
    if one.family == "frozen":
        network = linear.fit_frozen(encoder, pairs, data.train, one.linear, seed=one.seed)
    else:
        freeze(encoder, one.base.frozen_layers)
        network = PackedClassifier(encoder, one.head.hidden, one.head.dropout)
        told, history, made = _fine_tune(ready, network, pairs, watch)
        origin |= made
    return _Trained(network, pairs, history, told, origin)


def _fine_tune(
    ready: _Ready, network: PackedClassifier, pairs: PairEncoder, watch: loop.Watch | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Train in place, stages first: what the stages and the main training tell, and where from."""
    one, data, folder = ready.recipe, ready.data, ready.folder
    checkpoints = folder / "checkpoints"
    resume = ready.resume
    if resume and ready.stages and something_to_resume(folder):
        resume = loop.last_checkpoint(checkpoints) is not None  # a stage may be what was cut short
    made: dict[str, Any] = {}
    if ready.init is not None:
        made["init"] = weights.read(network, ready.init)
    told = train_stages(
        one, ready.stages, data, network, pairs, folder, init=made.get("init"), resume=ready.resume
    )
    if told:
        made["stages"] = {stage["name"]: stage["sha256"] for stage in told}
    history = loop.fit(
        network, pairs, data.train, data.dev, one.schedule,
        seed=one.seed, folder=checkpoints, resume=resume, augment=one.augment,
        rates=record_rates(one.data, ready.manifest.train_sizes), watch=watch,
    )  # fmt: skip
    written = weights.write(network, folder / weights.WEIGHTS, identity=ready.manifest.digest)
    return told, history, {**made, "weights": written}


def _write(one: Recipe, data: Corpus, manifest: Manifest, model: _Model, folder: Path) -> Bundle:
    logits, _ = model.backend.logits([r.pair for r in data.dev])
    gold = gold_indices([r.stance for r in data.dev])
    domains = [r.source for r in data.dev]
    calibration = calibrate.fit(logits, gold, one.refusal, domains=domains)
    made = {
        **model.fields.get("made", {}),
        "recipe": one.name,
        "settings": one.digest(),
        "seed": one.seed,
        "data": data.hashes(),
        "manifest": manifest.digest,
        "git": git_commit(),
    }
    files = {**model.files, CALIBRATION: calibration.model_dump_json(indent=2).encode()}
    return write_bundle(folder, files, {**model.fields, "family": one.family, "made": made})


def evaluate_splits(one: Recipe, data: Corpus, bundle: Bundle) -> dict[str, list[Evaluation]]:
    """Split ("dev", "test") → the bundle as it is served, then the baselines."""
    predictor = Predictor.load(bundle, threads=torch.get_num_threads())
    return {
        split: [
            evaluate(one.family, predictor, records),
            # By their own settings, not by the recipe's: the yardstick must not move.
            *baselines(data.train, records, Linear(), seed=one.seed),
        ]
        for split, records in (("dev", data.dev), ("test", data.test))
    }


def behaviour_of(one: Recipe, bundle: Bundle) -> Report | None:
    """The behaviour tests of the bundle as it is served; none if the recipe leaves them out."""
    return track.of_bundle(bundle, threads=torch.get_num_threads()) if one.behaviour else None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
