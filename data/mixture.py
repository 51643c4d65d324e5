"""What a model is trained on: one corpus, more records beside it, and a manifest that says so.

The main corpus alone gives dev and test, and is the same whatever is mixed in. What is mixed in
gives training records only, less those that would spoil it (see `topics`). The manifest holds
sources, licences, filters, counts and content hashes, and nothing of the machine: whoever has the
same sources gets the same records from it, or is told which one differs.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from stancewire.data import corpus
from stancewire.data.corpus import OWN, REAL, SPLITS, Corpus
from stancewire.data.files import content_hash
from stancewire.data.sources import TERMS, Frozen, Source, Terms, declared
from stancewire.data.topics import Kept, Pair, keep_pairs_once, keep_topics_apart, pair_of
from stancewire.errors import ConfigError, DataError, Problem
from stancewire.records import Record

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


class Mixture(Frozen):
    """Which corpus, and what is mixed in."""

    source: Name = "press"  # "press", a declared public set ("vast"), or a path to records
    mirror: Path | None = None  # folder of public data sets; also --mirror
    only_tag: str | None = None  # of dev and test; VAST: "zero-shot"
    also: tuple[Addition, ...] = ()  # more training records
    accept: tuple[Terms, ...] = ("open",)  # licence terms that the run accepts, of every source
    seed: int = Field(default=13, ge=0)  # draws what `limit` keeps; not the model's seed


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
    def restricted(self) -> list[str]:
        """Sources whose licence is not an open one, with what it is."""
        parts = self.content["sources"]
        return [f"{p['source']} ({p['licence']})" for p in parts if p["terms"] != "open"]

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
            faults = [
                Problem("config", ".".join(map(str, e["loc"])), f"{e['msg']}; found {e['input']!r}")
                for e in error.errors()
            ]
            raise DataError("the manifest's config is not that of a mixture", faults) from error
        if len(sources) != 1 + len(found.also):
            expected = f"expected {1 + len(found.also)} sources, as in its config"
            raise DataError(f"{expected}: the manifest has {len(sources)}")
        return found


def build(mixture: Mixture) -> tuple[Corpus, Manifest]:
    """The records to train, choose and measure on, and the manifest of them.

    Raises `ConfigError` if a source's licence terms are not accepted, `DataError` if one cannot be
    read.
    """
    names = [mixture.source, *(one.source for one in mixture.also)]
    _check_terms(mixture.accept, [(name, ()) for name in names])  # what names say, before reading
    main = corpus.load(mixture.source, mirror=mixture.mirror, only_tag=mixture.only_tag)
    additions = _additions(mixture, main)
    used = [main.records(), *(kept for kept, _ in additions)]
    _check_terms(mixture.accept, list(zip(names, used, strict=True)))
    parts = [_part(name, records) for name, records in zip(names, used, strict=True)]
    for part, (_, removed) in zip(parts[1:], additions, strict=True):
        part["removed"] = dict(removed)
    built = replace(main, train=(*main.train, *(r for kept, _ in additions for r in kept)))
    return built, Manifest({
        "format": FORMAT,
        "config": mixture.model_dump(mode="json", exclude={"mirror"}),
        "sources": parts,
        "splits": {s: _counts(getattr(built, s)) for s in SPLITS},
    })  # fmt: skip


def rebuild(manifest: Manifest, *, mirror: Path | None = None) -> Corpus:
    """The records that `manifest` was made for.

    Raises `DataError` if it is no manifest, or naming every source or split that is not what it
    was.
    """
    built, now = build(manifest.mixture(mirror))
    if now.to_json() != manifest.to_json():
        then = manifest.content["sources"]
        differing = [part["source"] for part in now.content["sources"] if part not in then]
        raise DataError(f"the records are not what they were: {', '.join(differing) or 'splits'}")
    return built


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


def _named(name: str) -> list[Source]:
    parts = REAL if name == "real" else (name.removesuffix("-official"),)
    return [declared()[part] for part in parts if part in declared()]


def _sources(name: str, records: Sequence[Record]) -> list[Source]:
    """Declared sets behind a name; those of a file or folder are known by its records alone."""
    found = {record.source for record in records}
    return _named(name) or [source for key, source in declared().items() if key in found]


def _licence(name: str, sources: Sequence[Source]) -> str:
    if not sources:
        return "Apache-2.0" if name in OWN else "your own"  # your own files are yours to use
    if _named(name):
        return "; ".join(source.licence for source in sources)
    return "; ".join(f"{source.name}: {source.licence}" for source in sources)


def _additions(mixture: Mixture, main: Corpus) -> list[Kept]:
    """What is kept of each addition, and how much was left out of it for which reason."""
    whole = [*main.records(), *main.golden]
    pairs = {pair_of(record) for record in whole}
    earlier: set[Pair] = set()
    additions: list[Kept] = []
    for one in mixture.also:
        apart, held_out = keep_topics_apart(_drawn(one, mixture), whole)
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
