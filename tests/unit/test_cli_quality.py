"""The verbs as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stancewire import Bundle
from stancewire.cli_quality import app
from stancewire.data.files import write_records
from stancewire.errors import ConfigError, DataError
from stancewire.records import Record

Make = Callable[..., Record]


@pytest.fixture
def source(make_record: Make, tmp_path: Path) -> str:
    """Sixty records, one of them labelled wrongly: r7 in train, r31 in test."""
    verbs = {"favor": "welcome", "against": "reject"}
    wrong = ("r7", "r31")
    rows = []
    for i in range(60):
        stance = ("favor", "against")[i % 2]
        other = ("against", "favor")[i % 2]
        rows.append(
            make_record(
                id=f"r{i}", text=f"We {verbs[stance]} plan{i}, as [b]ever[/b].", target=f"plan{i}",
                stance=other if f"r{i}" in wrong else stance, split="train" if i < 30 else "test",
            )
        )  # fmt: skip
    write_records(tmp_path / "rows.jsonl", rows)
    return str(tmp_path / "rows.jsonl")


def run(*argv: str) -> str:
    done = CliRunner().invoke(app, list(argv), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_noise_prints_the_first_and_writes_all(source: str, tmp_path: Path):
    out = tmp_path / "found.json"
    shown = run("noise", source, "--out", str(out), "--top", "1").splitlines()
    rows = json.loads(out.read_text())
    assert {row["id"] for row in rows[:2]} == {"r7", "r31"}
    assert shown[0].startswith(f"{len(rows)} of 60 labels are in doubt")
    assert len(shown) == 2 and rows[0]["id"] in shown[1]


def test_a_bundle_is_asked_only_of_what_it_was_not_trained_on(
    source: str, tmp_path: Path, tfidf_bundle: Bundle
):
    out = tmp_path / "found.csv"
    shown = run("noise", source, "--bundle", str(tfidf_bundle.folder), "--out", str(out))
    assert shown.startswith("1 of 30 labels are in doubt, by a model that gives 97%")
    assert "r31" in out.read_text() and "r7," not in out.read_text()


def test_a_bad_ending_is_refused_before_the_work(tmp_path: Path):
    with pytest.raises(DataError, match=r"found\.txt"):
        run("noise", str(tmp_path / "absent.jsonl"), "--out", str(tmp_path / "found.txt"))


def test_noise_does_not_write_over_what_it_reads(make_record: Make, tmp_path: Path):
    sheet = tmp_path / "rows.csv"
    sheet.write_text("id,text,target,stance,source,licence,split,annotators\n")
    before = sheet.read_bytes()
    with pytest.raises(ConfigError, match="is an input"):
        run("noise", str(sheet), "--out", str(tmp_path / "." / "rows.csv"))
    assert sheet.read_bytes() == before


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_seed_that_no_generator_takes_is_refused(source: str, seed: str):
    for argv in (["noise", source], ["drift", source, source]):
        done = CliRunner().invoke(app, [*argv, "--seed", seed], catch_exceptions=False)
        assert done.exit_code == 2
        assert "--seed" in done.output


def test_drift_shows_a_table_or_json(source: str):
    report = json.loads(run("drift", source, source, "--json"))
    assert report["pairs"] == [60, 60]
    table = run("drift", source, source)
    for words in ("favor", "vocabulary", "domain auc", "telling words"):
        assert words in table


def test_pictures_are_named_as_they_are_written(source: str, tmp_path: Path):
    folder = tmp_path / "pictures"
    shown = run("pictures", source, "--out", str(folder), "--format", "png").split()
    assert sorted(shown) == sorted(str(path) for path in folder.iterdir())
    assert len(shown) == 3
