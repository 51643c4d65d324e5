"""Negation benchmarks (Hossain et al., EMNLP 2020): does a model read "not"? A probe: all test.

`{MNLI,SNLI,RTE}.txt`, tables with tabs, unquoted, some lines in Windows-1252. Of RTE, which has two
labels, the entailed half is read.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, entailed_pair, pair
from stancewire.data.adapters.reading import Row, csv_rows, read_bytes, records
from stancewire.data.sources import Source
from stancewire.records import Record

_PARTS = ("MNLI", "SNLI", "RTE")


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of all parts, tagged "part:mnli", "part:snli", "part:rte"."""
    for name in _PARTS:
        lines = read_bytes(folder, f"{name}.txt").split(b"\n")
        text = "\n".join(_decoded(line) for line in lines)
        rows = csv_rows(text, delimiter="\t", quoted=False)
        yield from _records(name.lower(), rows, source)


def _records(part: str, rows: Iterator[Row], source: Source) -> Iterator[Record]:
    as_pair = entailed_pair if part == "rte" else pair

    def make(row: Row) -> Row | None:
        premise, hypothesis, label = (
            cell(row, name) for name in ("Text", "Hypothesis", "gold_label")
        )
        return as_pair(premise, hypothesis, label, "test", (f"part:{part}",))

    yield from records(source, part, rows, make)


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
