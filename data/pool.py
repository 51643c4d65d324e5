"""The pool: (quote, target) pairs that nobody has labelled yet."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stancewire.data.files import read_as
from stancewire.labels import Label, NeutralKind
from stancewire.records import Quoted, Record, Split

_LABEL = {"stance", "neutral_kind", "annotators"}


class PoolItem(Quoted):
    """A `Record` without its label: without stance, its kind, and annotators."""

    split: Split = "train"

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
