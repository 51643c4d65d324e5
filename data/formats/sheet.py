"""A sheet to fill in, as CSV for a spreadsheet or as JSONL for a script: one row per item.

The annotator fills `label`, `neutral_kind` (for neutral) and `note`; `annotator` may be filled too.
The column `stancewire` carries the item and is left alone.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stancewire.data.files import csv_rows, read_text
from stancewire.data.formats.reading import Placed, json_rows
from stancewire.data.formats.tasks import (
    CARRIED,
    SHOWN,
    Format,
    Returned,
    Task,
    bare,
    carry,
    plain,
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
    """Labels of a filled sheet; rows without a label are items that nobody has labelled yet.

    A sheet without the column `label`, or with a column of the annotator's by another spelling, is
    refused: what stands there would be lost.
    """
    returned = Returned()
    rows = list((json_rows if path.suffix == ".jsonl" else _csv_rows)(path, returned.problems))
    columns = list(dict.fromkeys(name for _, row in rows for name in row))
    if not rows or _are_ours(columns, path, returned):
        for where, row in rows:
            _read_row(where, row, annotator, returned)
    return returned


def _are_ours(columns: Sequence[str], path: Path, returned: Returned) -> bool:
    meant = {name: name.strip().casefold().replace(" ", "_") for name in columns}
    wrong = {name: ours for name, ours in meant.items() if ours in ANSWER and name != ours}
    for name, ours in wrong.items():
        returned.problem(str(path), name, f"expected {ours!r} as the name of this column")
    if "label" not in meant.values():
        message = f"there is no such column; found {', '.join(columns)}"
        returned.problem(str(path), "label", message)
    return not wrong and "label" in columns


def _read_row(where: str, row: dict[str, Any], annotator: str | None, returned: Returned) -> None:
    answer = _answer(row)
    seen = {name: row.get(name) for name in ("text", "target")}
    item = returned.take(where, row, seen if row.get(CARRIED) else {})
    if item is None:
        return
    stance, within = split_label(answer["label"])
    kind = plain(answer.get("neutral_kind"))
    if kind and within and kind != plain(within):
        returned.problem(where, "neutral_kind", f"is {kind!r}, and the label says {within!r}")
        return
    by, note = answer["annotator"] or annotator, answer["note"]
    returned.add(where, item, annotator=by, stance=stance, neutral_kind=kind or within, note=note)


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    """The annotator's cells, taken out of the row: what is left is the item."""
    answer = {name: bare(row.get(name)) for name in ANSWER}
    # A record of ours that was never exported has its own `neutral_kind`.
    if not answer["label"] and row.get("stance") and not row.get(CARRIED):
        del answer["neutral_kind"]
    for name in (*answer, *SUGGESTION):
        row.pop(name, None)
    return answer


def _row(task: Task) -> dict[str, Any]:
    guess = task.suggestion
    answer = dict.fromkeys(ANSWER)
    values = (guess.label.value, guess.confidence, guess.model) if guess else (None,) * 3
    suggestion = dict(zip(SUGGESTION, values, strict=True))
    return {**shown(task.item), **answer, **suggestion, CARRIED: carry(task.item)}


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _runs(value) else value


def _unguarded(value: Any) -> Any:
    guarded = isinstance(value, str) and value[:1] == "'" and _runs(value[1:])
    return value[1:] if guarded else value


def _runs(cell: str) -> bool:
    # Cells that start with quotes already get one more, so that one can always be taken off.
    return cell.lstrip("'").startswith(_FORMULA)


def _csv_rows(path: Path, problems: list[Problem]) -> Iterator[Placed]:
    for line, cells in csv_rows(path, read_text(path), problems):
        if cells.get(CARRIED):  # a sheet of ours: `write_csv` guarded it
            cells |= {name: _unguarded(cells.get(name)) for name in SHOWN}
        yield f"{path}:{line}", cells


CSV = Format(write_csv, read, (".csv",))
JSONL = Format(write_jsonl, read, (".jsonl",))
