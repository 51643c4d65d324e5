"""SNLI's and ConjNLI's files, as rows written here."""

import json
from pathlib import Path

import pytest

from stancewire.data.adapters import conjnli, snli
from stancewire.data.sources import find
from stancewire.errors import DataError


def write_snli(folder: Path, *rows: tuple[str, str, str, str]) -> Path:
    names = ("premise", "hypothesis", "gold_label", "split")
    lines = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    (folder / "snli_dev_test.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def write_conjnli(folder: Path, train: list[str], dev: list[str]) -> Path:
    for name, rows in (("adversarial_train_15k", train), ("conj_dev", dev)):
        content = "\n".join(["\ufeffPremise\tHypothesis\tLabel", *rows]) + "\n"
        (folder / f"{name}.tsv").write_text(content, encoding="utf-8")
    return folder


def test_snli_is_all_train_and_reads_as_running_text(tmp_path: Path):
    write_snli(
        tmp_path,
        ("A man 's dog sleeps .", "The dog is awake .", "contradiction", "dev"),
        ("A boy runs .", "A child moves .", "entailment", "test"),
    )
    records = list(snli.read(tmp_path, find("snli")))
    assert [(r.text, r.target, r.stance.value, r.split, r.tags) for r in records] == [
        (
            "A man's dog sleeps.",
            "the claim that the dog is awake",
            "against",
            "train",
            ("part:dev",),
        ),
        ("A boy runs.", "the claim that a child moves", "favor", "train", ("part:test",)),
    ]


def test_snli_names_a_bad_row(tmp_path: Path):
    write_snli(tmp_path, ("It rains .", "It is wet .", "-", "dev"))
    with pytest.raises(DataError, match=r"snli pairs, row 0, cannot be used: .*'-'"):
        list(snli.read(tmp_path, find("snli")))


def test_conjnli_keeps_premises_of_dev_out_of_train(tmp_path: Path):
    write_conjnli(
        tmp_path,
        ['He sang "and" danced.\tHe sang.\tentailment', "He ate.\tHe fasted.\tcontradiction"],
        ["He ate.\tHe drank.\tneutral"],
    )
    records = list(conjnli.read(tmp_path, find("conjnli")))
    assert [(r.id, r.text, r.target, r.stance.value, r.split) for r in records] == [
        (
            "conjnli-train-00000",
            'He sang "and" danced.',
            "the claim that he sang",
            "favor",
            "train",
        ),
        ("conjnli-dev-00000", "He ate.", "the claim that he drank", "neutral", "dev"),
    ]


def test_conjnli_names_a_bad_row(tmp_path: Path):
    write_conjnli(tmp_path, ["He ate.\tHe fasted."], [])
    with pytest.raises(DataError, match="conjnli train, row 0, cannot be used"):
        list(conjnli.read(tmp_path, find("conjnli")))
