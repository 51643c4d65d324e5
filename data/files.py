"""Reading and writing records as JSONL or CSV; a bad file is told all its faults at once."""

import csv
import hashlib
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stancewire.errors import ConfigError, DataError, Problem
from stancewire.records import Record

MAX_PROBLEMS = 50
"""How many faults of one file are listed; the rest is counted."""

Row = tuple[int, Any]
"""Line number (from 1) and what stood there, before it is checked."""
Checked = TypeVar("Checked", bound=BaseModel)
_SEVERAL = ("annotators", "tags")  # CSV columns with several values in one cell: a|b
_CHOICES = ("stance", "neutral_kind", "split")  # those with one of a few words


def read_records(path: Path | str) -> list[Record]:
    """Records of a `.jsonl` or `.csv` file, in order.

    Raises `DataError` listing, for every bad line, the file, line, field and what was expected;
    also if an id stands twice, and if the file is missing, not UTF-8, or holds no record.
    """
    return read_as(Record.model_validate, path, identity=lambda record: record.id)


def read_as(
    check: Callable[[Any], Checked],
    path: Path | str,
    *,
    identity: Callable[[Checked], str] | None = None,
) -> list[Checked]:
    """What `check` makes of each row of a `.jsonl` or `.csv` file, in order.

    `identity` gives the id of one, where none may stand twice. Raises `DataError` as
    `read_records` does; `check` raises pydantic's `ValidationError`.
    """
    path = Path(path)
    problems: list[Problem] = []
    found: list[Checked] = []
    seen: dict[str, int] = {}
    for line, row in _rows(path, problems):
        try:
            one = check(row)
        except ValidationError as error:
            problems += _problems(path, line, error)
            continue
        found.append(one)
        if identity is None:
            continue
        if (name := identity(one)) in seen:
            message = f"{name!r} stands already in line {seen[name]}"
            problems.append(Problem(f"{path}:{line}", "id", message))
        seen[name] = line
    if not found and not problems:
        problems.append(Problem(str(path), "file", "holds no record"))
    if problems:
        raise DataError(_summary(path, problems), problems[:MAX_PROBLEMS])
    return found


def write_records(path: Path | str, records: Iterable[BaseModel]) -> None:
    """Write records, or items without a label, as JSONL, leaving out fields that are empty."""
    with Path(path).open("w", encoding="utf-8") as out:
        for record in records:
            out.write(record.model_dump_json(exclude_defaults=True) + "\n")


def content_hash(records: Sequence[Record]) -> str:
    """sha256 over the records in the order of their ids: the identity of a data set.

    It does not depend on the order of lines or on the file format.
    """
    digest = hashlib.sha256()
    for record in sorted(records, key=lambda r: r.id):
        digest.update(record.model_dump_json().encode() + b"\n")
    return digest.hexdigest()


def check_outputs(outputs: Iterable[Path | None], inputs: Sequence[Path]) -> None:
    """Refuse to write over an input, or two outputs into one file; None is one not asked for.

    Raises `ConfigError`. To be called before anything is read or written.
    """
    given = [out for out in outputs if out is not None]
    for number, out in enumerate(given):
        if any(_is_same(out, path) for path in inputs):
            raise ConfigError(f"{out} is an input: write to another file")
        if any(_is_same(out, other) for other in given[:number]):
            raise ConfigError(f"{out} is named for two outputs: each needs a file of its own")


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, line ends as they are. Raises `DataError` if it cannot be read."""
    try:
        # Not Path.read_text: it would turn a carriage return inside a cell into a line feed.
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        found = "; this is UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        hint = 'save it as UTF-8 (in a spreadsheet: "CSV UTF-8")'
        message = f"{path}: expected UTF-8; byte {error.start} is not{found}: {hint}"
        raise DataError(message) from error


def csv_rows(path: Path, text: str, problems: list[Problem]) -> Iterator[Row]:
    """Rows of CSV as cells by column, each with its last line; what is no CSV becomes a problem.

    Cells may be parted by `;`, as spreadsheets do where `,` is the decimal mark. A cell of several
    values ("a|b") becomes a list, and words that are one of a few lose case and outer spaces.
    """
    lines = io.StringIO(text, newline="")
    reader = csv.DictReader(lines, strict=True, delimiter=_delimiter(text))
    try:
        header = list(reader.fieldnames or [])
        if len(set(header)) < len(header):
            problems.append(Problem(f"{path}:1", "line", f"a column stands twice in {header}"))
            return
        for row in reader:
            if None in row:
                message = f"has more cells than the header's {len(header)}"
                problems.append(Problem(f"{path}:{reader.line_num}", "line", message))
                continue
            cells: dict[str, Any] = dict(row)
            for name in filter(cells.get, _SEVERAL):
                cells[name] = [part for part in cells[name].split("|") if part]
            for name in filter(cells.get, _CHOICES):
                cells[name] = cells[name].strip().casefold()
            yield reader.line_num, cells
    except csv.Error as error:
        line = reader.reader.line_num  # DictReader's own still counts the row before
        problems.append(Problem(f"{path}:{line}", "line", f"expected CSV: {error}"))


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; for `object_pairs_hook`. Raises `ValueError` if a key stands twice."""
    # Python's reader keeps the last of two equal keys: a line with two stances would pass.
    row = dict(pairs)
    if len(row) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!r} stands twice")
    return row


def short(value: object) -> str:
    """What stood where something else was expected, in few characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _is_same(a: Path, b: Path) -> bool:
    # Neither need exist yet; two that do may be one file under two names.
    if os.path.realpath(a) == os.path.realpath(b):
        return True
    return a.exists() and b.exists() and a.samefile(b)


def _rows(path: Path, problems: list[Problem]) -> Iterator[Row]:
    readers = {".jsonl": _jsonl_rows, ".csv": _csv_rows}
    reader = readers.get(path.suffix)
    if reader is None:
        raise DataError(f"{path}: expected a file ending in .jsonl or .csv")
    yield from reader(path, read_text(path), problems)


def _jsonl_rows(path: Path, text: str, problems: list[Problem]) -> Iterator[Row]:
    # Only "\n" ends a line: str.splitlines would also cut at characters that JSON strings may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=unique_keys)
        except (ValueError, RecursionError) as error:  # the latter: nested too deeply
            problems.append(Problem(f"{path}:{number}", "line", f"expected a JSON object: {error}"))
            continue
        yield number, row


def _csv_rows(path: Path, text: str, problems: list[Problem]) -> Iterator[Row]:
    for line, cells in csv_rows(path, text, problems):
        yield line, {name: value for name, value in cells.items() if value not in ("", None)}


def _delimiter(text: str) -> str:
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    return ";" if header.count(";") > header.count(",") else ","


def _problems(path: Path, line: int, error: ValidationError) -> list[Problem]:
    return [
        Problem(
            where=f"{path}:{line}",
            field=".".join(map(str, detail["loc"])) or "record",
            message=f"{detail['msg']}; found {short(detail['input'])}",
        )
        for detail in error.errors()
    ]


def _summary(path: Path, problems: Sequence[Problem]) -> str:
    shown = min(len(problems), MAX_PROBLEMS)
    rest = f", the first {shown} listed" if shown < len(problems) else ""
    return f"{path} cannot be used: {len(problems)} problem(s){rest}"
