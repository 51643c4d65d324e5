"""The release bundle: a finished run as plain files that may be given away, small and hash-listed.

int8 alone, quantised and calibrated anew from the run's network, measured as it will be served.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stancewire.backends import OnnxBackend
from stancewire.bundle import CALIBRATION, MODEL, TOKENIZER, Bundle, write_bundle
from stancewire.data import mixture
from stancewire.data.corpus import Corpus
from stancewire.data.mixture import Manifest
from stancewire.errors import BundleError, ConfigError, DataError
from stancewire.pairs import PairEncoder
from stancewire.sums import write_sums
from stancewire.training import calibrate, export, pipeline, weights
from stancewire.training.artifacts import CARD
from stancewire.training.card import card
from stancewire.training.licences import NOTICE, notice, refuse_closed
from stancewire.training.metrics import gold_indices
from stancewire.training.model import PackedClassifier
from stancewire.training.recipe import Recipe, load

MAX_BYTES = 30_000_000
"""Of all files together: they are kept in a repository, and every change of them stays there."""
_CHANGED = """
## Records that changed

The records of the table under "Data", and the figures, are those of the day of the release; the
manifest named there is that of the training, whose records were others.
"""


@dataclass(frozen=True)
class _Run:
    """What a finished run left behind."""

    folder: Path
    recipe: Recipe
    manifest: Manifest
    bundle: Bundle
    report: dict[str, Any]


def build(
    run: Path, out: Path, *, mirror: Path | None = None, unchecked: bool = False
) -> pipeline.Result:
    """Make the release of the run in the folder `run`, in the folder `out`; gives its figures.

    Data are read again, from `mirror` (else the recipe's), and must be those of the run, unless
    `unchecked`: then today's are used and the card says that they changed. Raises `ConfigError` for
    a run that is not finished or not packed, or was trained on a source whose terms do not let the
    weights be given away, `ExportError` if int8 does not answer as the network does, `BundleError`
    if the files are more than `MAX_BYTES`. Then `out` stays as it is.
    """
    found = _read(run)
    for manifest in (found.manifest, *_inherited(found.recipe)):
        refuse_closed(manifest)
    data, changed = _data(found, mirror or found.recipe.data.mirror, unchecked)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".release-") as work:
        fresh = Path(work) / "release"
        bundle, parity = _quantised(found, data, fresh)
        result = pipeline.Result(
            recipe=found.recipe,
            corpus=data,
            manifest=found.manifest,
            bundle=bundle,
            evaluations=pipeline.evaluate_splits(found.recipe, data, bundle),
            parity={**found.report["parity"], **parity},  # fp32 is as the run checked it
            history=[],
            seconds=float(found.report["seconds"]),
            folder=run,
            behaviour=pipeline.behaviour_of(found.recipe, bundle),
            # Reports of a time before these were written have none of them.
            stages=tuple(found.report.get("stages", ())),
            held_out=tuple(found.report.get("held_out", ())),
            cpu_seconds=float(found.report.get("cost", {}).get("cpu_seconds", 0.0)),
        )
        (fresh / CARD).write_text(card(result) + (_CHANGED if changed else ""), encoding="utf-8")
        (fresh / NOTICE).write_text(notice(found.manifest, bundle), encoding="utf-8")
        write_sums(fresh)
        size = sum(path.stat().st_size for path in fresh.iterdir())
        if size > MAX_BYTES:
            raise BundleError(f"the release would have {size} bytes; allowed are {MAX_BYTES}")
        if out.exists():
            os.rename(out, Path(work) / "before")
        os.rename(fresh, out)
    return result


def _read(run: Path) -> _Run:
    try:
        report = json.loads((run / "report.json").read_bytes())
        manifest = Manifest(json.loads((run / mixture.MANIFEST).read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{run} is no finished run: {error}") from error
    recipe, bundle = load(run / "recipe.yaml"), Bundle.open(run / "bundle")
    if recipe.family != "packed" or bundle.manifest.encoding is None:
        raise ConfigError(
            f"{run} is a run of family {recipe.family!r}; only packed ones are released"
        )
    same = (report.get("manifest"), report.get("bundle")) == (manifest.digest, bundle.sha256)
    if not same:
        raise ConfigError(f"{run}: report, data.json and bundle are not of one run")
    return _Run(run, recipe, manifest, bundle, report)


def _data(run: _Run, mirror: Path | None, unchecked: bool) -> tuple[Corpus, bool]:
    """The run's records, and whether they are other ones than it was trained on."""
    try:
        return mixture.rebuild(run.manifest, mirror=mirror), False
    except DataError:
        if not unchecked:
            raise
    return mixture.build(run.manifest.mixture(mirror))[0], True


def _inherited(recipe: Recipe) -> list[Manifest]:
    """Manifests of the runs whose weights the run began with, and of those that they did."""
    found = []
    seen: set[Path] = set()
    while recipe.init is not None:
        folder = weights.find(recipe.init).parent
        if folder in seen:
            break
        seen.add(folder)
        try:
            found.append(Manifest(json.loads((folder / mixture.MANIFEST).read_bytes())))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"init: what {folder} was trained on is not known: {error}"
            ) from error
        recipe = load(folder / "recipe.yaml")
    return found


def _quantised(run: _Run, data: Corpus, folder: Path) -> tuple[Bundle, dict[str, float]]:
    encoding = run.bundle.manifest.encoding
    assert encoding is not None
    tokenizer = run.bundle.bytes(TOKENIZER)
    pairs = PairEncoder.from_bytes(tokenizer, encoding)
    gold = gold_indices([r.stance for r in data.dev])
    train, dev = ([r.pair for r in records] for records in (data.train, data.dev))
    int8 = export.to_int8(
        run.bundle.bytes(MODEL["fp32"]),
        pairs,
        train[: export.SAMPLE],
        dev,
        gold,
        run.recipe.parity,
        keep_last=PackedClassifier.head_products,
    )
    backend = OnnxBackend(int8.graph, pairs, threads=torch.get_num_threads())
    domains = [r.source for r in data.dev]
    fitted = calibrate.fit(backend.logits(dev)[0], gold, run.recipe.refusal, domains=domains)
    files = {
        MODEL["int8"]: int8.graph,
        TOKENIZER: tokenizer,
        CALIBRATION: fitted.model_dump_json(indent=2).encode(),
    }
    made = {**run.bundle.manifest.made, "int8_share": int8.reach, "from": run.bundle.sha256}
    fields = {"family": "packed", "encoding": encoding, "precision": "int8", "made": made}
    report = {"flips": int8.flips, "f1_drop": int8.f1_drop, "int8_share": int8.reach}
    parity = {f"parity_{name}": value for name, value in report.items()}
    return write_bundle(folder, files, fields), parity
