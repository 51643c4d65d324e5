import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire import Bundle, DataError, Predictor, Stance, StancePair, StancewireError
from stancewire.batch import CHUNK, ERROR, RESULT_FIELDS, as_fields, score_file
from stancewire.errors import ConfigError
from stancewire.rows import Row, RowWriter, chunks, read_rows, survey

QUOTE = "We welcome the treaty, and we reject the levy."


class Watched:
    """A predictor that remembers what it was asked."""

    def __init__(self, bundle: Bundle) -> None:
        self._predictor = Predictor.load(bundle)
        self.asked: list[list[StancePair]] = []

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        self.asked.append(list(pairs))
        if any("unreadable" in pair.target for pair in pairs):
            raise DataError("some pair cannot be read")
        return self._predictor.predict(pairs)


@pytest.fixture
def scorer(tfidf_bundle: Bundle) -> Watched:
    return Watched(tfidf_bundle)


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_column_is_kept_and_the_answer_is_the_predictors(
    scorer: Watched, tfidf_bundle: Bundle, tmp_path: Path
) -> None:
    rows = [["note", "text", "target"], ["a, b", QUOTE, "the treaty"], ["", QUOTE, "the levy"]]
    source = write_csv(tmp_path / "in.csv", rows)
    summary = score_file(scorer, source, tmp_path / "out.csv")
    found = read_csv(tmp_path / "out.csv")
    assert list(found[0]) == ["note", "text", "target", *RESULT_FIELDS, ERROR]
    assert [[row[c] for c in rows[0]] for row in found] == rows[1:]
    wanted = Predictor.load(tfidf_bundle).predict(
        [StancePair(QUOTE, "the treaty"), StancePair(QUOTE, "the levy")]
    )
    for row, stance in zip(found, wanted, strict=True):
        assert row["label"] == stance.label
        assert float(row["score"]) == stance.score
        assert float(row["p_neutral"]) == stance.probabilities["neutral"]
        assert row["abstained"] == str(stance.abstained).lower()
        assert row[ERROR] == ""
    assert (summary.rows, summary.scored, summary.errors) == (2, 2, 0)


def test_jsonl_keeps_nested_fields_and_adds_no_error_to_good_rows(
    scorer: Watched, tmp_path: Path
) -> None:
    given_row = {"text": QUOTE, "target": "the treaty", "meta": {"day": [1, 2]}, "n": 3, "x": None}
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(given_row) + "\n\n")
    score_file(scorer, source, tmp_path / "out.jsonl")
    (found,) = read_jsonl(tmp_path / "out.jsonl")
    assert {name: found[name] for name in given_row} == given_row
    assert set(found) - set(given_row) == set(RESULT_FIELDS)


def test_jsonl_becomes_csv_with_the_columns_of_all_rows(scorer: Watched, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = [{"text": QUOTE, "target": "a"}, {"text": QUOTE, "target": "b", "late": ["x"]}]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    score_file(scorer, source, tmp_path / "out.csv")
    assert [row["late"] for row in read_csv(tmp_path / "out.csv")] == ["", '["x"]']


def test_bad_rows_of_a_csv_file_do_not_lose_the_others(scorer: Watched, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(
        b"\xef\xbb\xbftext,target\r\n"
        b"We welcome it,the treaty\r\n"
        b"too,many,cells\r\n"
        b"few\r\n"
        b"caf\xe9,the treaty\r\n"
        b'"We"reject it,the treaty\r\n'
        b",the treaty\r\n"
        b"We reject it,unreadable\r\n"
        b"We reject it,the treaty\r\n"
    )
    summary = score_file(scorer, source, tmp_path / "out.csv")
    found = read_csv(tmp_path / "out.csv")
    assert [row["label"] for row in found] == ["favor", "", "", "", "", "", "", "against"]
    for row, reason in zip(
        found[1:7],
        ["found 3", "found 1", "not UTF-8", "line 6", "text: is empty", "cannot be read"],
        strict=True,
    ):
        assert reason in row[ERROR]
    assert (summary.scored, summary.errors) == (2, 6)
    assert [p.where for p in summary.first_errors][:2] == [f"{source}:3", f"{source}:4"]


@pytest.mark.parametrize(
    ("end", "lines", "labels"),
    [
        ('so "we" said,the treaty\nWe reject it,the treaty\n', "3-5", ["favor", "", "against"]),
        ("We reject it,the treaty\n", "3-5", ["favor", ""]),  # never closed
    ],
)
def test_lines_that_an_open_quotation_mark_swallows_are_told(
    scorer: Watched, tmp_path: Path, end: str, lines: str, labels: list[str]
) -> None:
    source = tmp_path / "in.csv"
    start = 'text,target\nWe welcome it,the treaty\n"We reject it,the treaty\nIt is so,the levy\n'
    source.write_text(start + end)
    summary = score_file(scorer, source, tmp_path / "out.csv")
    found = read_csv(tmp_path / "out.csv")
    assert [row["label"] for row in found] == labels
    assert f"lines {lines} are lost: a quotation mark opened on line 3" in found[1][ERROR]
    assert (summary.errors, summary.lost_lines) == (1, 3)


@pytest.mark.parametrize(
    "line",
    [
        b"{broken",
        b"[1, 2]",
        b'{"text": 5, "target": "t"}',
        b'{"text": "words"}',
        b'{"text": "words", "target": "t", "n": NaN}',
        b'{"text": "words", "target": "t", "n": 1e999}',
        b'{"text": "caf\xe9", "target": "t"}',
        b'{"text": "words", "target": "!!"}',
        b'{"text": "words", "target": "' + b"t" * 301 + b'"}',
        b"[" * 100_000,
    ],
)
def test_bad_lines_of_a_jsonl_file_do_not_lose_the_others(
    scorer: Watched, tmp_path: Path, line: bytes
) -> None:
    good = json.dumps({"text": QUOTE, "target": "the treaty"}).encode()
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join([good, line, good]))
    summary = score_file(scorer, source, tmp_path / "out.jsonl")
    found = read_jsonl(tmp_path / "out.jsonl")
    assert [ERROR in row for row in found] == [False, True, False]
    assert (summary.scored, summary.errors) == (2, 1)


def test_a_lone_surrogate_comes_back_as_it_was(scorer: Watched, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "We welcome \\ud800 it", "target": "the treaty"}\n')
    score_file(scorer, source, tmp_path / "out.jsonl")
    assert read_jsonl(tmp_path / "out.jsonl")[0]["text"] == "We welcome \ud800 it"


def test_neighbouring_rows_of_one_quote_are_asked_together(scorer: Watched, tmp_path: Path) -> None:
    quotes = [f"We welcome point {i // 3}." for i in range(CHUNK + 50)]
    rows = [["text", "target"], *([q, f"target {i}"] for i, q in enumerate(quotes))]
    score_file(scorer, write_csv(tmp_path / "in.csv", rows), tmp_path / "out.csv")
    assert len(scorer.asked) > 1
    assert all(len(asked) <= CHUNK for asked in scorer.asked)
    homes = [{pair.text for pair in asked} for asked in scorer.asked]
    assert sum(map(len, homes)) == len(set().union(*homes))
    assert [p.text for asked in scorer.asked for p in asked] == quotes


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 6))
def test_chunks_lose_nothing_and_are_never_too_long(values: list[int], size: int) -> None:
    rows = [Row(i, {"text": value}) for i, value in enumerate(values)]
    found = list(chunks(rows, "text", size))
    assert [row for chunk in found for row in chunk] == rows
    assert all(1 <= len(chunk) <= size for chunk in found)


CELL = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(CELL, CELL), max_size=5))
def test_what_is_written_as_csv_is_read_back(rows: list[tuple[str, str]]) -> None:
    stream = io.StringIO(newline="")
    writer = RowWriter(stream, ".csv", ["a", "b"])
    for a, b in rows:
        writer.write({"a": a, "b": b})
    stream.seek(0)
    assert [tuple(cells) for cells in csv.reader(stream, strict=True)][1:] == rows


def test_an_output_that_is_a_link_stays_one(scorer: Watched, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", [["text", "target"], [QUOTE, "the treaty"]])
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    score_file(scorer, source, link)
    assert link.is_symlink()
    assert read_csv(real)[0]["label"]


def test_a_file_is_not_scored_onto_itself(scorer: Watched, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", [["text", "target"], [QUOTE, "the treaty"]])
    before, link = source.read_bytes(), tmp_path / "link.csv"
    link.symlink_to(source)
    for out in (source, link):
        with pytest.raises(ConfigError, match="is the file that is read"):
            score_file(scorer, source, out)
    assert source.read_bytes() == before


def test_a_scorer_out_of_order_leaves_the_output_as_it_was(tmp_path: Path) -> None:
    class Away:
        def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
            raise StancewireError("away")

    source = write_csv(tmp_path / "in.csv", [["text", "target"], [QUOTE, "the treaty"]])
    out = tmp_path / "out.csv"
    out.write_text("before")
    with pytest.raises(StancewireError, match="away"):
        score_file(Away(), source, out)
    assert out.read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "quote,target\nx,y\n", "no field text; found: quote, target"),
        ("in.csv", "text,target,score\nx,y,1\n", "score already"),
        ("in.csv", "text,target,text\nx,y,z\n", "named twice: 'text'"),
        ("in.csv", "", "expected a header"),
        ("in.jsonl", '{"text": "x", "target": "y", "error": 1}\n', "error already"),
        ("in.txt", "x", "ending in .csv or .jsonl"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_any_work(
    scorer: Watched, tmp_path: Path, name: str, content: str, message: str
) -> None:
    source = tmp_path / name
    source.write_text(content)
    with pytest.raises(DataError, match=message):
        score_file(scorer, source, tmp_path / "out.csv")
    assert not scorer.asked
    assert not (tmp_path / "out.csv").exists()


def test_a_missing_file_or_folder_is_named(scorer: Watched, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv"):
        score_file(scorer, tmp_path / "none.csv", None)
    source = write_csv(tmp_path / "in.csv", [["text", "target"], ["x", "y"]])
    with pytest.raises(ConfigError, match="no such folder"):
        score_file(scorer, source, tmp_path / "none" / "out.csv")
    with pytest.raises(ConfigError, match=r"out\.txt"):
        score_file(scorer, source, tmp_path / "out.txt")


def test_a_cell_may_hold_line_breaks_and_rows_know_their_last_line(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", [["text", "target"], ["a\nb\u2028c", "t"], ["d", "t"]])
    assert [(row.line, row.fields["text"]) for row in read_rows(source)] == [
        (3, "a\nb\u2028c"),
        (4, "d"),
    ]
    assert survey(source).rows == 2


def test_an_empty_file_gives_an_empty_file(scorer: Watched, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("\n")
    assert score_file(scorer, source, tmp_path / "out.jsonl").rows == 0
    assert (tmp_path / "out.jsonl").read_text() == ""


def test_fields_of_a_stance_are_the_documented_ones(tfidf_bundle: Bundle) -> None:
    (stance,) = Predictor.load(tfidf_bundle).predict([StancePair(QUOTE, "the treaty")])
    assert tuple(as_fields(stance)) == RESULT_FIELDS
