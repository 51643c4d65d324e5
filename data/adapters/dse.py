"""DSE, "Who Blames or Endorses Whom?" (Park, Pan & Joo, Findings of ACL 2021).

News sentence with two bracketed entities p and q → who speaks well or ill of whom. A record asks
for the holder's stance toward the other entity: the holder is the speaker, the other the target.

label  holder  target  stance        label  holder  target  stance
0      p       q       neutral       2      q       p       favor
1      p       q       favor         3      p       q       against
                                     4      q       p       against

Tags: "dse-0" … "dse-4", and "leaked" for a dev or test row whose sentence stands in train too, a
quarter of them. `read` leaves the leaked rows out, `read_official` keeps them, for figures to set
beside published ones. Both leave out rows whose target is a mere punctuation mark.

The brackets often cut an entity's last letters ("[Los Angele]s") or enclose a bit of a possessive
("[Kasich’]s"): what follows the bracket shows it, and is put back or taken off. Sentences with
quotation marks went through a spreadsheet, which doubled them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import (
    LEAKED,
    Row,
    read_text,
    records,
    tag_leaked,
    trimmed,
)
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_FILES: dict[Split, str] = {"train": "train.txt", "dev": "valid.txt", "test": "test.txt"}
_COLUMNS = ("sentence", "p", "q", "label")
_LABELS = {
    "0": ("p", "q", Label.NEUTRAL),
    "1": ("p", "q", Label.FAVOR),
    "2": ("q", "p", Label.FAVOR),
    "3": ("p", "q", Label.AGAINST),
    "4": ("q", "p", Label.AGAINST),
}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records but those of dev and test whose sentence stands in train."""
    yield from (r for r in read_official(folder, source) if LEAKED not in r.tags)


def read_official(folder: Path, source: Source) -> Iterator[Record]:
    """All records of the published split, train first."""
    yield from tag_leaked([r for split in _FILES for r in _split(folder, source, split)])


def _split(folder: Path, source: Source, split: Split) -> Iterator[Record]:
    lines = read_text(folder, _FILES[split]).split("\n")
    rows = (
        dict(zip(_COLUMNS, line.rstrip("\r").split("\t"), strict=True))
        for line in lines
        if line.strip()
    )
    yield from records(source, split, rows, lambda row: _fields(row, split))


def _fields(row: Row, split: Split) -> Row | None:
    sentence = _unquoted(row["sentence"])
    holder, target, stance = _LABELS[row["label"]]
    named = {name: entity(_unquoted(row[name]), sentence) for name in ("p", "q")}
    if not _has_words(named[target]):
        return None
    return {
        "text": re.sub(r"[\[\]]", "", sentence),
        "target": named[target],
        "speaker": named[holder] if _has_words(named[holder]) else None,
        "stance": stance,
        "split": split,
        "tags": (f"dse-{row['label']}",),
    }


def entity(name: str, sentence: str) -> str:
    """The entity as the sentence has it: with letters that its bracket cut, without "'s"."""
    cut = re.search(re.escape(f"[{name}]") + r"(’s\b|[a-z]+)", sentence)
    if cut and re.search(r"[\w’']$", name):
        name += cut[1]
    return trimmed(name)


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def _has_words(name: str) -> bool:
    return any(c.isalnum() for c in name)
