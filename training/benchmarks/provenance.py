"""What a bundle was trained and chosen on, so that no figure comes from a test that it has seen.

A bundle's run leaves the manifest of its data beside it; the records are built anew from that (see
`data.mixture`), those of stages, of teachers and of the run whose weights it began with included.
(What a teacher's own weights began with no manifest tells.) A pair counts as seen if the same words
and the same target were in any training or dev split. What a set's own train and dev share with its
test was published so: it is counted, and is no reason to refuse.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from stancewire.bundle import Bundle
from stancewire.data import mixture
from stancewire.data.corpus import Corpus
from stancewire.data.mixture import Manifest
from stancewire.data.topics import pair_of, topic_key
from stancewire.errors import ConfigError, DataError
from stancewire.records import Record
from stancewire.training import weights

_LENGTH = 16
"""Hex digits of a kept hash: a pair is taken for another by chance once in 10^19."""
_KEPT = ("sources", "pairs", "topics")


@dataclass(frozen=True)
class Seen:
    """All that a model was trained or chosen on."""

    sources: frozenset[str]
    """Sources of the training records, as the records name them."""
    pairs: frozenset[str]
    """Hashes of the (text, target) pairs of training and dev records."""
    topics: frozenset[str]
    """Hashes of the topics of training records."""
    exact: bool = True
    """False: some source has other records today, and today's were taken."""

    def __or__(self, other: "Seen") -> "Seen":
        return Seen(
            self.sources | other.sources,
            self.pairs | other.pairs,
            self.topics | other.topics,
            self.exact and other.exact,
        )


@dataclass(frozen=True)
class Standing:
    """How a model stands to one benchmark."""

    in_domain: bool
    """It was trained on the set's train split."""
    tested: int
    """Test pairs that it was trained or chosen on, beyond those of the set's own train and dev."""
    leaked: int
    """Test pairs that the set's own train or dev, trained or chosen on, repeats."""
    exact: bool = True
    """As in `Seen`."""

    @property
    def word(self) -> str:
        """As tables say it."""
        word = "in-domain" if self.in_domain else "zero-shot transfer"
        return word if self.exact else f"{word}, its records changed since"


@dataclass(frozen=True)
class Sources:
    """Where records are read, and what was found is kept."""

    mirror: Path | None
    cache: Path
    may_have_changed: bool = False
    """Take today's records where a source has others than at the training."""


def seen_by(bundle: Bundle, where: Sources) -> Seen:
    """What the bundle in a run's folder was trained and chosen on; built anew once, and kept.

    Raises `DataError` if the run does not tell, if what it tells is not of this bundle, or if its
    records are not what they were and that is not allowed.
    """
    return _of_run(bundle.folder.parent, bundle, where)


class Benchmark:
    """A set's records as hashes, to be held against what models have seen."""

    def __init__(self, known: Sequence[Record], test: Sequence[Record]) -> None:
        """`known` are the train and dev records of the set, `test` what is measured on."""
        self._own = {_pair(record) for record in known}
        self._sources = {record.source for record in known if record.split == "train"}
        self._test = [_pair(record) for record in test]

    def standing(self, seen: Seen) -> Standing:
        """How a model that has seen this stands to the set."""
        met = [pair for pair in self._test if pair in seen.pairs]
        return Standing(
            in_domain=bool(self._sources & seen.sources),
            tested=sum(pair not in self._own for pair in met),
            leaked=sum(pair in self._own for pair in met),
            exact=seen.exact,
        )


def topics_seen(seen: Seen, records: Sequence[Record]) -> float:
    """Share of the topics of some test records, at least one, that are a training record's."""
    topics = {_topic(target) for target in {record.target for record in records}}
    return len(topics & seen.topics) / len(topics)


def _of_run(run: Path, bundle: Bundle | None, where: Sources) -> Seen:
    manifest = Manifest(_json(run / mixture.MANIFEST))
    if bundle is None:  # only its weights are used
        begun_with = _json(run / "training.json").get("init")
    else:
        _check_of(bundle, manifest, run)
        begun_with = bundle.manifest.made.get("init")
    found = _of_manifest(manifest, where)
    if begun_with is None:
        return found
    return found | _of_weights(run, str(begun_with), where)


def _of_manifest(manifest: Manifest, where: Sources) -> Seen:
    """What a model of this data has seen, itself or through the models that taught it."""
    found = _kept(manifest, where)
    for teacher in manifest.content.get("teachers", []):
        if teacher.get("manifest") is None:
            raise DataError(f"what its teacher {teacher.get('name')} was trained on is not known")
        found |= _of_manifest(Manifest(teacher["manifest"]), where)
    return found


def _check_of(bundle: Bundle, manifest: Manifest, run: Path) -> None:
    """Whether the manifest is this bundle's: the bundle says so, or for older ones the report."""
    told = bundle.manifest.made.get("manifest")
    if told is None:
        report = _json(run / "report.json")
        told = report.get("manifest") if report.get("bundle") == bundle.sha256 else None
    if told != manifest.digest:
        raise DataError(f"{run / mixture.MANIFEST} is not what {bundle.folder} was trained on")


def _of_weights(run: Path, sha256: str, where: Sources) -> Seen:
    """What the run was trained on whose weights `run` began with, by the path in its recipe."""
    recipe = run / "recipe.yaml"
    try:
        named = yaml.safe_load(recipe.read_text(encoding="utf-8")).get("init")
        path = weights.find(str(named))
    except (OSError, yaml.YAMLError, AttributeError, ConfigError) as error:
        raise DataError(f"what {run} began with cannot be found: {error}") from error
    if weights.sha256(path) != sha256:
        raise DataError(f"{path} is not what {run} began with")
    # A stage's weights lie two folders down; its run's manifest tells more than it saw, never less.
    is_stage = path.parent.parent.name == "stages"
    return _of_run(path.parents[2] if is_stage else path.parent, None, where)


def _kept(manifest: Manifest, where: Sources) -> Seen:
    path = where.cache / f"seen-{manifest.digest[:_LENGTH]}.json"
    if path.is_file():
        kept = _json(path)
        sources, pairs, topics = (frozenset(kept[name]) for name in _KEPT)
        return Seen(sources, pairs, topics)
    try:
        found = _hashed(*mixture.rebuild_with_stages(manifest, mirror=where.mirror))
    except DataError:
        if not where.may_have_changed:
            raise
        return replace(_hashed(*_today(manifest, where.mirror)), exact=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(json.dumps({name: sorted(getattr(found, name)) for name in _KEPT}))
    os.replace(partial, path)
    return found


def _today(manifest: Manifest, mirror: Path | None) -> tuple[Corpus, list[Corpus]]:
    """What the manifest's config gives now, whatever it gave then."""
    main, _ = mixture.build(manifest.mixture(mirror))
    whole = [*main.records(), *main.golden]
    stages = [
        mixture.build(stage.mixture(mirror), needed=("train",), apart_from=whole)[0]
        for _, stage in manifest.stages
    ]
    return main, stages


def _hashed(main: Corpus, stages: Sequence[Corpus]) -> Seen:
    trained = [record for part in (main, *stages) for record in part.train]
    chosen = [record for part in (main, *stages) for record in part.dev]
    return Seen(
        sources=frozenset(record.source for record in trained),
        pairs=frozenset(_pair(record) for record in (*trained, *chosen)),
        topics=frozenset(_topic(target) for target in {record.target for record in trained}),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}, which says what was trained on: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} is not a JSON object")
    return found


def _pair(record: Record) -> str:
    return _hash("\n".join(pair_of(record)))


def _topic(target: str) -> str:
    return _hash(topic_key(target))


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:_LENGTH]
