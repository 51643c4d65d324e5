"""A collection of small NLI sets (F. Salvatore's NLI_datasets): one `<part>_{train,dev}.csv` each.

Of sets with two labels the entailed half is read. `mnli_dev` is all of MultiNLI's development
data; here it is material to train on, 95 to 5 by premise, so that no figure of MultiNLI dev may be
reported of a model that saw it. Premises in any part's dev are not read in train.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stancewire.data.adapters.claims import cell, entailed_pair, pair
from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.data.topics import text_key
from stancewire.records import Record, Split
from stancewire.text import fingerprint


class _File(NamedTuple):
    part: str
    name: str
    split: Split | None
    """None: by premise."""


_PARTS = ("sick", "joci", "commitment_bank", "fracas", "mpe", "rte", "add_one_rte")
_SPLITS: tuple[Split, ...] = ("train", "dev")
FILES = (
    _File("mnli", "mnli_dev", None),
    *(_File(part, f"{part}_{split}", split) for part in _PARTS for split in _SPLITS),
    _File("scitail", "scitail_dev", "dev"),
)
_TWO_LABELS = frozenset({"rte", "scitail", "add_one_rte"})
_TAG = re.compile(r"</?[bu]>")
_CAPTION = re.compile(r"\s*\d+jpg\d")


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of all parts, tagged "part:mnli" and so on."""
    tables = {f: list(csv_rows(read_text(folder, f"{f.name}.csv"))) for f in FILES}
    held = {
        text_key(_clean(file, str(row.get("premise"))))
        for file, rows in tables.items()
        for row in rows
        if _split(file, str(row.get("premise"))) == "dev"
    }
    for file, rows in tables.items():
        yield from _records(file, rows, source, held)


def _records(file: _File, rows: list[Row], source: Source, held: set[str]) -> Iterator[Record]:
    as_pair = entailed_pair if file.part in _TWO_LABELS else pair

    def make(row: Row) -> Row | None:
        premise, hypothesis = (_clean(file, cell(row, c)) for c in ("premise", "hypothesis"))
        split = _split(file, cell(row, "premise"))
        if split == "train" and text_key(premise) in held:
            return None
        return as_pair(premise, hypothesis, cell(row, "label"), split, (f"part:{file.part}",))

    yield from records(source, file.name, rows, make)


def _split(file: _File, premise: str) -> Split:
    if file.split is not None:
        return file.split
    return "dev" if int(fingerprint(premise), 16) % 20 == 0 else "train"


def _clean(file: _File, text: str) -> str:
    if file.part == "add_one_rte":  # the added word is set in bold; its gap in the premise is wide
        text = " ".join(_TAG.sub("", text).split())
    if file.part == "mpe":  # four captions, each glued to the name of its picture
        text = ". ".join(part.strip() for part in _CAPTION.split(text) if part.strip())
    return html.unescape(text)
