"""The pool: (quote, target) pairs that nobody has labelled yet."""

from collections.abc import Iterable
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from stancewire.data.files import read_as
from stancewire.labels import Label, NeutralKind
from stancewire.pairs import StancePair
from stancewire.records import Record, Split, Target, Text
from stancewire.text import fingerprint

# Record keeps its checks to itself; they are taken from its fields.
_ID = Record.model_fields["id"].metadata[0]
_DAY = Record.model_fields["date"].metadata[0]
_LANGUAGE = Record.model_fields["language"].metadata[0]
_LABEL = {"stance", "neutral_kind", "annotators"}


class PoolItem(BaseModel):
    """A `Record` without its label: the same fields and limits, but stance, kind and annotators."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, _ID]
    text: Text
    target: Target
    speaker: str | None = None
    role: str | None = None
    organisation: str | None = None
    date: Annotated[Date | None, _DAY] = None
    language: Annotated[str, _LANGUAGE] = "en"
    source: Annotated[str, StringConstraints(min_length=1)]
    licence: Annotated[str, StringConstraints(min_length=1)]
    split: Split = "train"
    tags: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        """Id of the statement: equal for all items of the same words."""
        return fingerprint(self.text)

    @property
    def pair(self) -> StancePair:
        """What a model may see of this item."""
        return StancePair(text=self.text, target=self.target, speaker=self.speaker, id=self.id)

    @classmethod
    def of(cls, item: "Item") -> "PoolItem":
        """The item without its label, if it has one."""
        if isinstance(item, PoolItem):
            return item
        return cls.model_validate(item.model_dump(exclude=_LABEL))

    def labelled(
        self, stance: Label, neutral_kind: NeutralKind | None, annotators: Iterable[str]
    ) -> Record:
        """The record that this item becomes by a label. Raises if there is no annotator."""
        label = {"stance": stance, "neutral_kind": neutral_kind, "annotators": tuple(annotators)}
        return Record.model_validate(self.model_dump() | label)


Item = Record | PoolItem


def check_item(row: Any) -> Item:
    """A record if the row has a stance, else an item of the pool; raises `ValidationError`."""
    has_label = isinstance(row, dict) and row.get("stance") is not None
    return (Record if has_label else PoolItem).model_validate(row)


def read_items(path: Path | str) -> list[Item]:
    """Labelled and unlabelled rows of a `.jsonl` or `.csv` file, in order.

    Raises `DataError` as `files.read_records` does.
    """
    return read_as(check_item, path, identity=lambda item: item.id)
