"""Planted label mistakes come first, and no statement teaches the model its own label."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stancewire.data.noise import check_ending, clues, label_noise, out_of_fold, write_suspects
from stancewire.errors import DataError
from stancewire.labels import INDEX, ORDER
from stancewire.records import Record

Make = Callable[..., Record]
VERBS = {"favor": "welcome", "against": "reject", "neutral": "mention"}
WRONG = {"r7": "favor", "r22": "neutral", "r50": "favor"}


def records(make: Make, count: int = 90) -> list[Record]:
    """Statements whose verb gives the stance; three of them labelled otherwise."""
    stances = ("favor", "against", "neutral")
    return [
        make(
            id=f"r{i}",
            text=f"We {VERBS[stances[i % 3]]} the plan{i % 10} of season{i}.",
            target=f"the plan{i % 10}",
            stance=WRONG.get(f"r{i}", stances[i % 3]),
        )
        for i in range(count)
    ]


def test_planted_mistakes_come_first_with_the_right_suggestion(make_record: Make):
    rows = records(make_record)
    found, accuracy = label_noise(rows)
    assert {one.id for one in found[:3]} == set(WRONG)
    by_id = {r.id: r for r in rows}
    for one in found[:3]:
        assert one.given == by_id[one.id].stance == WRONG[one.id]
        assert VERBS[one.suggested] in one.text
        assert one.given_probability < one.suggested_probability
    assert accuracy == pytest.approx(87 / 90)
    assert [o.given_probability for o in found] == sorted(o.given_probability for o in found)


def test_a_statement_is_never_answered_by_a_model_that_saw_it(make_record: Make):
    """Labels at random on statements of their own words: seen, they would be known by heart."""
    stances = ("favor", "against", "neutral")
    rows = [
        make_record(
            id=f"{i}-{j}", text=f"word{i} thing{i} only{i}", target=f"t{j}", stance=stances[i % 3]
        )
        for i in range(30)
        for j in range(3)
    ]
    answers = out_of_fold(rows, folds=5, seed=0)
    right = answers[np.arange(len(rows)), [INDEX[r.stance] for r in rows]]
    assert right.max() < 0.6
    assert answers.sum(axis=1) == pytest.approx(1.0)


def test_the_answers_of_another_model_are_used_as_given(make_record: Make):
    rows = records(make_record)
    truth = [ORDER[i % 3] for i in range(len(rows))]
    answers = np.array([[0.9 if label == t else 0.05 for label in ORDER] for t in truth])
    found, accuracy = label_noise(rows, answers)
    assert {one.id for one in found} == set(WRONG)
    assert all(one.suggested_probability == pytest.approx(0.9) for one in found)
    assert accuracy == pytest.approx(87 / 90)


def test_a_corpus_without_neutral_is_read_too(make_record: Make):
    rows = [r for r in records(make_record) if r.stance != "neutral" and r.id not in WRONG]
    text = "We welcome the plan0 of season99."
    changes = {"id": "wrong", "text": text, "stance": ORDER[1]}
    rows.append(rows[0].model_copy(update=changes))
    found, _ = label_noise(rows)
    assert found[0].id == "wrong"
    assert {one.suggested for one in found} <= {"favor", "against"}


def test_too_little_is_refused(make_record: Make):
    one = make_record()
    for few in ([], [one], [one, one.model_copy(update={"id": "b", "stance": ORDER[1]})]):
        with pytest.raises(DataError, match="two stances and two statements"):
            label_noise(few)


def test_a_fold_without_a_stance_is_answered_all_the_same(make_record: Make):
    rows = records(make_record, 3)[:2]
    assert out_of_fold(rows, folds=5, seed=0) == pytest.approx(np.array([[0, 1, 0], [1, 0, 0]]))


def test_two_targets_of_one_statement_differ_in_what_is_said_near_them(make_record: Make):
    text = "We welcome the treaty because nothing else in these long years helped; reject the levy"
    near = {
        target: {c.removeprefix("near ") for c in clues(make_record(text=text, target=target))
                 if c.startswith("near ")}
        for target in ("the treaty", "the levy", "the bridge")
    }  # fmt: skip
    assert "welcome" in near["the treaty"] and "reject" not in near["the treaty"]
    assert "reject" in near["the levy"] and "welcome" not in near["the levy"]
    assert near["the bridge"] == set()


def test_the_list_is_written_by_its_ending(make_record: Make, tmp_path: Path):
    found, _ = label_noise(records(make_record))
    write_suspects(tmp_path / "a.json", found)
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["rank"] for row in rows] == list(range(1, len(found) + 1))
    assert rows[0] == {"rank": 1, **found[0]._asdict()}
    write_suspects(tmp_path / "a.csv", found)
    with (tmp_path / "a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["id"] for row in table] == [one.id for one in found]
    assert table[0]["text"] == found[0].text
    with pytest.raises(DataError, match=r"\.json or \.csv"):
        check_ending(tmp_path / "a.txt")
