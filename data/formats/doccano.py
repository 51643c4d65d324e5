"""doccano, project type "text classification": JSONL out, one JSONL file per member back.

doccano shows one text, so the target stands above the quote in it. All other keys of a line are
metadata, shown beside the text and exported again. Its export names no annotator: in a project that
is not shared, each file is named after the member who labelled.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stancewire.data.files import short
from stancewire.data.formats.reading import json_rows, note, several
from stancewire.data.formats.tasks import (
    CARRIED,
    Format,
    Returned,
    Task,
    carry,
    shown,
    split_label,
)
from stancewire.data.pool import Item
from stancewire.text import normalise

SHARED = "all"
"""Name of the export of a project whose members label together: it does not say who did."""
LABELS = [
    {"text": "favor", "suffixKey": "f", "backgroundColor": "#1b7837", "textColor": "#ffffff"},
    {"text": "against", "suffixKey": "a", "backgroundColor": "#b2182b", "textColor": "#ffffff"},
    {"text": "neutral/mention", "suffixKey": "m", "backgroundColor": "#4d4d4d",
     "textColor": "#ffffff"},
    {"text": "neutral/unrelated", "suffixKey": "u", "backgroundColor": "#bababa",
     "textColor": "#000000"},
]  # fmt: skip


def write(path: Path, tasks: Sequence[Task]) -> list[Path]:
    """Write the lines to import, and beside them the project's labels as `NAME.labels.json`."""
    with path.open("w", encoding="utf-8") as out:
        for task in tasks:
            out.write(json.dumps(_line(task), ensure_ascii=False) + "\n")
    labels = path.with_suffix(".labels.json")
    labels.write_text(json.dumps(LABELS, indent=1) + "\n", encoding="utf-8")
    return [path, labels]


def read(path: Path, annotator: str | None) -> Returned:
    """Labels of one member's file; the annotator is the one given, else the file's name."""
    returned = Returned()
    by = annotator or (path.stem if path.stem != SHARED else None)
    for where, row in json_rows(path, returned.problems):
        item = returned.take(where, row, {})
        if item is None:
            continue
        if CARRIED in row and normalise(str(row.get("text"))) != normalise(_text(item)):
            returned.changed(where, "text", item)
            continue
        labels = several(row.get("label"))
        if "label" not in row:
            returned.problem(where, "label", f"there is no such key; found {', '.join(row)}")
        elif len(labels) > 1:
            returned.problem(where, "label", f"expected one, found {short(labels)}")
        else:
            stance, kind = split_label(next(iter(labels), None))
            said = note(row.get("Comments"))
            returned.add(where, item, annotator=by, stance=stance, neutral_kind=kind, note=said)
    return returned


def _line(task: Task) -> dict[str, Any]:
    guess = task.suggestion
    # Every line has the same keys: doccano reads a file as a table and would fill gaps with NaN.
    metadata = {name: value or "" for name, value in shown(task.item).items() if name != "text"}
    metadata["record"] = metadata.pop("id")  # doccano has an id of its own
    # Not in `label`: there nobody could tell what a person confirmed from what the model guessed.
    suggestion = f"{guess.label.value} ({guess.confidence:.2f}, {guess.model})" if guess else ""
    line = {"text": _text(task.item), "label": [], **metadata, "suggestion": suggestion}
    return {**line, CARRIED: carry(task.item)}


def _text(item: Item) -> str:
    return f"Target: {item.target}\n\n{item.text}"


DOCCANO = Format(write, read, (".jsonl",))
