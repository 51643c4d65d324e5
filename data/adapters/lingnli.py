"""LingNLI (Parrish et al., Findings of EMNLP 2021): `lingnli.jsonl`, val read as dev.

Train labels are what the hypothesis was written for, val labels a majority of five people. A
premise comes with many hypotheses; one that is in val is not read in train.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, pair
from stancewire.data.adapters.reading import Row, jsonl_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.data.topics import text_key
from stancewire.records import Record, Split

_SPLITS: dict[str, Split] = {"train": "train", "val": "dev"}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of LingNLI, tagged by writing protocol: "protocol:1" to "protocol:3"."""
    rows = list(jsonl_rows(read_text(folder, "lingnli.jsonl")))
    held = {text_key(str(row.get("premise"))) for row in rows if row.get("split") == "val"}

    def make(row: Row) -> Row | None:
        premise, split = cell(row, "premise"), _SPLITS[cell(row, "split")]
        if split == "train" and text_key(premise) in held:
            return None
        tags = (f"protocol:{cell(row, 'protocol')}",)
        return pair(premise, cell(row, "hypothesis"), cell(row, "gold_label"), split, tags)

    yield from records(source, "pairs", rows, make)
