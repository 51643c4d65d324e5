import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from stancewire.bundle import Bundle
from stancewire.data.formats import FORMATS, doccano, label_studio
from stancewire.data.formats.tasks import CARRIED, Annotation, Suggestion, Task, prelabel
from stancewire.data.pool import Item, PoolItem, check_item
from stancewire.errors import DataError
from stancewire.labels import Label
from stancewire.predictor import Predictor

WORDS = st.text(st.characters(exclude_categories=["Cs"])).map(lambda t: f"{t}w")
LABELS = [("favor", None), ("against", None), ("neutral", None), ("neutral", "mention")]


@st.composite
def items(draw: DrawFn) -> list[Item]:
    """Records and pool items that fill every field with anything it may hold."""
    ids = draw(st.lists(st.from_regex(r"[a-z0-9][a-z0-9._:/-]{0,9}", fullmatch=True),
                        min_size=1, max_size=4, unique=True))  # fmt: skip
    optional = {
        "speaker": st.none() | st.just("") | WORDS,
        "role": st.none() | WORDS,
        "organisation": st.none() | WORDS,
        "date": st.none() | st.dates().map(str),
        "tags": st.lists(WORDS, max_size=2),
    }
    labels = [{"stance": s, "neutral_kind": k, "annotators": ["writer-01"]} for s, k in LABELS]
    return [
        check_item(
            {
                "id": one,
                "text": draw(WORDS | WORDS.map(lambda t: f"={t}") | WORDS.map(lambda t: f"'-{t}")),
                "target": draw(WORDS),
                "source": draw(WORDS),
                "licence": "Apache-2.0",
                "split": draw(st.sampled_from(["train", "dev", "test"])),
                **{name: draw(values) for name, values in optional.items()},
                **draw(st.sampled_from([{}, *labels])),
            }
        )
        for one in ids
    ]


def pooled(**changes: Any) -> PoolItem:
    fields = {"id": "q1", "text": "We welcome the treaty.", "target": "the treaty",
              "source": "desk", "licence": "own"}  # fmt: skip
    return PoolItem.model_validate(fields | changes)


def written(tmp_path: Path, name: str, tasks: list[Task]) -> Path:
    return FORMATS[name].write(tmp_path / f"tasks{FORMATS[name].suffixes[0]}", tasks)[0]


def answer(name: str, path: Path, label: str, kind: str | None, by: str, note: str) -> Path:
    """What the tool exports after `by` has given one label to every task of the file."""
    filled = path.with_name(f"{by}{path.suffix}")
    if name == "csv":
        text = path.read_bytes().decode("utf-8-sig")
        import csv
        import io

        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        with filled.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            more = {"label": label, "neutral_kind": kind, "annotator": by, "note": note}
            writer.writerows([row | more for row in rows])
        return filled
    lines = path.read_text("utf-8")
    rows = json.loads(lines) if path.suffix == ".json" else [
        json.loads(line) for line in lines.split("\n") if line
    ]  # fmt: skip
    rows = [ANSWERS[name](row, label, kind, by, note) for row in rows]
    if path.suffix == ".json":
        filled.write_text(json.dumps(rows))
    else:
        filled.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return filled


def label_studio_row(row: Any, label: str, kind: str | None, by: str, note: str) -> Any:
    result = [
        {
            "from_name": "stance",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": [label]},
        },
        {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [note]}},
    ]
    if kind:
        value = {"choices": [kind]}
        result.append({"from_name": "neutral_kind", "to_name": "text", "type": "choices",
                       "value": value})  # fmt: skip
    skipped = {"was_cancelled": True, "completed_by": 9, "result": result}
    person = {"id": 3, "email": by}
    return row | {"id": 7, "annotations": [skipped, {"result": result, "completed_by": person}]}


def argilla_row(row: Any, label: str, kind: str | None, by: str, note: str) -> Any:
    given = {"stance": label, "neutral_kind": kind, "note": note}
    return row | {"responses": {q: [{"value": v, "user_id": by}] for q, v in given.items() if v}}


def doccano_row(row: Any, label: str, kind: str | None, by: str, note: str) -> Any:
    return {"id": 12, **row, "label": [f"{label}/{kind}" if kind else label], "Comments": [note]}


ANSWERS = {
    "jsonl": lambda row, label, kind, by, note: (
        row | {"label": label, "neutral_kind": kind, "annotator": by, "note": note}
    ),
    "label-studio": label_studio_row,
    "argilla": argilla_row,
    "doccano": doccano_row,
}


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_a_round_trip_through_any_format_loses_nothing(
    name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    sent = data.draw(items())
    path = written(tmp_path_factory.mktemp("trip"), name, [Task(item) for item in sent])
    returned = FORMATS[name].read(path, "someone")
    assert (returned.items, returned.annotations, returned.problems) == (sent, [], [])


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_labels_come_back_with_who_gave_them_and_their_note(
    name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    sent = data.draw(items())
    label, kind = data.draw(st.sampled_from(LABELS))
    path = written(tmp_path_factory.mktemp("trip"), name, [Task(item) for item in sent])
    returned = FORMATS[name].read(answer(name, path, label, kind, "maria", "as said"), None)
    assert returned.problems == []
    assert returned.items == sent
    assert returned.annotations == [
        Annotation(id=item.id, annotator="maria", stance=label, neutral_kind=kind, note="as said")
        for item in sent
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_a_suggestion_is_never_read_back_as_a_label(name: str, tmp_path: Path) -> None:
    guessed = Task(pooled(), Suggestion(Label.AGAINST, 0.75, "bundle-1"))
    path = written(tmp_path, name, [guessed])
    assert "against" in path.read_text("utf-8")
    assert "bundle-1" in path.read_text("utf-8")
    assert FORMATS[name].read(path, "maria").annotations == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_label_that_is_none_is_named_with_its_place(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, [Task(pooled())])
    returned = FORMATS[name].read(answer(name, path, "for", None, "maria", ""), None)
    assert returned.annotations == []
    (problem,) = returned.problems
    assert problem.field == "stance"
    assert str(tmp_path / f"maria{path.suffix}") in problem.where
    assert "'for'" in problem.message


@pytest.mark.parametrize("name", FORMATS)
def test_words_changed_in_the_tool_are_refused(name: str, tmp_path: Path) -> None:
    path = answer(name, written(tmp_path, name, [Task(pooled())]), "favor", None, "maria", "")
    text = path.read_text("utf-8")
    assert text.count("welcome") == 2  # shown once and carried once
    path.write_text(text.replace("welcome", "reject", 1), "utf-8")
    returned = FORMATS[name].read(path, None)
    assert returned.annotations == []
    assert ["was changed" in problem.message for problem in returned.problems] == [True]


def test_the_label_studio_config_offers_every_label_and_shows_the_target(tmp_path: Path) -> None:
    _, config = label_studio.write(tmp_path / "tasks.json", [Task(pooled())])
    view = ElementTree.parse(config)
    offered = {
        group.get("name"): [choice.get("value") for choice in group.iter("Choice")]
        for group in view.iter("Choices")
    }
    assert offered == {
        "stance": ["favor", "against", "neutral"],
        "neutral_kind": ["mention", "unrelated"],
    }
    assert [text.get("value") for text in view.iter("Text")] == ["$target", "$text"]


def test_a_neutral_kind_left_over_from_a_changed_mind_is_dropped(tmp_path: Path) -> None:
    for name in ("label-studio", "argilla"):
        path = written(tmp_path, name, [Task(pooled())])
        filled = answer(name, path, "favor", "mention", "maria", "")
        (annotation,) = FORMATS[name].read(filled, None).annotations
        assert (annotation.stance, annotation.neutral_kind) == (Label.FAVOR, None)


def test_argilla_dataset_rows_count_submitted_answers_alone(tmp_path: Path) -> None:
    (record,) = json.loads(written(tmp_path, "argilla", [Task(pooled())]).read_text("utf-8"))
    row = {
        **record["fields"],
        **record["metadata"],
        "stance.responses": ["favor", "against"],
        "stance.responses.users": ["u1", "u2"],
        "stance.responses.status": ["submitted", "draft"],
        "note.responses": None,
        "stance.suggestion": "neutral",
    }
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    returned = FORMATS["argilla"].read(path, None)
    assert [(a.annotator, a.stance) for a in returned.annotations] == [("u1", Label.FAVOR)]


def test_a_shared_doccano_export_needs_to_be_told_who_labelled(tmp_path: Path) -> None:
    path = written(tmp_path, "doccano", [Task(pooled())])
    shared = answer("doccano", path, "favor", None, doccano.SHARED, "")
    (problem,) = FORMATS["doccano"].read(shared, None).problems
    assert problem.field == "annotator"
    (annotation,) = FORMATS["doccano"].read(shared, "desk").annotations
    assert annotation.annotator == "desk"


def test_two_labels_on_one_doccano_line_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "doccano", [Task(pooled())])
    row = json.loads(path.read_text("utf-8")) | {"label": ["favor", "against"]}
    path.write_text(json.dumps(row))
    (problem,) = FORMATS["doccano"].read(path, "maria").problems
    assert problem.field == "label"


def test_a_sheet_of_ones_own_needs_no_export_first(tmp_path: Path) -> None:
    sheet = tmp_path / "own.csv"
    sheet.write_text(
        "id,text,target,source,licence,tags,label,annotator\n"
        "q1,We welcome it.,the treaty,desk,own,hard|long,favor,maria\n"
        "q2,We said no.,the treaty,desk,own,,,\n"
    )
    returned = FORMATS["csv"].read(sheet, None)
    assert returned.problems == []
    assert [item.tags for item in returned.items] == [("hard", "long"), ()]
    assert [(a.id, a.stance) for a in returned.annotations] == [("q1", Label.FAVOR)]


def test_a_cell_that_a_spreadsheet_would_run_is_guarded(tmp_path: Path) -> None:
    path = written(tmp_path, "csv", [Task(pooled(text='=HYPERLINK("x")', speaker="@ana"))])
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["text"], row["speaker"]) == ('\'=HYPERLINK("x")', "'@ana")
    assert row[CARRIED].startswith("{")


@pytest.mark.parametrize(
    ("name", "content"),
    [("label-studio", '{"data": {}}'), ("argilla", "[1"), ("doccano", "{"), ("csv", b"\xff")],
)
def test_a_file_of_another_kind_is_refused(name: str, content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / f"x{FORMATS[name].suffixes[0]}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=str(path)):
        FORMATS[name].read(path, "maria")


def test_prelabels_are_the_predictors_answers(tfidf_bundle: Bundle) -> None:
    predictor = Predictor.load(tfidf_bundle)
    item = pooled()
    (task,) = prelabel([item], predictor, "b")
    (stance,) = predictor.predict([item.pair])
    assert task == Task(item, Suggestion(stance.label, stance.confidence, "b"))
    assert stance.label is Label.FAVOR
