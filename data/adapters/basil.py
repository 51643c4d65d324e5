"""BASIL, second release (Fan et al., EMNLP 2019): news sentence → polarity toward a named target.

Annotators marked spans that slant a sentence for or against a target; the text is the sentence. No
neutral. Tags: "aim-dir", "aim-ind_pro", "aim-ind_anti", "aim-ind_general" (an indirect aim goes
through an ally or opponent), and "in-quote" where the span is quoted. The speaker of a quote is
given where it has a name; "other anti" and the like are roles.

In a few sentences spans slant both ways toward one target; both are given, as published. There is
no published split: the three articles of an event stay together, by a hash of the event.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, jsonl_rows, read_text, records, split_of
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record

FILE = "basil_spans.jsonl"
_LABELS = {"pos": Label.FAVOR, "neg": Label.AGAINST}
_QUOTED = {"yes": True, "no": False}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """One record for each marked span."""
    yield from records(source, "span", jsonl_rows(read_text(folder, FILE)), _fields)


def _fields(row: Row) -> Row:
    quoted = _QUOTED[row["quote"]]
    named = quoted and row["speaker"] and not row["speaker"].startswith("other ")
    aim = f"aim-{row['aim']}"
    return {
        "text": row["sentence"],
        "target": row["target"],
        "stance": _LABELS[row["polarity"]],
        "speaker": row["speaker"] if named else None,
        "date": row["date"],
        "split": split_of(row["triplet"]),
        "tags": (aim, "in-quote") if quoted else (aim,),
    }
