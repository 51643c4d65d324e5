"""Rows of a CSV or JSONL file, read and written one at a time; a bad row stays a row.

Unlike `stancewire.data.files`, which refuses a file of records for one fault, this reads what a
person wants scored: whatever cannot be read is carried along with its reason.
"""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, TextIO

from stancewire.errors import DataError

SUFFIXES = (".csv", ".jsonl")


@dataclass(frozen=True)
class Row:
    """One row: the line it ends on (from 1), its fields, and why it could not be read, if so."""

    line: int
    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    lost_lines: int = 0
    """Lines that could not be told apart, if they were more than one."""


@dataclass(frozen=True)
class Survey:
    """What a first walk through a file found."""

    rows: int
    columns: tuple[str, ...]
    """Every field of every row, in order of first appearance."""


def survey(path: Path) -> Survey:
    """Count the rows of `path` and collect its columns, holding one row at a time."""
    rows = 0
    columns = dict.fromkeys(_header(path) if path.suffix.lower() == ".csv" else ())
    for row in read_rows(path):
        rows += 1
        columns.update(dict.fromkeys(row.fields))
    return Survey(rows, tuple(columns))


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of `path`, by its suffix. A row that cannot be read has `error` set.

    Raises `DataError` if the file is missing, of another kind, or a CSV file without a usable
    header.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path}: expected a file ending in {' or '.join(SUFFIXES)}")
    if not path.is_file():  # a pipe could not be walked twice
        raise DataError(f"cannot read {path}: expected a regular file")
    return _csv_rows(path) if path.suffix.lower() == ".csv" else _jsonl_rows(path)


class _Lines:
    """Decoded lines of a file; remembers whether one since the last `take` was not UTF-8.

    Only a line feed ends a line: `str.splitlines` would cut at characters that a quote may hold.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_bad = False

    def __iter__(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            for number, raw in enumerate(file):
                raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 0 else raw
                try:
                    yield raw.decode("utf-8")
                except UnicodeDecodeError:
                    self._is_bad = True
                    yield raw.decode("utf-8", "backslashreplace")

    def take(self) -> str | None:
        """Complaint about the lines read since the last call."""
        was_bad, self._is_bad = self._is_bad, False
        return "not UTF-8: undecodable bytes are shown as \\x.." if was_bad else None


def _jsonl_rows(path: Path) -> Iterator[Row]:
    lines = _Lines(path)
    for number, line in enumerate(lines, 1):
        complaint = lines.take()
        if not line.strip():
            continue
        try:
            content = json.loads(line, parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            yield Row(number, error=f"line {number}: expected a JSON object: {error}")
            continue
        if isinstance(content, dict):
            yield Row(number, content, complaint)
        else:
            yield Row(number, error=f"line {number}: expected a JSON object, found {line[:40]!r}")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if abs(value) != float("inf") else _no_number(digits)


def _csv_rows(path: Path) -> Iterator[Row]:
    lines = _Lines(path)
    reader = csv.reader(lines, strict=True)
    header = _checked_header(path, next(reader, []))
    lines.take()
    while True:
        first = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader goes on with the next line
            lines.take()
            yield _unreadable(first, reader.line_num, error)
            continue
        complaint = lines.take()
        if not cells:
            continue
        if len(cells) != len(header):
            complaint = f"expected {len(header)} cells as in the header, found {len(cells)}"
        yield Row(reader.line_num, dict(zip(header, cells, strict=False)), complaint)


def _unreadable(first: int, last: int, error: csv.Error) -> Row:
    """Stand for lines `first` to `last`: several are one row only by a quotation mark."""
    if first == last:
        return Row(last, error=f"line {last}: expected CSV: {error}")
    said = (
        f"lines {first}-{last} are lost: a quotation mark opened on line {first} is not closed, "
        f"or a later one is not: {error}"
    )
    return Row(last, error=said, lost_lines=last - first + 1)


def _header(path: Path) -> list[str]:
    read_rows(path)  # refuses what is no file
    try:
        return _checked_header(path, next(csv.reader(_Lines(path), strict=True), []))
    except csv.Error as error:
        raise DataError(f"{path}: the header is not CSV: {error}") from error


def _checked_header(path: Path, header: list[str]) -> list[str]:
    twice = sorted({name for name in header if header.count(name) > 1})
    if not header:
        raise DataError(f"{path}: expected a header line")
    if twice:
        raise DataError(f"{path}: column(s) named twice: {', '.join(map(repr, twice))}")
    return header


class RowWriter:
    """Writes rows to a stream as CSV or JSONL."""

    def __init__(self, stream: TextIO, suffix: str, columns: Sequence[str]) -> None:
        self._stream = stream
        self._columns = columns
        self._is_csv = suffix.lower() == ".csv"
        if self._is_csv:
            self._write_cells(columns)

    def write(self, fields: Mapping[str, Any]) -> None:
        """Write one row; in CSV, columns that it lacks stay empty."""
        if self._is_csv:
            self._write_cells([_cell(fields.get(name)) for name in self._columns])
        else:
            self._stream.write(json.dumps(fields, ensure_ascii=False) + "\n")

    def _write_cells(self, cells: Sequence[str]) -> None:
        # Python 3.11's csv leaves a bare carriage return unquoted, and no reader would get it back.
        is_odd = any("\r" in cell for cell in cells)
        quoting: Literal[0, 1] = csv.QUOTE_ALL if is_odd else csv.QUOTE_MINIMAL
        csv.writer(self._stream, lineterminator="\n", quoting=quoting).writerow(cells)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a stream whose content becomes `path` at the end, as a whole or not at all.

    A lone surrogate, which JSON strings may hold, is written as its escape.
    """
    path = path.resolve()  # a link keeps being one
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def chunks(rows: Iterable[Row], same: str, size: int) -> Iterator[list[Row]]:
    """Consecutive rows, `size` at most; from half of it on, a new value of field `same` may cut.

    So neighbouring rows with one quote usually stay together and share a pass.
    """
    chunk: list[Row] = []
    for row in rows:
        is_new = chunk and row.fields.get(same) != chunk[-1].fields.get(same)
        if len(chunk) >= size or (is_new and len(chunk) * 2 >= size):
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk
