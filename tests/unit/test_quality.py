import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.data import quality
from stancewire.data.checks import NEAR
from stancewire.data.corpus import load
from stancewire.data.duplicates import near_duplicates, shingles
from stancewire.data.files import MAX_PROBLEMS, content_hash, write_records
from stancewire.data.frozen import FROZEN
from stancewire.data.quality import stats, validate
from stancewire.errors import DataError, Problem
from stancewire.records import Record

Make = Callable[..., Record]


@pytest.fixture
def sound(make_record: Make) -> list[Record]:
    """Two statements to train on, one for dev, one for test; nothing is wrong with them."""
    treaty = "We welcome the treaty, and for that very reason we reject the levy."
    rows: list[dict[str, Any]] = [
        {"id": "t1", "text": treaty, "target": "the treaty", "stance": "favor", "tags": ["trade"]},
        {"id": "t2", "text": treaty, "target": "the levy", "stance": "against"},
        {
            "id": "t3", "text": "It rained on the harbour on Monday and again on Tuesday.",
            "target": "the harbour", "stance": "neutral", "neutral_kind": "mention",
        },
        {
            "id": "d1", "text": "Nobody in this building has read the audit in full.",
            "target": "the audit", "stance": "neutral", "neutral_kind": "unrelated", "split": "dev",
        },
        {
            "id": "x1", "text": "A quota like this one ruins every small port that we have.",
            "target": "the fishing quota", "stance": "against", "split": "test", "role": "minister",
        },
    ]  # fmt: skip
    return [make_record(**row) for row in rows]


def write(folder: Path, records: Sequence[Record], *, frozen: bool = True) -> str:
    """A corpus folder: one file per split, and the hash of the test split."""
    folder.mkdir(exist_ok=True)
    for split in {r.split for r in records}:
        write_records(folder / f"{split}.jsonl", [r for r in records if r.split == split])
    if frozen:
        test = [r for r in records if r.split == "test"]
        (folder / FROZEN).write_text(json.dumps({"test": content_hash(test)}))
    return str(folder)


def press(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    monkeypatch.setattr(quality, "PRESS", folder)
    return "press"


def told(problems: Sequence[Problem]) -> list[tuple[str, str]]:
    return [(p.where, p.field) for p in problems]


def test_a_sound_corpus_has_no_problem(
    sound: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert validate(write(tmp_path, sound)) == []
    assert validate(press(monkeypatch, tmp_path)) == []
    assert validate(str(tmp_path / "train.jsonl")) == []
    assert len(load(str(tmp_path)).records()) == len(sound)


def check(sound: list[Record], folder: Path, row: dict[str, Any]) -> list[Problem]:
    """Problems of the sound corpus with one more record."""
    more = Record.model_validate(sound[0].model_dump() | {"id": "new"} | row)
    return validate(write(folder, [*sound, more]))


# Each row is added to the sound corpus; the fields that must be told, in order.
TREATY = "We welcome the treaty, and for that very reason we reject the levy."
FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "id in two files": ({"id": "d1", "target": "the bridge"}, ["id"]),
    "statement in two splits": ({"split": "dev", "target": "the bridge"}, ["text"]),
    "the same words, typeset otherwise": (
        {"split": "dev", "target": "the bridge", "text": TREATY.upper().replace(" ", "  ")},
        ["text"],
    ),
    "target of test in train": ({"text": "Too dear.", "target": "The  Fishing Quota"}, ["target"]),
    "target of train in dev": (
        {"text": "Too dear.", "target": "the levy", "split": "dev"}, ["target"],
    ),
    "nearly the same statement": (
        {"text": TREATY.replace(" very", ""), "split": "dev", "target": "the bridge"},
        ["text"],
    ),
    "the pair twice": ({"target": "The Treaty"}, ["target"]),
    "the pair with another label": ({"target": "the treaty", "stance": "against"}, ["stance"]),
    "the demo's wording": (
        {"text": "The smell of Crisis is the “viable trend”.", "target": "the bridge"},
        ["text", "text"],
    ),
    "the demo's wording, broken over lines": (
        {"text": "All\u200b integration\n processes stop.", "target": "the bridge"}, ["text"],
    ),
    "the demo's first target": ({"text": "Well.", "target": "the EurAsian bridge"}, ["target"]),
    "the demo's second target": ({"text": "Well.", "target": "re-sovietisation"}, ["target"]),
    "its other spelling": ({"text": "Well.", "target": "to Sovietize"}, ["target"]),
}  # fmt: skip


@pytest.mark.parametrize(("row", "fields"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(
    sound: list[Record], tmp_path: Path, row: dict[str, Any], fields: list[str]
):
    assert [p.field for p in check(sound, tmp_path, row)] == fields


def test_what_is_allowed_is_not_told(sound: list[Record], tmp_path: Path):
    for row in (
        {"target": "the bridge"},  # a third target of one statement
        {"text": "Quite another matter.", "target": "the treaty"},  # a target twice in train
        {"text": TREATY.replace(" very", ""), "target": "the bridge"},  # near, in one split
        {"text": "A trend that is viable.", "target": "the bridge"},
    ):
        assert check(sound, tmp_path, row) == []


def test_a_record_in_the_wrong_file_is_told(sound: list[Record], tmp_path: Path):
    source = write(tmp_path, sound)
    write_records(tmp_path / "dev.jsonl", [r for r in sound if r.split != "train"][:1])
    write_records(tmp_path / "train.jsonl", [r for r in sound if r.split != "test"][:3])
    assert validate(source) == []
    write_records(tmp_path / "dev.jsonl", sound[:1])
    write_records(tmp_path / "train.jsonl", sound[2:3])
    assert told(validate(source)) == [("dev.jsonl: t1", "split")]


def test_every_file_is_read_and_every_fault_told(sound: list[Record], tmp_path: Path):
    source = write(tmp_path, sound)
    (tmp_path / "dev.jsonl").write_text("{}\n")
    (tmp_path / "test.jsonl").write_bytes(b"\xff")
    (tmp_path / "more.jsonl").write_text(sound[0].model_dump_json() + "\n")
    problems = validate(source)
    where = {p.where.removeprefix(f"{tmp_path}/") for p in problems}
    assert where == {"dev.jsonl:1", "test.jsonl", "train.jsonl: t1"}
    assert not any(p.where.endswith(FROZEN) for p in problems)  # it would only echo test.jsonl


def test_faults_beyond_the_cap_are_counted(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text("{\n" * (MAX_PROBLEMS + 7))
    problems = validate(str(tmp_path))
    assert len(problems) == MAX_PROBLEMS + 1
    assert f"{MAX_PROBLEMS + 7} problem" in problems[-1].message


@pytest.mark.parametrize("name", ["", "absent", "absent.jsonl"])
def test_nothing_to_read_is_a_problem(tmp_path: Path, name: str):
    (problem,) = validate(str(tmp_path / name))
    assert problem.where.startswith(str(tmp_path))
    assert problem.field == "file"


def test_the_press_corpus_tells_its_neutrals_apart(
    sound: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    vague = sound[2].model_copy(update={"neutral_kind": None})
    source = write(tmp_path, [*sound[:2], vague, *sound[3:]])
    assert validate(source) == []  # other people's data need not
    assert told(validate(press(monkeypatch, tmp_path))) == [("train.jsonl: t3", "neutral_kind")]


def test_a_changed_test_split_is_told(sound: list[Record], tmp_path: Path):
    source = write(tmp_path, sound)
    changed = sound[-1].model_copy(update={"stance": sound[0].stance})
    write_records(tmp_path / "test.jsonl", [changed])
    (problem,) = validate(source)
    assert (problem.where, problem.field) == (str(tmp_path / FROZEN), "test")
    assert content_hash([changed]) in problem.message
    assert content_hash([sound[-1]]) in problem.message


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", "null"])
def test_a_frozen_file_that_is_none_is_told(sound: list[Record], tmp_path: Path, content: str):
    source = write(tmp_path, sound)
    (tmp_path / FROZEN).write_text(content)
    assert told(validate(source)) == [(str(tmp_path / FROZEN), "test")]


def test_a_golden_split_is_frozen_too(sound: list[Record], tmp_path: Path):
    golden = sound[0].model_copy(
        update={"id": "g1", "text": "The lighthouse stays.", "target": "it", "split": "golden"}
    )
    source = write(tmp_path, [*sound, golden])
    assert [p.field for p in validate(source)] == ["test"]  # frozen.json says nothing of golden
    frozen = json.loads((tmp_path / FROZEN).read_text()) | {"golden": content_hash([golden])}
    (tmp_path / FROZEN).write_text(json.dumps(frozen))
    assert validate(source) == []
    write_records(tmp_path / "golden.jsonl", [golden.model_copy(update={"target": "the light"})])
    assert [p.field for p in validate(source)] == ["golden"]


def test_only_the_press_corpus_must_be_frozen(
    sound: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert validate(write(tmp_path, sound, frozen=False)) == []
    assert told(validate(press(monkeypatch, tmp_path))) == [(str(tmp_path / FROZEN), "test")]


def test_figures_without_a_tag(sound: list[Record], tmp_path: Path):
    source = write(tmp_path, sound)
    assert stats(source, without_tag="trade")["pairs"] == stats(source)["pairs"] - 1
    (tmp_path / "one.jsonl").write_text(sound[0].model_dump_json())
    with pytest.raises(DataError, match="no record to count"):
        stats(str(tmp_path / "one.jsonl"), without_tag="trade")


def test_the_figures(sound: list[Record], tmp_path: Path):
    figures = stats(write(tmp_path, sound))
    json.dumps(figures)  # plain data
    assert {k: figures[k] for k in ("pairs", "statements", "targets")} == {
        "pairs": 5, "statements": 4, "targets": 5,
    }  # fmt: skip
    assert figures["stances"] == {"against": 2, "neutral": 2, "favor": 1}
    assert figures["neutral_kinds"] == {"mention": 1, "unrelated": 1}
    assert figures["share_mention_of_neutral"] == 0.5
    assert figures["share_multi_target"] == 0.25
    assert figures["share_mixed_stance"] == 0.25
    assert figures["by_split"]["train"] == {
        "pairs": 3, "statements": 2, "targets": 3,
        "stances": {"favor": 1, "against": 1, "neutral": 1},
    }  # fmt: skip
    assert list(figures["by_split"]) == ["dev", "test", "train"]
    assert figures["words"] == {"total": 46, "min": 10, "median": 12, "max": 13}
    assert figures["tags"] == {"trade": 1}
    assert figures["roles"] == {"not given": 4, "minister": 1}


def test_two_targets_of_one_stance_are_not_mixed(make_record: Make, tmp_path: Path):
    figures = stats(write(tmp_path, [make_record(), make_record(id="b", target="peace")]))
    assert (figures["share_multi_target"], figures["share_mixed_stance"]) == (1.0, 0.0)


def test_no_figures_of_what_cannot_be_read(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read") as caught:
        stats(str(tmp_path / "absent.jsonl"))
    assert caught.value.problems


SMALL_TEXTS = st.lists(st.sampled_from("abcdefgh"), max_size=14).map(" ".join)


@given(st.lists(st.tuples(SMALL_TEXTS, st.sampled_from("pqr")), max_size=12), st.floats(0.1, 0.99))
def test_near_duplicates_are_those_of_comparing_all(rows: list[tuple[str, str]], above: float):
    texts, groups = [row[0] for row in rows], [row[1] for row in rows]
    expected = set()
    for j in range(len(rows)):
        for i in range(j):
            a, b = shingles(texts[i]), shingles(texts[j])
            if groups[i] != groups[j] and a | b and len(a & b) / len(a | b) > above:
                expected.add((i, j))
    found = [(i, j) for i, j, _ in near_duplicates(texts, groups, above)]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_thousands_of_statements_take_seconds():
    chance = random.Random(7)
    # As words are spread in speech: a few stand everywhere, most hardly ever.
    words = [f"w{rank}" for rank in range(4000)]
    weights = [1 / (rank + 1) for rank in range(4000)]
    texts = [" ".join(chance.choices(words, weights, k=40)) for _ in range(4000)]
    texts[3999] = texts[10].replace(" ", ", ") + "!"
    groups = ["train"] * 3000 + ["test"] * 1000
    started = time.process_time()
    found = list(near_duplicates(texts, groups, NEAR))
    assert [(i, j) for i, j, _ in found] == [(10, 3999)]
    assert time.process_time() - started < 10  # about one on an idle core
