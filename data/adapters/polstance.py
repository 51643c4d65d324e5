"""PolStance (Lehmann & Derczynski, NoDaLiDa 2019): quotes of Danish politicians, 2018.

The file names the topic "integration" only. What "for" is for was read off its quotes and parties:
in sub-topic p (national policy) the parties for strict rules are nearly always "for" and the
liberal left nearly always "against"; in c a common European solution is what is favoured. The
targets below say so in Danish; they are this project's wording. Tags: "national", "european".

Rows with falsePositive 1 are extraction errors and left out. No published split: by a hash of the
quote. Dates are month/day/year; UTF-16.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records, split_of
from stancewire.data.sources import Source
from stancewire.errors import DataError
from stancewire.labels import Label
from stancewire.records import Record

_LABELS = {"f": Label.FAVOR, "a": Label.AGAINST, "n": Label.NEUTRAL}
_TARGETS = {
    "p": ("en stram udlændinge- og integrationspolitik", "national"),
    "c": ("en fælles europæisk asyl- og migrationspolitik", "european"),
}
_EXTRACTION_ERROR = {"0": False, "1": True}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All labelled quotes, in the order of the file."""
    text = read_text(folder, "quote_db.csv", encoding="utf-16")
    # Bytes of another encoding make a text too: one with no line end, and so with no row.
    if "falsePositive" not in text:
        raise DataError(f"{folder / 'quote_db.csv'} has no column falsePositive, read as UTF-16")
    yield from records(source, "quote", csv_rows(text, delimiter=";"), _fields)


def _fields(row: Row) -> Row | None:
    if _EXTRACTION_ERROR[row["falsePositive"]]:
        return None
    target, tag = _TARGETS[row["subTopic"]]
    return {
        "text": row["quote"],
        "target": target,
        "stance": _LABELS[row["fan"]],
        "speaker": row["politician"],
        "organisation": row["party"],
        "date": datetime.strptime(row["date"], "%m/%d/%Y").date(),
        "language": "da",
        "split": split_of(row["quote"]),
        "tags": (tag,),
    }
