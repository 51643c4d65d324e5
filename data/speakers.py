"""Who speaks in a record: country and kind, from its tags or from a table written by hand."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from stancewire.data.corpus import PRESS
from stancewire.data.sources import Frozen
from stancewire.records import Record

TABLE = PRESS / "speakers.toml"


class SourceSpeakers(Frozen):
    """Who speaks in one source of real passages."""

    country: str
    kind: str
    """Of every speaker that `kinds` does not name."""
    kinds: Mapping[str, tuple[str, ...]] = {}
    """Kind → speakers, as the records name them."""


class Table(Frozen):
    """The hand-written table; the file says what it is for."""

    groups: Mapping[str, tuple[str, ...]]
    """Group → kinds."""
    sources: Mapping[str, SourceSpeakers]


@dataclass(frozen=True)
class Speaker:
    """What is known of a record's speaker; none where nothing is."""

    country: str | None
    kind: str | None
    group: str | None
    """Of kinds that belong together, such as "government"."""


@cache
def table() -> Table:
    """The table, read once."""
    return Table.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8")))


def of(record: Record) -> Speaker:
    """Country and kind of the speaker: the record's tags `country:` and `kind:` go first."""
    source = table().sources.get(record.source)
    country, kind = _tagged(record, "country:"), _tagged(record, "kind:")
    if source is not None:
        country = country or source.country
        named = (k for k, names in source.kinds.items() if record.speaker in names)
        kind = kind or next(named, source.kind)
    group = next((g for g, kinds in table().groups.items() if kind in kinds), None)
    return Speaker(country, kind, group)


def _tagged(record: Record, start: str) -> str | None:
    return next((tag.removeprefix(start) for tag in record.tags if tag.startswith(start)), None)
