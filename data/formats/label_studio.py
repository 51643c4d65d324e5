"""Label Studio: a JSON list of tasks with predictions out, the project's JSON export back.

Format: labelstud.io/guide/task_format and /guide/predictions.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stancewire.data.files import short
from stancewire.data.formats.reading import entries, json_rows, mapping, note, several
from stancewire.data.formats.tasks import (
    CARRIED,
    Format,
    Returned,
    Task,
    carry,
    shown,
    without_leftover,
)

CONTROLS = ("stance", "neutral_kind", "note")
CONFIG = """\
<View>
  <Header value="Target"/>
  <Text name="target" value="$target"/>
  <Header value="What stance do these words express toward the target?"/>
  <Text name="text" value="$text"/>
  <Choices name="stance" toName="text" choice="single" required="true" showInline="true">
    <Choice value="favor" hotkey="f"/>
    <Choice value="against" hotkey="a"/>
    <Choice value="neutral" hotkey="n"/>
  </Choices>
  <View visibleWhen="choice-selected" whenTagName="stance" whenChoiceValue="neutral">
    <Header value="Neutral how?"/>
    <Choices name="neutral_kind" toName="text" choice="single" showInline="true">
      <Choice value="mention" hotkey="m"/>
      <Choice value="unrelated" hotkey="u"/>
    </Choices>
  </View>
  <TextArea name="note" toName="text" rows="2" maxSubmissions="1" placeholder="Note"/>
</View>
"""
"""The project's labelling interface. The speaker is not shown: who said it does not count."""


def write(path: Path, tasks: Sequence[Task]) -> list[Path]:
    """Write the tasks to import, and beside them the labelling interface as `NAME.config.xml`."""
    rows = [_task(task) for task in tasks]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    config = path.with_suffix(".config.xml")
    config.write_text(CONFIG, encoding="utf-8")
    return [path, config]


def read(path: Path, annotator: str | None) -> Returned:
    """Labels of an export in the format "JSON"; skipped tasks and drafts are no labels.

    The annotator is `completed_by`: an e-mail address where the export has one, else the number of
    the account.
    """
    returned = Returned()
    for where, row in json_rows(path, returned.problems):
        data = dict(mapping(row.get("data")))
        seen = {name: data.get(name) for name in ("text", "target")}
        item = returned.take(where, data, seen if CARRIED in data else {})
        if item is None:
            continue
        for annotation in entries(row.get("annotations"), where, "annotations", returned.problems):
            if annotation.get("was_cancelled"):
                continue
            answers = _answers(where, annotation, returned)
            by = _person(annotation.get("completed_by")) or annotator
            returned.add(where, item, annotator=by, **{"stance": None, **answers})
    return returned


def _task(task: Task) -> dict[str, Any]:
    row: dict[str, Any] = {"data": {**shown(task.item), CARRIED: carry(task.item)}}
    if guess := task.suggestion:
        choice = {"choices": [guess.label.value]}
        result = {"from_name": "stance", "to_name": "text", "type": "choices", "value": choice}
        row["predictions"] = [
            {"model_version": guess.model, "score": guess.confidence, "result": [result]}
        ]
    return row


def _answers(where: str, annotation: dict[str, Any], returned: Returned) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for result in entries(annotation.get("result"), where, "result", returned.problems):
        name, value = result.get("from_name"), mapping(result.get("value"))
        if name not in CONTROLS:
            message = f"expected a control named {', '.join(CONTROLS)}; found {short(name)}"
            returned.problem(where, "from_name", message)
        elif name in answers:
            returned.problem(where, name, "is answered twice in one annotation")
        elif name == "note":
            answers[name] = note(value.get("text"))
        else:
            chosen = several(value.get("choices"))
            answers[name] = chosen if len(chosen) > 1 else next(iter(chosen), None)
    return without_leftover(answers)


def _person(completed_by: Any) -> str | None:
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return None if completed_by is None else str(completed_by)


LABEL_STUDIO = Format(write, read, (".json",))
