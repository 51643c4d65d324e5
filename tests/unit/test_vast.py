import zipfile
from pathlib import Path

import pytest

from stancewire.data.adapters.vast import read
from stancewire.data.corpus import load
from stancewire.data.sources import find
from stancewire.errors import DataError
from stancewire.labels import Label, NeutralKind

TRAIN = (
    "author,post,topic_str,label\nx,We like it.,parks,1\nx,We do not.,parks,0\nx,It rains.,tax,2\n"
)
DEV = "Tweet,Target 1,Stance 1,seen?\nNo.,ants,AGAINST,0\nYes.,parks,FAVOR,1\n"
TEST = 'Tweet,Target 1,Stance 1,seen?\n"One, two\nthree.",bees,NONE,0\nYes.,parks,FAVOR,1\n'


def read_vast(folder: Path):
    return list(read(folder, find("vast")))


def write(mirror: Path, train: str = TRAIN, dev: str = DEV, test: str | bytes = TEST) -> Path:
    folder = mirror / "vast"
    folder.mkdir()
    with zipfile.ZipFile(folder / "vast_train.zip", "w") as archive:
        archive.writestr("vast_train.csv", train)
    (folder / "vast_dev.csv").write_text(dev)
    content = test if isinstance(test, bytes) else test.encode()
    (folder / "vast_test.csv").write_bytes(content)
    return folder


def test_labels_splits_and_tags(tmp_path: Path):
    records = read_vast(write(tmp_path))
    told = [(r.id, r.split, r.target, r.stance.value, r.tags) for r in records]
    assert told == [
        ("vast-train-00000", "train", "parks", "favor", ()),
        ("vast-train-00001", "train", "parks", "against", ()),
        ("vast-train-00002", "train", "tax", "neutral", ()),
        ("vast-dev-00000", "dev", "ants", "against", ("zero-shot",)),
        ("vast-dev-00001", "dev", "parks", "favor", ("few-shot",)),
        ("vast-test-00000", "test", "bees", "neutral", ("zero-shot",)),
        ("vast-test-00001", "test", "parks", "favor", ("few-shot",)),
    ]
    assert {r.neutral_kind for r in records if r.stance is Label.NEUTRAL} == {NeutralKind.UNRELATED}
    assert {r.neutral_kind for r in records if r.stance is not Label.NEUTRAL} == {None}
    assert records[5].text == "One, two\nthree."


def test_zero_shot_is_a_slice_of_dev_and_test_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stancewire.data.fetch.verify", lambda source, folder: [])
    write(tmp_path)
    corpus = load("vast", mirror=tmp_path, only_tag="zero-shot")
    assert [len(corpus.train), len(corpus.dev), len(corpus.test)] == [3, 1, 1]
    assert len(load("vast", mirror=tmp_path).test) == 2


def test_what_was_not_fetched_is_told_with_the_command_that_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match="stancewire data fetch vast"):
        load("vast")


@pytest.mark.parametrize("name", ["vast_train.zip", "vast_dev.csv", "vast_test.csv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    folder = write(tmp_path)
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        read_vast(folder)


def test_an_archive_that_is_none_is_told(tmp_path: Path):
    folder = write(tmp_path)
    (folder / "vast_train.zip").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"vast_train\.zip does not hold vast_train.csv"):
        read_vast(folder)


@pytest.mark.parametrize(
    ("dev", "told"),
    [
        (DEV.replace("AGAINST", "CON"), "dev, row 0.*CON"),
        (DEV.replace("Target 1", "Topic"), "dev, row 0.*Target 1"),
        (DEV.replace("parks", ""), "(?s)dev, row 1.*target"),
        (DEV + "cut\n", "(?s)dev, row 2"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, dev: str, told: str):
    with pytest.raises(DataError, match=told):
        read_vast(write(tmp_path, dev=dev))


def test_a_byte_that_is_not_utf8_does_not_stop_the_reading(tmp_path: Path):
    test = TEST.encode().replace(b"Yes.", b"Yes\xff.")
    assert read_vast(write(tmp_path, test=test))[6].text == "Yes\ufffd."
