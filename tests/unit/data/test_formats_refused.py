"""No label gets lost, and none is made up, when a tool's file is not what we expect."""

import json
from pathlib import Path
from typing import Any

import pytest

from stancewire.data.formats import FORMATS
from stancewire.data.formats.tasks import Returned, Task
from stancewire.data.pool import PoolItem
from stancewire.errors import DataError

ITEM = PoolItem(
    id="q1", text="We welcome the treaty.", target="the treaty", source="desk", licence="own"
)
TOOLS = ("jsonl", "label-studio", "argilla", "doccano")


def exported(name: str, folder: Path) -> Any:
    """The one row of the file that goes to the tool."""
    path = FORMATS[name].write(folder / f"out{FORMATS[name].suffixes[0]}", [Task(ITEM)])[0]
    content = json.loads(path.read_text("utf-8"))
    return content[0] if isinstance(content, list) else content


def read(name: str, folder: Path, row: Any, annotator: str | None = "ana") -> Returned:
    """What the tool's file of this one row is read as."""
    suffix = ".jsonl" if "stance.responses" in row else FORMATS[name].suffixes[0]
    path = folder / f"back{suffix}"
    path.write_text(json.dumps([row] if suffix == ".json" else row))
    return FORMATS[name].read(path, annotator)


def label_studio(folder: Path, *results: tuple[str, dict[str, Any]]) -> Any:
    result = [{"from_name": name, "value": value} for name, value in results]
    return exported("label-studio", folder) | {"annotations": [{"result": result}]}


def argilla_flat(folder: Path, **columns: Any) -> Any:
    """A row of a dataset: `stance`, `stance_users` and so on are its columns."""
    record = exported("argilla", folder)
    named = {
        ".".join([name.split("__")[0], "responses", *name.split("__")[1:]]): value
        for name, value in columns.items()
    }
    return {**record["fields"], **record["metadata"], **named}


def argilla_nested(folder: Path, responses: Any) -> Any:
    return exported("argilla", folder) | {"responses": responses}


def fields(returned: Returned) -> list[str]:
    assert returned.annotations == []
    return [problem.field for problem in returned.problems]


FAVOR = ("stance", {"choices": ["favor"]})


def test_a_sheet_without_the_column_of_labels_is_refused(tmp_path: Path) -> None:
    row = exported("jsonl", tmp_path) | {"note": "I agree"}
    del row["label"]
    assert fields(read("jsonl", tmp_path, row)) == ["label"]
    (problem,) = read("jsonl", tmp_path, row | {"LABEL ": "favor"}).problems
    assert (problem.field, problem.message[:16]) == ("LABEL ", "expected 'label'")
    kind = exported("jsonl", tmp_path) | {"label": "neutral", "Neutral Kind": "mention"}
    assert fields(read("jsonl", tmp_path, kind)) == ["Neutral Kind"]


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,text,target,source,licence,label,label\nq1,We go,it,s,l,favor,against\n")
    (problem,) = FORMATS["csv"].read(path, "ana").problems
    assert "twice" in problem.message


@pytest.mark.parametrize("given", [{"note": "I agree"}, {"neutral_kind": "mention"}])
def test_a_kind_or_a_note_without_a_label_is_told(given: dict[str, str], tmp_path: Path) -> None:
    (name, value), *_ = given.items()
    sheet = exported("jsonl", tmp_path) | given
    assert fields(read("jsonl", tmp_path, sheet)) == [name]
    key = "text" if name == "note" else "choices"
    assert fields(read("label-studio", tmp_path, label_studio(tmp_path, (name, {key: [value]}))))
    answers = {name: [{"value": value, "user_id": "u1"}]}
    assert fields(read("argilla", tmp_path, argilla_nested(tmp_path, answers))) == [name]
    lines = exported("doccano", tmp_path) | {"Comments": ["I agree"]}
    assert fields(read("doccano", tmp_path, lines)) == ["note"]


def test_answers_under_a_name_that_is_not_ours_are_told(tmp_path: Path) -> None:
    row = label_studio(tmp_path, ("sentiment", {"choices": ["favor"]}))
    assert fields(read("label-studio", tmp_path, row)) == ["from_name"]
    nested = argilla_nested(tmp_path, {"label": [{"value": "favor", "user_id": "u"}]})
    assert fields(read("argilla", tmp_path, nested)) == ["label"]
    listed = argilla_nested(tmp_path, [{"values": {"stance": {"value": "favor"}}}])
    assert fields(read("argilla", tmp_path, listed)) == ["responses"]
    flat = argilla_flat(tmp_path, stance=None, label=["favor"])
    assert fields(read("argilla", tmp_path, flat)) == ["label"]
    line = exported("doccano", tmp_path) | {"labels": ["favor"]}
    del line["label"]
    assert fields(read("doccano", tmp_path, line)) == ["label"]


def test_an_argilla_dataset_without_the_question_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(argilla_flat(tmp_path)))
    assert fields(FORMATS["argilla"].read(path, None)) == ["stance.responses"]


def test_two_answers_to_one_question_are_not_resolved(tmp_path: Path) -> None:
    row = label_studio(tmp_path, FAVOR, ("stance", {"choices": ["against"]}))
    returned = read("label-studio", tmp_path, row)
    assert [p.field for p in returned.problems] == ["stance"]
    by_one = [{"value": v, "user_id": "u1"} for v in ("favor", "against")]
    returned = read("argilla", tmp_path, argilla_nested(tmp_path, {"stance": by_one}))
    assert ["u1" in p.message for p in returned.problems] == [True]
    flat = argilla_flat(tmp_path, stance=["favor", "against"], stance__users=["u1", "u1"])
    assert [p.field for p in read("argilla", tmp_path, flat).problems] == ["stance"]
    sheet = exported("jsonl", tmp_path) | {"label": "neutral/mention", "neutral_kind": "unrelated"}
    assert fields(read("jsonl", tmp_path, sheet)) == ["neutral_kind"]


def test_argilla_answers_and_users_that_do_not_match_are_told(tmp_path: Path) -> None:
    flat = argilla_flat(tmp_path, stance=["favor", "against"], stance__users=["u1"])
    assert fields(read("argilla", tmp_path, flat)) == ["stance.responses"]


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    line = json.dumps(exported("doccano", tmp_path))
    path = tmp_path / "ana.jsonl"
    path.write_text(line[:-1] + ', "label": ["against"]}')
    with pytest.raises(DataError, match=f"{path}:1: .*'label' stands twice"):
        FORMATS["doccano"].read(path, "ana")
    row = exported("doccano", tmp_path)
    row["stancewire"] = row["stancewire"][:-1] + ',"source":"another"}'
    assert fields(read("doccano", tmp_path, row)) == ["stancewire"]


@pytest.mark.parametrize("odd", [5, True, "x", {"a": 1}, ["x"], [[5]]])
def test_values_of_another_kind_are_told(odd: Any, tmp_path: Path) -> None:
    in_label_studio = [
        label_studio(tmp_path, ("stance", {"choices": odd})),
        exported("label-studio", tmp_path) | {"annotations": odd},
        exported("label-studio", tmp_path) | {"annotations": [{"result": odd}]},
    ]
    for row in in_label_studio:
        assert read("label-studio", tmp_path, row).problems
    for row in (argilla_flat(tmp_path, stance=odd), argilla_nested(tmp_path, {"stance": odd})):
        assert read("argilla", tmp_path, row).problems
    assert read("doccano", tmp_path, exported("doccano", tmp_path) | {"label": odd}).problems
    assert read("jsonl", tmp_path, exported("jsonl", tmp_path) | {"label": odd}).problems


@pytest.mark.parametrize("odd", [5, {"a": 1}, [5], "\ud800"])
def test_a_note_that_is_no_text_is_told(odd: Any, tmp_path: Path) -> None:
    row = label_studio(tmp_path, FAVOR, ("note", {"text": odd}))
    assert fields(read("label-studio", tmp_path, row)) == ["note"]
    line = exported("doccano", tmp_path) | {"label": ["favor"], "Comments": odd}
    assert fields(read("doccano", tmp_path, line)) == ["note"]


def test_a_note_of_one_string_is_not_torn_apart(tmp_path: Path) -> None:
    row = label_studio(tmp_path, FAVOR, ("note", {"text": "hello"}))
    line = exported("doccano", tmp_path) | {"label": ["favor"], "Comments": "hello"}
    for name, one in (("label-studio", row), ("doccano", line)):
        returned = read(name, tmp_path, one)
        assert [a.note for a in returned.annotations] == ["hello"], returned.problems


@pytest.mark.parametrize("name", TOOLS)
def test_case_and_spaces_of_a_label_do_not_count(name: str, tmp_path: Path) -> None:
    rows = {
        "jsonl": exported("jsonl", tmp_path) | {"label": " Neutral ", "neutral_kind": "Mention"},
        "label-studio": label_studio(
            tmp_path, ("stance", {"choices": ["Neutral"]}), ("neutral_kind", {"choices": "Mention"})
        ),
        "argilla": argilla_flat(tmp_path, stance=["NEUTRAL"], neutral_kind=["mention "]),
        "doccano": exported("doccano", tmp_path) | {"label": ["Neutral / Mention"]},
    }
    returned = read(name, tmp_path, rows[name])
    (annotation,) = returned.annotations
    assert (annotation.stance, annotation.neutral_kind) == ("neutral", "mention")
    assert (annotation.annotator, returned.problems) == ("ana", [])


def test_a_sheet_saved_with_semicolons_is_read(tmp_path: Path) -> None:
    import csv

    (path,) = FORMATS["csv"].write(tmp_path / "a.csv", [Task(ITEM), Task(ITEM)])
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row | {"label": "Favor"} for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    returned = FORMATS["csv"].read(path, " ana ")
    assert (returned.items, returned.problems) == ([ITEM, ITEM], [])
    assert [(a.annotator, a.stance) for a in returned.annotations] == [("ana", "favor")] * 2


def test_a_sheet_in_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\nq1,caf\xe9\n".encode("utf-16"))
    with pytest.raises(DataError, match="UTF-16: save it as UTF-8"):
        FORMATS["csv"].read(path, "ana")
