"""Argilla 2: records as JSON out; back as such JSON, or as the rows of a `datasets` export.

Format: docs.argilla.io, "Importing and exporting datasets and records". `to_json` nests the answers
(`responses: {question: [{value, user_id}]}`); `to_datasets` lays them flat
(`question.responses`, `.users`, `.status`), and only it tells a draft from a submitted answer.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stancewire.data.files import short
from stancewire.data.formats.reading import entries, json_rows, mapping, several
from stancewire.data.formats.tasks import (
    CARRIED,
    Format,
    Returned,
    Task,
    carry,
    shown,
    without_leftover,
)

QUESTIONS = ("stance", "neutral_kind", "note")
FIELDS = ("text", "target")
Answer = tuple[str, str, Any]
"""Question, user ("" if the file names none) and value."""
_COLUMN = ".responses"


def write(path: Path, tasks: Sequence[Task]) -> list[Path]:
    """Write a list of records that `Dataset.records.from_json` reads."""
    rows = [_record(task) for task in tasks]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [path]


def read(path: Path, annotator: str | None) -> Returned:
    """Labels of either export; drafts and discarded answers, where marked, are no labels."""
    returned = Returned()
    rows = list(json_rows(path, returned.problems))
    for where, row in rows:
        _read_row(where, row, annotator, returned)
    if rows and not any("fields" in row or f"stance{_COLUMN}" in row for _, row in rows):
        message = "no row has it: nobody answered, or no question is named stance"
        returned.problem(str(path), f"stance{_COLUMN}", message)
    return returned


def _read_row(where: str, row: dict[str, Any], annotator: str | None, returned: Returned) -> None:
    nested = "fields" in row
    data = {**mapping(row.get("fields")), **mapping(row.get("metadata"))} if nested else row
    seen = {name: data.get(name) for name in FIELDS}
    item = returned.take(where, data, seen if CARRIED in data else {})
    if item is None:
        return
    by_user: dict[str, dict[str, Any]] = defaultdict(dict)
    for question, user, value in (_nested if nested else _flat)(where, row, returned):
        if question not in QUESTIONS:
            message = f"expected a question named {', '.join(QUESTIONS)}"
            returned.problem(where, question, message)
        elif question in by_user[user]:
            returned.problem(where, question, f"is answered twice by user {user!r}")
        else:
            by_user[user][question] = value
    for user, answers in by_user.items():
        label = {"stance": None, **without_leftover(answers)}
        returned.add(where, item, annotator=user or annotator, **label)


def _record(task: Task) -> dict[str, Any]:
    open_fields = shown(task.item)
    metadata = {k: v for k, v in open_fields.items() if k not in FIELDS and v is not None}
    guess = task.suggestion
    suggestion = guess and {"value": guess.label.value, "score": guess.confidence,
                            "agent": guess.model}  # fmt: skip
    return {
        "id": task.item.id,
        "fields": {name: open_fields[name] for name in FIELDS},
        "metadata": {**metadata, CARRIED: carry(task.item)},
        "suggestions": {"stance": suggestion} if suggestion else {},
        "responses": {},
        "vectors": {},
    }


def _nested(where: str, row: dict[str, Any], returned: Returned) -> Iterator[Answer]:
    responses = row.get("responses")
    if not isinstance(responses, dict):
        message = f"expected an object, from question to answers; found {short(responses)}"
        returned.problem(where, "responses", message)
        return
    for question, answers in responses.items():
        for answer in entries(answers, where, question, returned.problems):
            yield question, str(answer.get("user_id") or ""), answer.get("value")


def _flat(where: str, row: dict[str, Any], returned: Returned) -> Iterator[Answer]:
    for column in [name for name in row if name.endswith(_COLUMN)]:
        values = several(row[column])
        users = several(row.get(f"{column}.users")) or [""] * len(values)
        states = several(row.get(f"{column}.status")) or ["submitted"] * len(values)
        if not len(values) == len(users) == len(states):
            message = f"{len(values)} answer(s), {len(users)} user(s), {len(states)} status(es)"
            returned.problem(where, column, message)
            continue
        for value, user, state in zip(values, users, states, strict=True):
            if state in ("submitted", None):
                yield column.removesuffix(_COLUMN), str(user or ""), value


ARGILLA = Format(write, read, (".json", ".jsonl"))
