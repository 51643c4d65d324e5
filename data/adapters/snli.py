"""SNLI's development and test pairs (Bowman et al., EMNLP 2015), as e-SNLI carries them: all train.

`snli_dev_test.jsonl`: captions with a hypothesis of each label, tokenised. The 550,000 training
pairs are in no repository that can be pinned; whoever trains on these cannot report on SNLI.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, pair
from stancewire.data.adapters.reading import Row, detokenised, jsonl_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.records import Record


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of both parts, tagged "part:dev" and "part:test"."""

    def make(row: Row) -> Row | None:
        premise, hypothesis = (detokenised(cell(row, name)) for name in ("premise", "hypothesis"))
        tags = (f"part:{cell(row, 'split')}",)
        return pair(premise, hypothesis, cell(row, "gold_label"), "train", tags)

    rows = jsonl_rows(read_text(folder, "snli_dev_test.jsonl"))
    yield from records(source, "pairs", rows, make)
