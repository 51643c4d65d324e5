"""What a model is trained on: one corpus, more records beside it, and a manifest that says so.

The main corpus alone gives dev and test; what is mixed in gives training records only. The manifest
holds sources, licences, filters, counts and content hashes, and nothing of the machine: whoever has
the same sources gets the same records from it, or is told which one differs.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from stancewire.data import corpus
from stancewire.data.corpus import OWN, SPLITS, Corpus
from stancewire.data.files import content_hash
from stancewire.data.sources import Frozen, Source, Terms, declared
from stancewire.data.topics import keep_topics_apart
from stancewire.errors import ConfigError, DataError
from stancewire.records import Record

MANIFEST = "data.json"
"""File that holds the manifest, in a run's folder and beside a build's records."""
FORMAT = 1
"""Version of the manifest's layout."""


class Addition(Frozen):
    """Training records mixed in from another source."""

    source: str
    only_tag: str | None = None  # keep the records with this tag
    without_tag: str | None = None  # leave out the records with this tag
    limit: int | None = Field(default=None, ge=1)  # at most so many records, whole statements


class Mixture(Frozen):
    """Which corpus, and what is mixed in."""

    source: str = "press"  # "press", a declared public set ("vast"), or a path to records
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


def build(mixture: Mixture) -> tuple[Corpus, Manifest]:
    """The records to train, choose and measure on, and the manifest of them.

    Raises `ConfigError` if a source's licence terms are not accepted, `DataError` if one cannot be
    read.
    """
    _check_terms(mixture)
    main = corpus.load(mixture.source, mirror=mixture.mirror, only_tag=mixture.only_tag)
    additions = [_addition(one, mixture) for one in mixture.also]
    parts: dict[str, Sequence[Record]] = {"": main.records()}
    parts |= {str(n): records for n, records in enumerate(additions)}
    apart, removed = keep_topics_apart(parts) if additions else (parts, [])
    # What the main corpus is does not depend on what is mixed in.
    extra = [[r for r in apart[str(n)] if r.split == "train"] for n in range(len(additions))]
    built = Corpus(
        name=mixture.source,
        train=(*main.train, *(r for part in extra for r in part)),
        dev=main.dev,
        test=main.test,
        golden=main.golden,
    )
    sources = [_part(mixture.source, main.records())]
    for n, (one, kept) in enumerate(zip(mixture.also, extra, strict=True)):
        left_out = {r.reason: r.count for r in removed if r.source == str(n)}
        sources.append({**_part(one.source, kept), "removed": left_out})
    config = mixture.model_dump(mode="json", exclude={"mirror"})
    return built, Manifest({
        "format": FORMAT,
        "config": config,
        "sources": sources,
        "splits": {s: _counts(getattr(built, s)) for s in SPLITS},
    })  # fmt: skip


def rebuild(manifest: Manifest, *, mirror: Path | None = None) -> Corpus:
    """The records that `manifest` was made for.

    Raises `DataError` naming every source or split that is not what it was.
    """
    if manifest.content.get("format") != FORMAT:
        raise DataError(f"expected a manifest of format {FORMAT}")
    config = Mixture.model_validate({**manifest.content["config"], "mirror": mirror})
    built, now = build(config)
    if now.digest != manifest.digest:
        differing = [
            str(then["source"])
            for then, found in zip(manifest.content["sources"], now.content["sources"], strict=True)
            if then != found
        ]
        raise DataError(f"the records are not what they were: {', '.join(differing) or 'splits'}")
    return built


def _check_terms(mixture: Mixture) -> None:
    names = [mixture.source, *(one.source for one in mixture.also)]
    refused = [
        f"{name} is {terms} ({licence})"
        for name in names
        for terms, licence in [_licence(name)]
        if terms not in mixture.accept
    ]
    if refused:
        raise ConfigError(
            f"the recipe accepts only {', '.join(mixture.accept)} licences (data.accept), "
            f"but {'; '.join(refused)}"
        )


def _source(name: str) -> Source | None:
    return declared().get(name.removesuffix("-official"))


def _licence(name: str) -> tuple[Terms, str]:
    """Terms and licence; your own files are yours to use."""
    source = _source(name)
    if source is not None:
        return source.terms, source.licence
    return "open", "Apache-2.0" if name in OWN else "your own"


def _addition(one: Addition, mixture: Mixture) -> list[Record]:
    records = [
        r
        for r in corpus.read(one.source, mirror=mixture.mirror)
        if (one.only_tag is None or one.only_tag in r.tags) and one.without_tag not in r.tags
    ]
    if one.limit is None:
        return records
    statements: dict[str, list[Record]] = {}
    for record in records:
        if record.split == "train":
            statements.setdefault(record.statement, []).append(record)
    order = sorted(statements)
    random.Random(mixture.seed).shuffle(order)
    kept: list[Record] = []
    for statement in order:
        if len(kept) + len(statements[statement]) > one.limit:
            break
        kept += statements[statement]
    return [*kept, *(r for r in records if r.split != "train")]


def _part(name: str, records: Sequence[Record]) -> dict[str, Any]:
    terms, licence = _licence(name)
    source = _source(name)
    return {
        "source": name,
        "terms": terms,
        "licence": licence,
        "has_neutral": source is None or source.has_neutral,
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
