"""A sheet to fill in, as CSV for a spreadsheet or as JSONL for a script: one row per item.

The annotator fills `label`, `neutral_kind` (for neutral) and `note`; `annotator` may be filled too.
The column `stancewire` carries the item and is left alone.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stancewire.data.formats.reading import Placed, json_rows, read_text
from stancewire.data.formats.tasks import (
    CARRIED,
    SHOWN,
    Format,
    Returned,
    Task,
    carry,
    shown,
    split_label,
)
from stancewire.errors import Problem

ANSWER = ("label", "neutral_kind", "note", "annotator")
SUGGESTION = ("suggestion", "suggestion_confidence", "suggestion_model")
COLUMNS = (*SHOWN, *ANSWER, *SUGGESTION, CARRIED)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(path: Path, tasks: Sequence[Task]) -> list[Path]:
    """Write one row per task; a cell that a spreadsheet would run as a formula gets a quote."""
    with path.open("w", encoding="utf-8-sig", newline="") as out:  # Excel needs the mark
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for task in tasks:
            writer.writerow({name: _inert(value) for name, value in _row(task).items()})
    return [path]


def write_jsonl(path: Path, tasks: Sequence[Task]) -> list[Path]:
    """Write one JSON object per task, with null where an answer goes."""
    with path.open("w", encoding="utf-8") as out:
        for task in tasks:
            out.write(json.dumps(_row(task), ensure_ascii=False) + "\n")
    return [path]


def read(path: Path, annotator: str | None) -> Returned:
    """Labels of a filled sheet; rows without a label are items that nobody has labelled yet."""
    returned = Returned()
    rows = json_rows if path.suffix == ".jsonl" else _csv_rows
    for where, row in rows(path, returned.problems):
        answer = {name: row.get(name) or None for name in ANSWER}
        for name in (*ANSWER, *SUGGESTION):
            # A record of ours that was never exported has its own `neutral_kind`.
            if name != "neutral_kind" or answer["label"]:
                row.pop(name, None)
        seen = {name: row.get(name) for name in ("text", "target")}
        item = returned.take(where, row, seen if row.get(CARRIED) else {})
        if item is None or answer["label"] is None:
            continue
        stance, kind = split_label(answer["label"])
        returned.add(
            where,
            item,
            stance=stance,
            neutral_kind=answer["neutral_kind"] or kind,
            note=answer["note"],
            annotator=answer["annotator"] or annotator,
        )
    return returned


def _row(task: Task) -> dict[str, Any]:
    guess = task.suggestion
    answer = dict.fromkeys(ANSWER)
    values = (guess.label.value, guess.confidence, guess.model) if guess else (None,) * 3
    suggestion = dict(zip(SUGGESTION, values, strict=True))
    return {**shown(task.item), **answer, **suggestion, CARRIED: carry(task.item)}


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _runs(value) else value


def _bare(value: Any) -> Any:
    guarded = isinstance(value, str) and value[:1] == "'" and _runs(value[1:])
    return value[1:] if guarded else value


def _runs(cell: str) -> bool:
    # Cells that start with quotes already get one more, so that one can always be taken off.
    return cell.lstrip("'").startswith(_FORMULA)


def _csv_rows(path: Path, problems: list[Problem]) -> Iterator[Placed]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row:
                problems.append(Problem(where, "line", "has more cells than the header"))
                continue
            cells: dict[str, Any] = dict(row)
            if cells.get(CARRIED):  # a sheet of ours: `write_csv` guarded it
                cells |= {name: _bare(cells.get(name)) for name in SHOWN}
            for name in ("annotators", "tags"):  # several values in one cell, as in data.files
                if cells.get(name):
                    cells[name] = [part for part in cells[name].split("|") if part]
            yield where, cells
    except csv.Error as error:
        where = f"{path}:{reader.reader.line_num}"
        problems.append(Problem(where, "line", f"expected CSV: {error}"))


CSV = Format(write_csv, read, (".csv",))
JSONL = Format(write_jsonl, read, (".jsonl",))
