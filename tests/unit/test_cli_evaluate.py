"""`stancewire evaluate`: the served answers measured beside what sees one side or nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stancewire.bundle import Bundle
from stancewire.cli import app
from stancewire.data.files import write_records
from stancewire.errors import DataError
from stancewire.records import Record

SPLITS = ("train", "dev", "test")


@pytest.fixture
def folder(make_record: Callable[..., Record], tmp_path: Path) -> str:
    """A record of each stance in each split; the one in favor is tagged "easy"."""
    for split in SPLITS:
        rows = [
            make_record(id=f"{split}-{n}", text=f"{words}, {split}", stance=stance, split=split,
                        target=f"the treaty of {split}", tags=[tag])
            for n, (words, stance, tag) in enumerate(
                [
                    ("We welcome it", "favor", "easy"),
                    ("We reject it", "against", "plain"),
                    ("We vote in May", "neutral", "plain"),
                ]
            )
        ]  # fmt: skip
        write_records(tmp_path / f"{split}.jsonl", rows)
    return str(tmp_path)


def run(*words: str):
    return CliRunner().invoke(app, ["evaluate", *words])


def test_figures_of_a_split(tfidf_bundle: Bundle, folder: str):
    found = run(str(tfidf_bundle.folder), "--source", folder, "--json")
    assert found.exit_code == 0, found.output
    document = json.loads(found.output)
    assert (document["records"], document["split"]) == (3, "test")
    assert set(document["figures"]) >= {"tfidf", "majority", "text-only", "target-only"}
    assert document["bundle"] == tfidf_bundle.sha256


def test_records_with_a_tag_are_left_out(tfidf_bundle: Bundle, folder: str):
    found = run(str(tfidf_bundle.folder), "--source", folder, "--without-tag", "easy", "--json")
    document = json.loads(found.output)
    assert document["records"] == 2
    assert document["figures"]["majority"]["n"] == 2


def test_nothing_left_to_measure_is_told(tfidf_bundle: Bundle, folder: str, tmp_path: Path):
    record = json.loads((tmp_path / "test.jsonl").read_text().splitlines()[0])
    (tmp_path / "test.jsonl").write_text(json.dumps(record))
    found = run(str(tfidf_bundle.folder), "--source", folder, "--without-tag", "easy")
    assert isinstance(found.exception, DataError)
    assert "left to measure" in str(found.exception)
