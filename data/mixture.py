"""What a model is trained on: one corpus, more records beside it, and a manifest that says so.

The main corpus alone gives dev and test, and is the same whatever is mixed in. What is mixed in
gives training records only, less those that would spoil it (see `topics`). The manifest holds
sources, licences, filters, counts and content hashes, and nothing of the machine: whoever has the
same sources gets the same records from it, or is told which one differs.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import accumulate, compress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from stancewire.data import corpus
from stancewire.data.corpus import OWN, SPLITS, Corpus
from stancewire.data.files import content_hash
from stancewire.data.sources import TERMS, Frozen, Source, Terms, declared
from stancewire.data.topics import Kept, Pair, keep_pairs_once, keep_topics_apart, pair_of
from stancewire.errors import ConfigError, DataError, faults_of
from stancewire.records import Record
from stancewire.text import fingerprint

MANIFEST = "data.json"
"""File that holds the manifest, in a run's folder and beside a build's records."""
FORMAT = 1
"""Version of the manifest's layout."""


# A zero byte can stand in no path, and Python says so with a bare ValueError.
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$")]


class Addition(Frozen):
    """Training records mixed in from another source."""

    source: Name
    only_tag: str | None = None  # keep the records with this tag
    without_tag: str | None = None  # leave out the records with this tag
    limit: int | None = Field(default=None, ge=1)  # at most so many records, whole statements
    weight: float = Field(default=1.0, gt=0)  # how often each of its quotes is drawn per epoch
    share: float | None = Field(default=None, gt=0, lt=1)  # or: its part of each epoch

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.share is not None and self.weight != 1:
            raise ValueError("weight and share contradict each other: give one")
        return self


class Mixture(Frozen):
    """Which corpus, and what is mixed in."""

    source: Name = "press"  # "press", a declared public set ("vast"), or a path to records
    mirror: Path | None = None  # folder of public data sets; also --mirror
    only_tag: str | None = None  # of dev and test; VAST: "zero-shot"
    also: tuple[Addition, ...] = ()  # more training records
    accept: tuple[Terms, ...] = ("open",)  # licence terms that the run accepts, of every source
    seed: int = Field(default=13, ge=0)  # draws what `limit` keeps; not the model's seed
    weight: float = Field(default=1.0, gt=0)  # of the source's own records, as an addition's
    # Sizes are taken to the power of 1/temperature: above 1, small sources are drawn more often.
    temperature: float = Field(default=1.0, gt=0)
    epoch_pairs: int | None = Field(default=None, ge=1)  # at most about so many pairs per epoch

    @model_validator(mode="after")
    def _shares_leave_room(self) -> Self:
        if sum(one.share or 0 for one in self.also) >= 1:
            raise ValueError("the shares of `also` leave nothing for the main source")
        return self


_LATER = {"weight": 1.0, "share": None, "temperature": 1.0, "epoch_pairs": None}
"""Settings younger than the manifest's format: they stand in it only if they decide something."""


@dataclass(frozen=True)
class Manifest:
    """What a training set was built from; `digest` identifies it."""

    content: dict[str, Any]

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, one trailing newline."""
        return json.dumps(self.content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def stages(self) -> list[tuple[str, "Manifest"]]:
        """Name and manifest of each stage that came before, in order."""
        found = self.content.get("stages", [])
        return [(one["name"], Manifest(one["manifest"])) for one in found]

    @property
    def parts(self) -> list[dict[str, Any]]:
        """Every source that anything was trained on, those of the stages included."""
        return [
            *(part for _, stage in self.stages for part in stage.parts),
            *self.content["sources"],
        ]

    @property
    def train_sizes(self) -> list[int]:
        """Training pairs of each source, in order, as they follow one another in the corpus."""
        parts = self.content["sources"]
        sizes = [part["splits"].get("train", {}).get("pairs", 0) for part in parts]
        out = self.content.get("left_out", {}).get("of", [0] * len(sizes))
        return [size - gone for size, gone in zip(sizes, out, strict=True)]

    @property
    def restricted(self) -> list[str]:
        """Sources whose licence is not an open one, with what it is."""
        closed = (f"{p['source']} ({p['licence']})" for p in self.parts if p["terms"] != "open")
        return list(dict.fromkeys(closed))

    def with_stages(self, stages: Sequence[tuple[str, "Manifest"]]) -> "Manifest":
        """The same manifest, telling and hashing those of the stages that came before."""
        if not stages:
            return self
        told = [{"name": name, "manifest": one.content} for name, one in stages]
        return Manifest({**self.content, "stages": told})

    def mixture(self, mirror: Path | None = None) -> Mixture:
        """What it is the manifest of. Raises `DataError` if its content, of any file, is none."""
        content: object = self.content
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise DataError(f"expected a manifest of format {FORMAT}")
        config, sources = content.get("config"), content.get("sources")
        if not isinstance(config, dict) or not isinstance(sources, list):
            raise DataError("expected a manifest with an object `config` and a list `sources`")
        try:
            found = Mixture.model_validate({**config, "mirror": mirror})
        except ValidationError as error:
            faults = faults_of(error, "config")
            raise DataError("the manifest's config is not that of a mixture", faults) from error
        if len(sources) != 1 + len(found.also):
            expected = f"expected {1 + len(found.also)} sources, as in its config"
            raise DataError(f"{expected}: the manifest has {len(sources)}")
        return found


def build(
    mixture: Mixture,
    *,
    needed: Sequence[str] = SPLITS,
    apart_from: Sequence[Record] = (),
) -> tuple[Corpus, Manifest]:
    """The records to train, choose and measure on, and the manifest of them.

    `needed` splits must hold records. For a stage, `apart_from` are the records of the main corpus:
    whatever would spoil its held-out ones is not trained on, be it an addition or the source's own.
    Raises `ConfigError` if a source's licence terms are not accepted, `DataError` if one cannot be
    read.
    """
    names = [mixture.source, *(one.source for one in mixture.also)]
    _check_terms(mixture.accept, [(name, ()) for name in names])  # what names say, before reading
    main = corpus.load(
        mixture.source, mirror=mixture.mirror, only_tag=mixture.only_tag, needed=needed
    )
    main, spoilt = _apart(main, apart_from)
    additions = _additions(mixture, main, apart_from)
    used = [main.records(), *(kept for kept, _ in additions)]
    _check_terms(mixture.accept, list(zip(names, used, strict=True)))
    parts = [_part(name, records) for name, records in zip(names, used, strict=True)]
    for part, (_, removed) in zip(parts[1:], additions, strict=True):
        part["removed"] = dict(removed)
    if spoilt:
        parts[0]["removed"] = dict(spoilt)
    built = replace(main, train=(*main.train, *(r for kept, _ in additions for r in kept)))
    return built, Manifest({
        "format": FORMAT,
        "config": _config(mixture),
        "sources": parts,
        "splits": {s: _counts(getattr(built, s)) for s in SPLITS},
    })  # fmt: skip


def without(
    built: Corpus, manifest: Manifest, reason: str, targets: AbstractSet[str]
) -> tuple[Corpus, Manifest]:
    """The corpus without the training records of some targets, and the manifest that says so.

    The targets stand in it as fingerprints, so that `rebuild` can leave out the same.
    """
    found = {target for target in targets if any(r.target == target for r in built.train)}
    if not found:
        return built, manifest
    return _left_out(built, manifest, reason, {fingerprint(target) for target in found})


def rebuild(manifest: Manifest, *, mirror: Path | None = None) -> Corpus:
    """The records that `manifest` was made for; those of its stages are checked as well.

    Raises `DataError` if it is no manifest, or naming every source or split that is not what it
    was.
    """
    built, _ = rebuild_with_stages(manifest, mirror=mirror)
    return built


def rebuild_with_stages(
    manifest: Manifest, *, mirror: Path | None = None
) -> tuple[Corpus, list[Corpus]]:
    """As `rebuild`; and the records of the stages that came before, in order."""
    built = _rebuilt(manifest, manifest.mixture(mirror), SPLITS, ())
    whole = [*built.records(), *built.golden]
    stages = []
    for name, stage in _stages(manifest):
        try:
            stages.append(_rebuilt(stage, stage.mixture(mirror), ("train",), whole))
        except DataError as error:
            raise DataError(f"stage {name}: {error.summary}", error.problems) from error
    return built, stages


def _stages(manifest: Manifest) -> list[tuple[str, Manifest]]:
    try:
        return manifest.stages
    except (KeyError, TypeError) as error:
        raise DataError("expected a manifest whose `stages` have a name and a manifest") from error


def _rebuilt(
    manifest: Manifest, config: Mixture, needed: Sequence[str], apart_from: Sequence[Record]
) -> Corpus:
    built, now = build(config, needed=needed, apart_from=apart_from)
    told = manifest.content.get("left_out")
    if isinstance(told, dict) and isinstance(told.get("targets"), list):
        gone = {str(one) for one in told["targets"]}
        built, now = _left_out(built, now, str(told.get("reason")), gone)
    besides = ("stages", "teachers")
    then = Manifest({k: v for k, v in manifest.content.items() if k not in besides})
    if now.to_json() != then.to_json():
        before = manifest.content["sources"]
        differing = [part["source"] for part in now.content["sources"] if part not in before]
        raise DataError(f"the records are not what they were: {', '.join(differing) or 'splits'}")
    return built


def _left_out(
    built: Corpus, manifest: Manifest, reason: str, gone: AbstractSet[str]
) -> tuple[Corpus, Manifest]:
    stays = [fingerprint(record.target) not in gone for record in built.train]
    train = tuple(compress(built.train, stays))
    sizes = manifest.train_sizes
    ends = list(accumulate(sizes))
    told = {
        "reason": reason,
        "pairs": len(built.train) - len(train),
        "of": [stays[end - size : end].count(False) for size, end in zip(sizes, ends, strict=True)],
        "targets": sorted(gone),
    }
    splits = {**manifest.content["splits"], "train": _counts(train)}
    content = {**manifest.content, "splits": splits, "left_out": told}
    return replace(built, train=train), Manifest(content)


def _apart(main: Corpus, held: Sequence[Record]) -> tuple[Corpus, Counter[str]]:
    """A stage's corpus without the training records that would spoil the main one's."""
    if not held:
        return main, Counter()
    kept, removed = keep_topics_apart(main.train, held)
    return replace(main, train=tuple(kept)), removed


def _config(mixture: Mixture) -> dict[str, Any]:
    config = mixture.model_dump(mode="json", exclude={"mirror"})
    for part in (config, *config["also"]):
        for name, off in _LATER.items():
            if name in part and part[name] == off:
                del part[name]
    return config


def _check_terms(accept: Sequence[Terms], used: Sequence[tuple[str, Sequence[Record]]]) -> None:
    refused = [
        f"{source.name if source.name == name else f'{source.name} (in {name})'} "
        f"is {source.terms} ({source.licence})"
        for name, records in used
        for source in _sources(name, records)
        if source.terms not in accept
    ]
    if refused:
        raise ConfigError(
            f"the recipe accepts only {', '.join(accept)} licences (data.accept), "
            f"but {'; '.join(refused)}"
        )


def _sources(name: str, records: Sequence[Record]) -> list[Source]:
    """Declared sets behind a name; those of a file or folder are known by its records alone."""
    found = {record.source for record in records}
    return corpus.declarations(name) or [
        source for key, source in declared().items() if key in found
    ]


def _licence(name: str, sources: Sequence[Source]) -> str:
    if not sources:
        return "Apache-2.0" if name in OWN else "your own"  # your own files are yours to use
    if corpus.declarations(name):
        return "; ".join(source.licence for source in sources)
    return "; ".join(f"{source.name}: {source.licence}" for source in sources)


def _additions(mixture: Mixture, main: Corpus, apart_from: Sequence[Record]) -> list[Kept]:
    """What is kept of each addition, and how much was left out of it for which reason."""
    whole = [*main.records(), *main.golden]
    pairs = {pair_of(record) for record in whole}
    earlier: set[Pair] = set()
    additions: list[Kept] = []
    for one in mixture.also:
        apart, held_out = keep_topics_apart(_drawn(one, mixture), whole)
        if apart_from:
            apart, also_held = keep_topics_apart(apart, apart_from)
            held_out += also_held
        kept, repeated = keep_pairs_once(apart, pairs, earlier)
        earlier |= {pair_of(record) for record in kept}
        additions.append((kept, held_out + repeated))
    return additions


def _drawn(one: Addition, mixture: Mixture) -> list[Record]:
    records = [
        r
        for r in corpus.read(one.source, mirror=mixture.mirror)
        if r.split == "train"
        and (one.only_tag is None or one.only_tag in r.tags)
        and one.without_tag not in r.tags
    ]
    if one.limit is None:
        return records
    statements: dict[str, list[Record]] = {}
    for record in records:
        statements.setdefault(record.statement, []).append(record)
    order = sorted(statements)
    random.Random(mixture.seed).shuffle(order)
    kept: list[Record] = []
    for statement in order:
        if len(kept) + len(statements[statement]) > one.limit:
            break
        kept += statements[statement]
    return kept


def _part(name: str, records: Sequence[Record]) -> dict[str, Any]:
    sources = _sources(name, records)
    closed = [terms for terms in TERMS if terms in {s.terms for s in sources} - {"open"}]
    return {
        "source": name,
        "terms": ", ".join(closed) or "open",
        "licence": _licence(name, sources),
        "has_neutral": all(source.has_neutral for source in sources),
        "splits": {
            s: _counts([r for r in records if r.split == s])
            for s in SPLITS
            if any(r.split == s for r in records)
        },
    }


def _counts(records: Sequence[Record]) -> dict[str, Any]:
    return {
        "pairs": len(records),
        "statements": len({r.statement for r in records}),
        "sha256": content_hash(records),
    }
