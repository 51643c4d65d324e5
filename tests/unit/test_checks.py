"""What only the press corpus promises, and that golden is apart from every split."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stancewire.data import checks, quality
from stancewire.data.files import content_hash, write_records
from stancewire.data.frozen import FROZEN
from stancewire.data.quality import validate
from stancewire.errors import Problem
from stancewire.records import Record

Make = Callable[..., Record]
STANCES = ("favor", "against", "neutral")
THEMES = {
    "train": ("harbour crane wharf", "orchard apple frost", "museum canvas gallery"),
    "dev": ("railway signal depot", "customs parcel border", "river sluice barge"),
    "test": ("violin concert stage", "bakery oven flour", "glacier ice summit"),
    "golden": ("dentist clinic tooth", "lottery ticket prize", "saddle horse stable"),
}


def squares(make: Make, split: str) -> list[Record]:
    """Three statements by three targets of each theme, every stance once a row and a column."""
    records = []
    for name in THEMES[split]:
        a, b, c = name.split()
        texts = (f"{a} {b} before anything", f"our {b} met {c} yesterday", f"{c} or {a}, they ask")
        for row, text in enumerate(texts):
            for column, target in enumerate((f"the {a}", f"the {b}", f"the {c}")):
                stance = STANCES[(row + column) % 3]
                records.append(
                    make(
                        id=f"{split}-{a}-{row}-{column}", text=text, target=target, split=split,
                        stance=stance, tags=[f"square:{a}"],
                        neutral_kind="mention" if stance == "neutral" else None,
                    )
                )  # fmt: skip
    return records


@pytest.fixture
def sound(make_record: Make) -> list[Record]:
    return [r for split in ("train", "dev", "test") for r in squares(make_record, split)]


@pytest.fixture
def problems_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Sequence[Record]], list[Problem]]:
    """Problems of the records as the press corpus."""

    def check(records: Sequence[Record]) -> list[Problem]:
        splits = {name: [r for r in records if r.split == name] for name in ("test", "golden")}
        for split in {r.split for r in records}:
            write_records(tmp_path / f"{split}.jsonl", [r for r in records if r.split == split])
        hashes = {name: content_hash(found) for name, found in splits.items()}
        (tmp_path / FROZEN).write_text(json.dumps(hashes))
        monkeypatch.setattr(quality, "PRESS", tmp_path)
        return validate("press")

    return check


Check = Callable[[Sequence[Record]], list[Problem]]


def test_squares_are_sound(sound: list[Record], problems_of: Check):
    assert problems_of(sound) == []


def test_a_missing_corner_tips_its_statement_and_its_target(
    sound: list[Record], problems_of: Check
):
    found = problems_of([r for r in sound if r.id != "dev-railway-0-0"])
    assert [(p.where, p.field) for p in found] == [
        ("dev.jsonl: dev-railway-0-1", "text"),
        ("dev.jsonl: dev-railway-1-0", "target"),
    ]
    assert "0 favor, 1 against, 1 neutral" in found[0].message


def test_a_loose_record_in_a_split_of_squares_is_told(
    sound: list[Record], problems_of: Check, make_record: Make
):
    loose = make_record(id="loose", text="A toll is a toll.", target="the toll", split="train")
    assert [p.field for p in problems_of([*sound, loose])] == ["text", "target"]


def test_balance_is_asked_only_of_splits_made_of_squares(
    sound: list[Record], problems_of: Check, make_record: Make, tmp_path: Path
):
    golden = make_record(id="g", text="A toll is a toll.", target="the toll", split="golden")
    assert problems_of([*sound, golden]) == []
    assert validate(str(tmp_path)) == []
    torn = [r for r in sound if r.id != "dev-railway-0-0"]
    problems_of(torn)
    (tmp_path / "golden.jsonl").unlink()
    assert validate(str(tmp_path)) == []  # other people's data need not be balanced


@pytest.mark.parametrize(
    ("part", "value", "field"),
    [
        ("text", "harbour crane before anything", "text"),
        ("text", "harbour crane wharf before anything", None),
        ("target", "The Violin", "target"),
        ("target", "the railway", "target"),
    ],
)
def test_golden_is_apart_from_every_split(
    sound: list[Record], problems_of: Check, make_record: Make, part: str, value: str,
    field: str | None,
):  # fmt: skip
    golden = {"id": "g", "text": "A toll is a toll.", "target": "the toll", "split": "golden"}
    found = problems_of([*sound, make_record(**{**golden, part: value})])
    # Files are read by name: what golden shares with train and test is told of those.
    assert [p.field for p in found] == ([field] if field else [])


def test_a_statement_of_golden_that_is_nearly_one_of_train_is_told(
    sound: list[Record], problems_of: Check, make_record: Make
):
    words = "one two three four five six seven eight nine ten"
    pair = [
        make_record(id="g1", text=f"{words} eleven", target="the toll", split="golden"),
        make_record(id="t1", text=f"{words} twelve", target="the fee", split="train"),
    ]
    found = problems_of([*sound, *pair])
    assert any("nearly the statement" in p.message and "g1" in p.message for p in found)


def told_of_sides(problems: Sequence[Problem]) -> list[str]:
    return [p.field for p in problems if p.where == "test"]


@pytest.mark.parametrize("field", ["text", "target"])
def test_a_side_that_tells_the_stance_is_told(make_record: Make, problems_of: Check, field: str):
    words = {"favor": "welcome", "against": "reject", "neutral": "mention"}
    other = {"text": "target", "target": "text"}[field]
    records = [
        make_record(
            **{
                "id": f"{split}-{i}", "split": split, "stance": stance,
                "neutral_kind": "mention" if stance == "neutral" else None,
                field: f"{words[stance]} {split}{i} {split}{i * i}", other: f"{split}{i + 100}",
                "tags": ["square:a"],
            }
        )
        for split in ("train", "dev", "test")
        for i in range(30)
        for stance in [STANCES[i % 3]]
    ]  # fmt: skip
    found = problems_of(records)
    assert told_of_sides(found) == [field]
    assert "points above majority (16.7)" in found[-1].message


def test_eight_points_above_majority_are_allowed(
    sound: list[Record], problems_of: Check, monkeypatch: pytest.MonkeyPatch
):
    from stancewire.data import shortcuts
    from stancewire.data.shortcuts import Score

    figures = {"majority": Score(20.0, 0.0), "text_only": Score(28.0, 0.0)}
    for target_only, told in ((28.0, []), (28.1, ["target"])):
        answer = {**figures, "target_only": Score(target_only, 0.0)}
        monkeypatch.setattr(shortcuts, "one_sided", lambda answer=answer, **_: answer)
        assert told_of_sides(problems_of(sound)) == told


def test_without_scikit_learn_the_rule_is_told_to_be_unchecked(
    sound: list[Record], problems_of: Check, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    (problem,) = problems_of(sound)
    assert "stancewire[train]" in problem.message
