"""FEVER (Thorne et al., NAACL 2018) and FEVER-Symmetric (Schuster et al., EMNLP 2019).

`fever_pairs.jsonl`: Wikipedia evidence that supports or refutes a claim; no neutral. A claim of
FEVER alone betrays its label ("only", "not"), in the symmetric parts it cannot: those are dev and
test, and what stands in them is not read in train, nor in dev if in test.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, pair
from stancewire.data.adapters.reading import Row, detokenised, jsonl_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.data.topics import text_key
from stancewire.records import Record, Split

_SPLITS: dict[str, Split] = {
    "ggkorn_eval": "train",
    "ggkorn_test": "train",
    "rtefever_dev": "train",
    "symmetric_dev": "dev",
    "symmetric_test": "test",
}
_LABELS = {"SUPPORTS": "entailment", "REFUTES": "contradiction"}
_LATER: dict[Split, tuple[Split, ...]] = {"train": ("dev", "test"), "dev": ("test",), "test": ()}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of all parts, tagged "part:symmetric_test" and so on."""
    rows = list(jsonl_rows(read_text(folder, "fever_pairs.jsonl")))
    held: dict[Split, set[str]] = {split: set() for split in _LATER}
    for row in rows:
        split = _SPLITS.get(str(row.get("part")), "train")
        held[split] |= {text_key(detokenised(str(row.get(name)))) for name in ("claim", "evidence")}

    def make(row: Row) -> Row | None:
        part = cell(row, "part")
        claim, evidence = detokenised(cell(row, "claim")), detokenised(cell(row, "evidence"))
        split, label = _SPLITS[part], _LABELS[cell(row, "label")]
        keys = {text_key(claim), text_key(evidence)}
        if any(keys & held[later] for later in _LATER[split]):
            return None
        return pair(evidence, claim, label, split, (f"part:{part}",))

    yield from records(source, "pairs", rows, make)
