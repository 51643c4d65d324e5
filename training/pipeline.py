"""One training run, start to end: records become a bundle, and the bundle is what is measured."""

import json
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
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
from stancewire.errors import ConfigError
from stancewire.predictor import Predictor
from stancewire.training import calibrate, encoders, export, linear, loop
from stancewire.training.evaluate import Evaluation, baselines, evaluate
from stancewire.training.metrics import gold_indices
from stancewire.training.model import PackedClassifier, freeze
from stancewire.training.recipe import Linear, Recipe, dump

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


@dataclass(frozen=True)
class _Model:
    """What a family makes, before calibration: files of the bundle and how to read them."""

    files: dict[str, bytes]
    fields: dict[str, Any]
    backend: OnnxBackend | TfidfBackend
    parity: dict[str, float]
    history: list[dict[str, Any]]


def run(recipe: Recipe, *, out: Path | None = None, resume: bool = False) -> Result:
    """Train by `recipe` and leave everything in `out` (default `runs/<name>-s<seed>`).

    Raises `ExportError`, and leaves no bundle, if a graph does not answer as what was trained.
    """
    started = time.monotonic()
    folder = out or Path("runs") / f"{recipe.name}-s{recipe.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    data, manifest = mixture.build(recipe.data)
    _refuse_missing_neutral(recipe, manifest)
    (folder / mixture.MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    _settle(folder / "training.json", _identity(recipe, data), resume)
    (folder / "recipe.yaml").write_text(dump(recipe), encoding="utf-8")
    # Until this run has passed its checks, the folder must not offer an earlier run's model.
    for stale in (folder / "bundle" / MANIFEST, folder / "report.json"):
        stale.unlink(missing_ok=True)
    set_seed(recipe.seed)
    family = _tfidf if recipe.family == "tfidf" else _network
    model = family(recipe, data, folder, resume)
    bundle = _write(recipe, data, model, folder / "bundle")
    result = Result(
        recipe=recipe,
        corpus=data,
        manifest=manifest,
        bundle=bundle,
        evaluations=_evaluations(recipe, data, bundle),
        parity=model.parity,
        history=model.history,
        seconds=time.monotonic() - started,
        folder=folder,
    )
    (folder / "report.json").write_text(json.dumps(summary(result), indent=2) + "\n")
    return result


def _identity(one: Recipe, data: Corpus) -> dict[str, Any]:
    """What must be the same when a run is taken up again; it may be given more epochs."""
    return {
        "recipe": one.model_dump(
            mode="json",
            include={"family": True, "seed": True, "base": True, "head": True, "schedule": True},
            exclude={"schedule": {"epochs", "patience"}},
        ),
        "data": data.hashes(),
    }


def _refuse_missing_neutral(one: Recipe, manifest: Manifest) -> None:
    """A logistic regression cannot leave a class out of some records' loss."""
    parts = manifest.content["sources"]
    without = [str(part["source"]) for part in parts if not part["has_neutral"]]
    if without and one.family != "packed":
        raise ConfigError(
            f"{', '.join(without)} knows no neutral, and family {one.family!r} would learn that "
            "there is none; only family 'packed' masks it"
        )


def _settle(path: Path, identity: dict[str, Any], resume: bool) -> None:
    """Note what is trained on what; a resumed run must be of the same recipe and data."""
    if resume and path.is_file() and json.loads(path.read_text()) != identity:
        raise ConfigError(f"cannot resume: {path} was written for another recipe or other data")
    path.write_text(json.dumps(identity, indent=2) + "\n")


def summary(result: Result) -> dict[str, Any]:
    """The run as plain data: figures of every model on every split, and where they come from."""
    return {
        "recipe": result.recipe.model_dump(mode="json"),
        "data": result.corpus.hashes(),
        "manifest": result.manifest.digest,
        "bundle": result.bundle.sha256,
        "parity": dict(result.parity),
        "seconds": round(result.seconds, 1),
        "machine": machine(),
        "calibration": result.bundle.calibration().model_dump(mode="json"),
        "figures": {
            split: {
                e.name: {**e.figures, "macro_f1_interval": list(e.interval())} for e in evaluations
            }
            for split, evaluations in result.evaluations.items()
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


def _tfidf(one: Recipe, data: Corpus, folder: Path, resume: bool) -> _Model:
    table = linear.fit_tfidf(data.train, one.linear, seed=one.seed)
    return _Model({TFIDF: table}, {}, TfidfBackend(json.loads(table)), {}, [])


def _network(one: Recipe, data: Corpus, folder: Path, resume: bool) -> _Model:
    pretrained = encoders.load(one.base)
    encoder, pairs = encoders.build(one, pretrained), pretrained.pair_encoder(one)
    network: PackedClassifier | linear.FrozenClassifier
    history: list[dict[str, Any]] = []
    if one.family == "frozen":
        network = linear.fit_frozen(encoder, pairs, data.train, one.linear, seed=one.seed)
    else:
        freeze(encoder, one.base.frozen_layers)
        network = PackedClassifier(encoder, one.head.hidden, one.head.dropout)
        history = loop.fit(
            network, pairs, data.train, data.dev, one.schedule,
            seed=one.seed, folder=folder / "checkpoints", resume=resume,
        )  # fmt: skip
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
        "made": {**pretrained.origin, "int8_share": parity.int8_share},
    }
    backend = OnnxBackend(int8 or fp32, pairs, threads=torch.get_num_threads())
    return _Model(files, fields, backend, parity.metrics(), history)


def _write(one: Recipe, data: Corpus, model: _Model, folder: Path) -> Bundle:
    logits, _ = model.backend.logits([r.pair for r in data.dev])
    gold = gold_indices([r.stance for r in data.dev])
    calibration = calibrate.fit(logits, gold, one.refusal)
    made = {
        **model.fields.get("made", {}),
        "recipe": one.name,
        "settings": one.digest(),
        "seed": one.seed,
        "data": data.hashes(),
        "git": git_commit(),
    }
    files = {**model.files, CALIBRATION: calibration.model_dump_json(indent=2).encode()}
    return write_bundle(folder, files, {**model.fields, "family": one.family, "made": made})


def _evaluations(one: Recipe, data: Corpus, bundle: Bundle) -> dict[str, list[Evaluation]]:
    predictor = Predictor.load(bundle, threads=torch.get_num_threads())
    return {
        split: [
            evaluate(one.family, predictor, records),
            # By their own settings, not by the recipe's: the yardstick must not move.
            *baselines(data.train, records, Linear(), seed=one.seed),
        ]
        for split, records in (("dev", data.dev), ("test", data.test))
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
