"""Gathering the evidence: bundles are downloaded, asked and timed; what a run left is read."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stancewire.bundle import Bundle
from stancewire.data import corpus, mixture
from stancewire.data.corpus import Corpus
from stancewire.data.files import content_hash
from stancewire.data.frozen import changed, frozen_file, judged
from stancewire.data.mixture import Manifest
from stancewire.errors import DataError, Problem
from stancewire.predictor import Predictor
from stancewire.training.behaviour import track
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.marks import Marks, read
from stancewire.training.evaluate import Evaluation, evaluate
from stancewire.training.gate import cost, parity
from stancewire.training.gate.config import Baseline, GateConfig
from stancewire.training.gate.evidence import Absent, Evidence, Provenance, measured
from stancewire.training.yardsticks import is_frozen_baseline, yardsticks

THREADS = 2
"""For the long measurements; latency is measured with one."""

Artifact = Callable[[str], str]
"""Text of a file that a run left, by name; raises if there is none."""


@dataclass(frozen=True)
class Judged:
    """What is judged on: a corpus whose `test` is the frozen split, and what is wrong with it."""

    data: Corpus
    name: str
    """Corpus and split."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Model:
    """A model at the gate: its bundle, and what the run that made it left."""

    name: str
    bundle: Bundle
    artifact: Artifact
    digest: str | None = None
    """Of the data manifest, as the registered version says."""


def judged_on(source: str) -> Judged:
    """The corpus with, as its `test`, what promotion judges on: the golden split if it has one."""
    data = corpus.load(source)
    split = judged(data)
    held = getattr(data, split)
    problems = changed(frozen_file(source), {split: held})
    return Judged(replace(data, test=held), f"{source}, {split}", tuple(problems))


def gather(
    candidate: Model, champion: Model | Absent, on: Judged, config: GateConfig, *, cache: Path
) -> Evidence:
    """Everything that the checks ask for. A measurement that fails is said in its place.

    Raises `BundleError` or `DataError` if the candidate itself cannot answer.
    """
    found = evaluation(candidate, on)
    theirs = _champion(champion, on)
    rival = None
    if not (isinstance(champion, Absent) or isinstance(theirs, Absent)):
        rival = champion
    peer = rival.bundle if rival else None
    return Evidence(
        candidate=found,
        baselines=_baselines(candidate, found, on, config, cache),
        champion=theirs,
        provenance=provenance(candidate, on),
        calibration=candidate.bundle.calibration(),
        behaviour=measured(lambda: recorded_behaviour(candidate)),
        champion_behaviour=_behaviour(rival) if rival else Absent(_why(champion, theirs)),
        parity=measured(lambda: parity.measure(candidate.bundle, found, threads=THREADS)),
        cost=measured(lambda: cost.measure(candidate.bundle, peer, on.data.test)),
        judged_on=on.name,
    )


def evaluation(model: Model, on: Judged) -> Evaluation:
    """The model's answers on the judged split, as they would be served."""
    return evaluate(model.name, Predictor.load(model.bundle, threads=THREADS), on.data.test)


def provenance(candidate: Model, on: Judged) -> Provenance:
    """What the run told of its data, next to the split that is judged on."""
    return Provenance(
        frozen=on.problems,
        judged_sha256=content_hash(on.data.test),
        manifest=measured(lambda: Manifest(_json(candidate, mixture.MANIFEST))),
        digest=candidate.digest,
        made=candidate.bundle.manifest.made,
        held_out=measured(lambda: _held_out(candidate)),
    )


def recorded_behaviour(model: Model) -> Marks:
    """Marks that the run recorded. Raises `DataError` if they are of other cases or bundles."""
    marks = read(model.artifact(track.REPORT), expand())
    if marks.name != model.bundle.sha256:
        raise DataError(f"{track.REPORT} of the run is of another bundle")
    return marks


def _behaviour(champion: Model) -> Marks | Absent:
    """The champion's marks; one whose run has none, or of an older suite, is asked again."""
    recorded = measured(lambda: recorded_behaviour(champion))
    if not isinstance(recorded, Absent):
        return recorded
    return measured(lambda: track.of_bundle(champion.bundle, threads=THREADS).marks)


def _champion(champion: Model | Absent, on: Judged) -> Evaluation | Absent:
    if isinstance(champion, Absent):
        return champion
    # A champion that cannot answer is no bar: it must not keep its successor from serving.
    found = measured(lambda: evaluation(champion, on))
    if isinstance(found, Absent):
        return Absent(f"the champion, {champion.name}, cannot be judged: {found.why}")
    return found


def _why(champion: Model | Absent, theirs: Evaluation | Absent) -> str:
    return next((one.why for one in (champion, theirs) if isinstance(one, Absent)), "")


def _baselines(
    candidate: Model, found: Evaluation, on: Judged, config: GateConfig, cache: Path
) -> dict[str, Evaluation | Absent]:
    own = {"frozen": found} if is_frozen_baseline(candidate.bundle, on.data) else {}

    def fitted(name: Baseline) -> Evaluation | Absent:
        return measured(lambda: yardsticks([name], on.data, cache=cache)[name])

    return {name: own.get(name) or fitted(name) for name in config.baselines}


def _held_out(candidate: Model) -> list[dict[str, Any]]:
    report = _json(candidate, "report.json")
    if report.get("bundle") != candidate.bundle.sha256:
        raise DataError("report.json of the run is of another bundle")
    told = report.get("held_out")
    if not isinstance(told, list):
        raise DataError("report.json of the run does not say it")
    return told


def _json(model: Model, name: str) -> dict[str, Any]:
    try:
        content = json.loads(model.artifact(name))
    except ValueError as error:
        raise DataError(f"{name} of the run is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{name} of the run is no JSON object")
    return content
