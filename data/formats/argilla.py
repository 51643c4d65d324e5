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

from stancewire.data.formats.reading import entries, json_rows, mapping
from stancewire.data.formats.tasks import CARRIED, Format, Returned, Task, carry, shown

QUESTIONS = ("stance", "neutral_kind", "note")
FIELDS = ("text", "target")


def write(path: Path, tasks: Sequence[Task]) -> list[Path]:
    """Write a list of records that `Dataset.records.from_json` reads."""
    rows = [_record(task) for task in tasks]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [path]


def read(path: Path, annotator: str | None) -> Returned:
    """Labels of either export; drafts and discarded answers, where marked, are no labels."""
    returned = Returned()
    for where, row in json_rows(path, returned.problems):
        nested = "fields" in row
        data = {**mapping(row.get("fields")), **mapping(row.get("metadata"))} if nested else row
        seen = {name: data.get(name) for name in FIELDS}
        item = returned.take(where, data, seen if CARRIED in data else {})
        if item is None:
            continue
        by_user: dict[str, dict[str, Any]] = defaultdict(dict)
        for question in QUESTIONS:
            for user, value in (_nested if nested else _flat)(row, question):
                by_user[user][question] = value
        for user, answers in by_user.items():
            if answers.get("stance") != "neutral":  # the questions of a form do not depend
                answers.pop("neutral_kind", None)
            if answers.get("stance") is not None:
                returned.add(where, item, annotator=user or annotator, **answers)
    return returned


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


def _nested(row: dict[str, Any], question: str) -> Iterator[tuple[str, Any]]:
    for answer in entries(mapping(row.get("responses")).get(question)):
        yield str(answer.get("user_id") or ""), answer.get("value")


def _flat(row: dict[str, Any], question: str) -> Iterator[tuple[str, Any]]:
    values = row.get(f"{question}.responses") or []
    users = row.get(f"{question}.responses.users") or [""] * len(values)
    states = row.get(f"{question}.responses.status") or ["submitted"] * len(values)
    for value, user, state in zip(values, users, states, strict=False):
        if state in ("submitted", None):
            yield str(user), value


ARGILLA = Format(write, read, (".json", ".jsonl"))
