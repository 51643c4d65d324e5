"""Which split promotion judges on."""

import json

import pytest

from stancewire.data.files import content_hash, write_records
from stancewire.errors import DataError
from stancewire.records import Record
from stancewire.training.promote import frozen_corpus


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
    judged = frozen_corpus(write((*PLAIN, "golden"), hashes))
    assert judged.test == tuple(part("golden"))
    assert judged.train == tuple(part("train"))


def test_without_one_the_test_split_counts(write):
    judged = frozen_corpus(write(PLAIN, {"test": content_hash(part("test"))}))
    assert judged.test == tuple(part("test"))


def test_a_golden_split_that_is_not_frozen_is_refused(write):
    source = write((*PLAIN, "golden"), {"test": content_hash(part("test"))})
    with pytest.raises(DataError, match="which golden split is frozen"):
        frozen_corpus(source)


def test_a_golden_split_that_changed_is_refused(write):
    source = write((*PLAIN, "golden"), {"golden": content_hash(part("test"))})
    with pytest.raises(DataError, match="not the frozen one"):
        frozen_corpus(source)
