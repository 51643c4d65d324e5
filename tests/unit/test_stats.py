"""Figures beside the plain counts: tags, baselines, and what lies beside the records."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stancewire.data import stats as stats_module
from stancewire.data.files import write_records
from stancewire.data.quality import stats
from stancewire.errors import DataError
from stancewire.records import Record

Make = Callable[..., Record]


def corpus(make: Make, folder: Path, splits: tuple[str, ...] = ("train", "dev", "test")) -> str:
    tags = {
        "train": ["field:ports", "kind:minister", "continent:africa", "irony"],
        "dev": ["field:ports", "kind:mayor", "continent:asia", "irony", "negation"],
        "test": ["field:law", "kind:mayor", "continent:asia"],
    }
    for split in splits:
        record = make(
            id=split, text=f"A word on {split}.", target=split, split=split, tags=tags[split]
        )
        write_records(folder / f"{split}.jsonl", [record])
    return str(folder)


def test_tags_are_counted_by_what_they_say(make_record: Make, tmp_path: Path):
    figures = stats(corpus(make_record, tmp_path))
    assert (figures["fields"], figures["speaker_kinds"], figures["continents"]) == (2, 2, 2)
    assert figures["behaviours"] == {"irony": 2, "negation": 1}


def test_what_does_not_lie_there_is_nought_or_null(make_record: Make, tmp_path: Path):
    figures = stats(corpus(make_record, tmp_path))
    assert {k: figures[k] for k in ("real_pairs", "hard_cases", "alpha", "agreement_by_tag")} == {
        "real_pairs": 0, "hard_cases": 0, "alpha": None, "agreement_by_tag": None,
    }  # fmt: skip
    one_file = stats(str(tmp_path / "train.jsonl"))
    assert one_file["real_pairs"] == 0


def test_baselines_need_all_three_splits(
    make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = corpus(make_record, tmp_path)
    assert stats(source)["baselines"]["majority"] == pytest.approx(100 / 3)
    monkeypatch.setattr(stats_module, "find_spec", lambda name: None)
    assert stats(source)["baselines"] is None
    monkeypatch.undo()
    (tmp_path / "dev.jsonl").unlink()
    assert stats(source)["baselines"] is None


def test_pairs_of_real_passages_are_counted(make_record: Make, tmp_path: Path):
    source = corpus(make_record, tmp_path)
    (tmp_path / "real").mkdir()
    row = {"target": "the bill", "stance": "favor", "tags": ["irony"], "split": "test"}
    for name, count in (("a", 2), ("b", 3)):
        rows = [{**row, "id": f"briefing-{name}", "number": n} for n in range(count)]
        lines = "\n\n".join(json.dumps(row) for row in rows)
        (tmp_path / "real" / f"{name}.jsonl").write_text(f"{lines}\n")
    assert (stats(source)["real_pairs"], stats(source)["real_passages"]) == (5, 2)
    assert stats(source)["pairs"] == 3


def test_agreement_is_told_of_written_and_of_real_pairs(make_record: Make, tmp_path: Path):
    source = corpus(make_record, tmp_path)
    (tmp_path / "real").mkdir()
    row = {"target": "the bill", "stance": "favor", "tags": ["irony", "field:tax"], "split": "test"}
    rows = [json.dumps({**row, "id": "p", "number": n}) for n in range(4)]
    (tmp_path / "real" / "a.jsonl").write_text("\n".join(rows))
    (tmp_path / "annotations").mkdir()
    labels = {f"real-p-{n}": ("favor", ("favor", "neutral")[n % 2]) for n in range(4)}
    labels |= {"written-1": ("favor", "favor"), "written-2": ("against", "against")}
    (tmp_path / "annotations" / "labels.jsonl").write_text(
        "".join(
            json.dumps({"id": name, "labels": dict(zip("ab", given, strict=True))}) + "\n"
            for name, given in labels.items()
        )
    )
    figures = stats(source)
    assert figures["alpha_written"] == 1
    assert figures["alpha_real"] < figures["alpha"] < 1
    assert set(figures["agreement_by_tag"]) == {"irony"}
    assert figures["agreement_by_tag"]["irony"]["items"] == 4
    assert figures["agreement_by_tag"]["irony"]["percent"] == 50


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"id": "a", "target": "b", "stance": "favor"}'])
def test_a_bad_row_of_real_passages_is_refused(make_record: Make, tmp_path: Path, line: str):
    source = corpus(make_record, tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jsonl").write_text(line)
    with pytest.raises(DataError, match=r"a\.jsonl: row 1"):
        stats(source)


def annotate(folder: Path, labels: dict[str, tuple[str, str]]) -> None:
    (folder / "annotations").mkdir(exist_ok=True)
    lines = [
        json.dumps({"id": name, "labels": {"writer-01": a, "annotator-02": b}})
        for name, (a, b) in labels.items()
    ]
    (folder / "annotations" / "labels.jsonl").write_text("\n".join(lines) + "\n")


def test_agreement_is_that_of_the_single_labels(make_record: Make, tmp_path: Path):
    pytest.importorskip("stancewire.data.agreement")
    source = corpus(make_record, tmp_path)
    alike = {"train": ("favor", "favor"), "dev": ("against", "against"), "test": ("neutral",) * 2}
    annotate(tmp_path, alike)
    assert stats(source)["alpha"] == pytest.approx(1.0)
    disputed = make_record(id="hard", text="Hm.", target="it", tags=["irony"])
    write_records(tmp_path / "annotations" / "hard_cases.jsonl", [disputed])
    annotate(tmp_path, {**alike, "hard": ("favor", "against")})
    figures = stats(source)
    assert figures["hard_cases"] == 1
    assert 0 < figures["alpha"] < 1
    assert "irony" in figures["agreement_by_tag"]
    json.dumps(figures)
