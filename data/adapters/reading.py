"""What all adapters need: a file by name, gzipped or not, and errors that name the row."""

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stancewire.data.sources import Source
from stancewire.data.topics import text_key
from stancewire.errors import DataError
from stancewire.records import Record, Split
from stancewire.text import fingerprint

Row = dict[str, Any]
Reader = Callable[[Path, Source], Iterator[Record]]
"""An adapter: the data set's folder and declaration → its records."""

LEAKED = "leaked"
"""Tag of a dev or test record whose words stand in train too."""

_BRACKETS = {
    "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}",
}  # fmt: skip
_SPACING = (
    (re.compile(r"``\s*((?:(?!``|'').)*?)\s*(?:''|``)"), r'"\1"'),
    (re.compile(r"``\s*|\s*''"), '"'),  # one that has no other
    (re.compile(r"`\s*"), "'"),
    (re.compile(r" (?='(?:s|S|re|ve|ll|d|m)\b|'(?:\s|$)|n't\b|[,.;:!?%)\]}])"), ""),
    (re.compile(r"(?<=[(\[{]) "), ""),
    (re.compile(r" -- "), " – "),
)


def read_bytes(folder: Path, name: str) -> bytes:
    """Content of `folder/name`, or of `folder/name.gz` uncompressed.

    Raises `DataError` if neither can be read.
    """
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        return plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    except (OSError, EOFError) as error:
        raise DataError(f"{folder} does not hold {name} as expected: {error}") from error


def read_text(folder: Path, name: str, *, encoding: str = "utf-8") -> str:
    """Text of a file; bytes that do not fit the encoding become U+FFFD."""
    return read_bytes(folder, name).decode(encoding, errors="replace").removeprefix("\ufeff")


def read_json(folder: Path, name: str) -> Any:
    """What a JSON file holds. Raises `DataError` if it is none."""
    try:
        return json.loads(read_text(folder, name))
    except ValueError as error:
        raise DataError(f"{folder / name} is not JSON: {error}") from error


def read_member(folder: Path, name: str, member: str) -> str:
    """Text of one member of a zip file. Raises `DataError` if it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(folder, name))) as archive:
            return archive.read(member).decode("utf-8", errors="replace")
    except (KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder / name} does not hold {member}: {error}") from error


def csv_rows(text: str, *, delimiter: str = ",", quoted: bool = True) -> Iterator[Row]:
    """Rows of a table with a header; `quoted=False` takes quotation marks as they stand."""
    lines = io.StringIO(text, newline="")
    if quoted:
        yield from csv.DictReader(lines, delimiter=delimiter)
    else:
        yield from csv.DictReader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def jsonl_rows(text: str) -> Iterator[Row]:
    """Objects of a JSON Lines file. Raises `DataError` at a line that is none."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"line {number} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"line {number}: expected a JSON object")
        yield row


def records(
    source: Source, part: str, rows: Iterable[Row], make: Callable[[Row], Row | None]
) -> Iterator[Record]:
    """Records of one part ("train", "test-rw", …): `make` turns a row into a record's fields.

    `make` gives at least text, target, stance and split, or None for a row that is left out; id,
    source, licence and annotators are filled in. Ids count all rows, kept or not, from 0.
    Raises `DataError` naming the row that cannot be used.
    """
    remaining = iter(rows)
    for number in count():
        with _naming(source, part, number):
            row = next(remaining, None)
            fields = make(_whole(row)) if row is not None else None
            record = _record(source, f"{part}-{number:05d}", fields) if fields else None
        if row is None:
            return
        if record is not None:
            yield record


@contextmanager
def _naming(source: Source, part: str, number: int) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{source.name} {part}: {error}") from error
    except (csv.Error, LookupError, ValueError, TypeError, AttributeError) as error:
        where = f"{source.name} {part}, row {number}, cannot be used"
        raise DataError(f"{where}: {_told(error)}") from error


def _told(error: Exception) -> str:
    if isinstance(error, ValidationError):  # its own text repeats the row's words at length
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return f"{error} is unknown or missing" if isinstance(error, KeyError) else str(error)


def _whole(row: Row) -> Row:
    if None in row:  # where csv.DictReader puts cells beyond the header
        raise ValueError("it has more cells than the header")
    return row


def _record(source: Source, name: str, fields: Row) -> Record:
    given = {"source": source.name, "licence": source.licence, "annotators": (source.name,)}
    return Record.model_validate({"id": f"{source.name}-{name}", **given, **fields})


def split_of(key: str, *, dev: int = 10, test: int = 10) -> Split:
    """Split for a set that has none: `dev` and `test` per cent of all keys, the same on every run.

    Case, punctuation and typography of the key do not count, so that two prints of one headline
    fall on the same side.
    """
    place = int(fingerprint(text_key(key)), 16) % 100
    if place < test:
        return "test"
    return "dev" if place < test + dev else "train"


def tag_leaked(found: Sequence[Record]) -> Iterator[Record]:
    """The records; those of dev and test whose words stand in train are tagged "leaked".

    Case, punctuation and typography do not count.
    """
    train = {text_key(record.text) for record in found if record.split == "train"}
    for record in found:
        if record.split != "train" and text_key(record.text) in train:
            record = record.model_copy(update={"tags": (*record.tags, LEAKED)})
        yield record


def trimmed(mention: str) -> str:
    """An entity's mention without the quotation marks, dashes and spaces that cling to it.

    A possessive ending goes too. Brackets and full stops stay: "U.S.", "Paul Ryan (R-Wis.)".
    """
    bare = mention.strip(" \t\"'“”‘’„—–-|•\\:,;")
    return re.sub(r"['’]+s$", "", bare)


def detokenised(text: str) -> str:
    """Running text of a tokenised one (Penn Treebank): brackets, quotation marks, spaces."""
    text = " ".join(text.split())
    for token, bracket in _BRACKETS.items():
        text = text.replace(token, bracket)
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    return text
