"""The baselines of the promotion gate, evaluated on the frozen test split.

They are fitted afresh from the corpus, never read from the registry: what a candidate must beat
does not depend on what somebody registered.
"""

import hashlib
import json
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from transformers import set_seed

from stancewire.backends import OnnxBackend
from stancewire.bundle import Bundle
from stancewire.calibration import Calibration, FloatArray
from stancewire.data.corpus import Corpus
from stancewire.predictor import Predictor
from stancewire.training import encoders, export, linear
from stancewire.training.evaluate import BASELINES, Evaluation, evaluate, majority, tfidf
from stancewire.training.gate.config import Baseline
from stancewire.training.recipe import Linear, Recipe

CACHE = Path("runs/cache")
"""Where the frozen-encoder baseline's answers are kept: a minute of work for the same corpus."""
RECIPE = Recipe(name="press-frozen", family="frozen", seed=13, linear=Linear(c=0.003))
"""What decides that baseline, as in `experiments/press-frozen.yaml`."""
TFIDF = Linear()
"""Settings of the baselines that count words, as in `experiments/press-tfidf.yaml`."""


def yardsticks(
    names: Collection[Baseline], data: Corpus, *, cache: Path = CACHE
) -> dict[str, Evaluation]:
    """The named baselines, fitted on train and evaluated on test."""
    return {name: _yardstick(name, data, cache) for name in names}


def is_frozen_baseline(bundle: Bundle, data: Corpus) -> bool:
    """Whether the bundle is this very baseline: same recipe, encoder, training records and seed.

    Such a candidate compares with itself; on another machine the last digits of its weights, and
    with them one label, could differ from what is fitted here.
    """
    made = bundle.manifest.made
    return (
        bundle.manifest.family == "frozen"
        and made.get("settings") == RECIPE.digest()
        and made.get("sha256") == encoders.MINILM_SHA256
        and made.get("data", {}).get("train") == data.hashes()["train"]
    )


def _yardstick(name: Baseline, data: Corpus, cache: Path) -> Evaluation:
    if name == "majority":
        return majority(data.train, data.test)
    if name == "frozen":
        return _frozen(data, cache)
    parts = BASELINES.get(name, linear.PARTS)
    return evaluate(name, tfidf(data.train, TFIDF, seed=RECIPE.seed, parts=parts), data.test)


def _frozen(data: Corpus, cache: Path) -> Evaluation:
    path = cache / f"frozen-{_key(data)}.npy"
    probabilities = _read(path, rows=len(data.test))
    if probabilities is None:
        found = evaluate("frozen", _fit_frozen(data), data.test)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, found.probabilities, allow_pickle=False)
        return found
    return Evaluation("frozen", data.test, probabilities, (False,) * len(data.test))


def _fit_frozen(data: Corpus) -> Predictor:
    """The baseline at full precision, which is its best, and uncalibrated, as macro-F1 allows."""
    set_seed(RECIPE.seed)
    pretrained = encoders.load(RECIPE.base)
    encoder, pairs = encoders.build(RECIPE, pretrained), pretrained.pair_encoder(RECIPE)
    network = linear.fit_frozen(encoder, pairs, data.train, RECIPE.linear, seed=RECIPE.seed)
    graph = export.to_onnx(network, pairs)
    export.check_onnx(network, graph, pairs, [r.pair for r in data.dev[:32]], RECIPE.parity)
    return Predictor(OnnxBackend(graph, pairs, threads=torch.get_num_threads()), Calibration())


def _key(data: Corpus) -> str:
    # In the order of the records: answers are kept by row, and a content hash ignores the order.
    parts = [data.hashes(), [r.id for r in data.test], RECIPE.model_dump(mode="json")]
    parts.append(encoders.MINILM_SHA256)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _read(path: Path, *, rows: int) -> FloatArray | None:
    """Kept answers, or none if there are none or they cannot be used."""
    try:
        kept = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    usable = isinstance(kept, np.ndarray) and kept.shape == (rows, 3) and np.isfinite(kept).all()
    return kept if usable else None
