"""The out-of-distribution report: its groups are what they are called, its figures are counted."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from stancewire import Bundle, Record
from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.predictor import Predictor
from stancewire.text import fingerprint

PATH = Path(__file__).parents[2] / "experiments" / "ood.py"


@pytest.fixture(scope="module")
def ood():
    spec = importlib.util.spec_from_file_location("ood", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def records(n=12, split="dev"):
    fields = {"source": "test", "licence": "CC0-1.0", "split": split, "annotators": ("a",)}
    return [
        Record(
            id=f"{split}-{i}", text=f"We welcome road {i // 2} and nothing else.", **fields,
            target=f"road {i // 2}" if i % 2 else f"tax {i}", stance="favor",
            tags=(f"field:{'roads' if i < 6 else 'seas'}",),
        )
        for i in range(n)
    ]  # fmt: skip


def test_the_written_texts_are_enough_and_none_stands_twice(ood):
    written = json.loads(ood.TEXTS.read_text(encoding="utf-8"))

    languages = Counter(item["language"] for item in written["languages"])
    assert len(languages) == 6 and set(languages.values()) == {5}
    items = [item for group in written.values() for item in group]
    texts = [fingerprint(item["text"]) for item in written["languages"] + written["code"]]
    assert len(set(texts)) == len(texts)
    for item in items:  # what cannot be asked could not be measured
        Record.model_validate(
            {"id": "a", "stance": "neutral", "source": "x", "licence": "x", "split": "dev",
             "annotators": ["a"], "text": item["text"], "target": item["target"]}
        )  # fmt: skip


def test_shuffling_keeps_the_words_and_the_target(ood):
    given = records()

    found = ood.shuffled(given, seed=1)

    assert found == ood.shuffled(given, seed=1) != ood.shuffled(given, seed=2)
    assert any(pair.text != record.text for pair, record in zip(found, given, strict=True))
    for pair, record in zip(found, given, strict=True):
        assert sorted(pair.text.split()) == sorted(record.text.split())
        assert pair.target == record.target


def test_an_unrelated_target_comes_from_another_field(ood):
    given = records()

    found = ood.unrelated(given, seed=1)

    assert len(found) == len(given)
    by_target = {record.target: ood.field_of(record) for record in given}
    for pair, record in zip(found, given, strict=True):
        assert by_target[pair.target] != ood.field_of(record)
        assert pair.target not in record.text


def test_figures_are_those_of_the_predictor(ood, tfidf_bundle: Bundle):
    predictor = Predictor.load(tfidf_bundle)
    pairs = ood.groups(records(), seed=1)["code"]

    row = ood.measure(predictor, "code", pairs)

    stances = predictor.predict(pairs)
    assert row.pairs == len(pairs) >= 10
    assert row.confidence == pytest.approx(sum(s.confidence for s in stances) / len(stances))
    assert row.abstained == sum(s.abstained for s in stances) / len(stances)
    assert row.labels["neutral"] == sum(s.label == "neutral" for s in stances) / len(stances)
    assert row.set_size is None


def test_the_command_prints_every_group(ood, tfidf_bundle: Bundle, tmp_path: Path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("\n".join(r.model_dump_json() for r in records()) + "\n")
    scores = [i / 20 for i in range(20)]
    files = {
        TFIDF: tfidf_bundle.bytes(TFIDF),
        CALIBRATION: json.dumps({"nonconformity": scores}).encode(),
    }
    bundle = write_bundle(tmp_path / "sets", files, {"family": "tfidf"})

    assert ood.main([str(bundle.folder), "--source", str(corpus), "--json"]) == 0
    rows = {row["group"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == 3 + 6 + 3
    assert rows["as it is"]["labels"] == {"favor": 1.0, "against": 0.0, "neutral": 0.0}
    assert rows["all other languages"]["pairs"] == 30
    assert all(1 <= row["set_size"] <= 3 for row in rows.values())
    assert ood.main([str(bundle.folder), "--source", str(corpus)]) == 0
    assert "| almost empty | 10 |" in capsys.readouterr().out


def test_no_bundle_is_one_message(ood, tmp_path: Path, capsys):
    assert ood.main([str(tmp_path / "none")]) == 3
    assert "manifest.json" in capsys.readouterr().err
