"""The pictures are files of the format asked for, of the records given, the same each time."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stancewire.data.pictures import labels, text_lengths, write_pictures
from stancewire.errors import DataError
from stancewire.records import Record

Make = Callable[..., Record]
NAMES = ["labels", "text-lengths", "target-lengths"]


@pytest.fixture
def records(make_record: Make) -> list[Record]:
    stances = ("favor", "against", "neutral", "favor")
    return [
        make_record(id=f"{split}{i}", text="word " * (i + 3), stance=stances[i], split=split)
        for split in ("test", "train", "golden")
        for i in range(4)
    ]


def test_svg_and_png_are_written_into_a_folder_that_is_made(records: list[Record], tmp_path: Path):
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG\r\n\x1a\n")):
        written = write_pictures(records, tmp_path / "new" / kind, kind)
        assert [path.name for path in written] == [f"{name}.{kind}" for name in NAMES]
        assert all(path.read_bytes().startswith(start) for path in written)


def test_the_same_records_give_the_same_bytes_and_others_do_not(
    records: list[Record], tmp_path: Path
):
    again = [write_pictures(records, tmp_path / name) for name in ("a", "b")]
    less = write_pictures(records[2:], tmp_path / "c")
    for one, other, changed in zip(*again, less, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.read_bytes() != changed.read_bytes() or one.name.startswith("target")


def test_bars_are_shares_per_split_in_the_order_of_the_splits(records: list[Record]):
    axes = labels(records).axes[0]
    assert [c.get_label() for c in axes.containers] == ["train", "test", "golden"]
    for bars in axes.containers:
        assert [bar.get_height() for bar in bars] == [0.5, 0.25, 0.25]
    assert [text.get_text() for text in axes.texts] == ["2", "1", "1"] * 3


def test_every_statement_counts_once_in_the_lengths(records: list[Record]):
    twice = records[0].model_copy(update={"id": "more", "target": "another"})
    figures = [text_lengths(part) for part in (records, [*records, twice])]
    shapes = [[patch.get_path().vertices.tolist() for patch in f.axes[0].patches] for f in figures]
    assert shapes[0] == shapes[1]
    heights = [max(y for _, y in path) for path in shapes[0]]
    assert heights == [0.25] * 3


def test_no_record_is_no_picture(tmp_path: Path):
    with pytest.raises(DataError, match="no record to draw"):
        write_pictures([], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_pyplot_is_never_loaded():
    code = (
        "import sys; import stancewire.data.pictures; sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
