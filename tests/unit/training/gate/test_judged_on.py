"""Which split promotion judges on."""

import json

import pytest

from stancewire.data.files import content_hash, write_records
from stancewire.records import Record
from stancewire.training.gate.gather import judged_on


def part(split):
    return [
        Record(
            id=f"{split}-{n}", text=f"Words {n} for {split}.", target=f"pier {n} of {split}",
            stance=stance, source="t", licence="CC0-1.0", split=split, annotators=("a",),
        )
        for n, stance in enumerate(("favor", "against"))
    ]  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def _write(splits, frozen):
        for split in splits:
            write_records(tmp_path / f"{split}.jsonl", part(split))
        (tmp_path / "frozen.json").write_text(json.dumps(frozen))
        return str(tmp_path)

    return _write


PLAIN = ("train", "dev", "test")


def test_a_golden_split_is_what_counts(write):
    hashes = {split: content_hash(part(split)) for split in ("test", "golden")}
    source = write((*PLAIN, "golden"), hashes)

    found = judged_on(source)

    assert found.data.test == tuple(part("golden"))
    assert found.data.train == tuple(part("train"))
    assert (found.name, found.problems) == (f"{source}, golden", ())


def test_without_one_the_test_split_counts(write):
    found = judged_on(write(PLAIN, {"test": content_hash(part("test"))}))

    assert found.data.test == tuple(part("test"))
    assert not found.problems


def test_a_golden_split_that_is_not_frozen_is_told(write):
    source = write((*PLAIN, "golden"), {"test": content_hash(part("test"))})

    (problem,) = judged_on(source).problems

    assert problem.field == "golden"


def test_a_golden_split_that_changed_is_told(write):
    source = write((*PLAIN, "golden"), {"golden": content_hash(part("test"))})

    (problem,) = judged_on(source).problems

    assert "the frozen golden split has changed" in problem.message


def test_the_press_corpus_is_frozen():
    found = judged_on("press")

    assert (found.name, found.problems) == ("press, golden", ())
