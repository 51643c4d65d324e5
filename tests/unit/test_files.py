import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from stancewire.data.files import (
    MAX_PROBLEMS,
    check_outputs,
    content_hash,
    read_records,
    write_records,
)
from stancewire.errors import ConfigError, DataError, Problem
from stancewire.records import Record

Make = Callable[..., Record]

# Anything a string of a record may hold: no lone surrogates, and at least one letter or digit.
WORDS = st.text(st.characters(exclude_categories=["Cs"])).map(lambda t: f"{t}w")
# What one cell of a CSV file can hold as one of several values.
TAGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|"), min_size=1)
NAMES = TAGS.map(lambda t: f"{t}w")


@st.composite
def record_lists(draw: DrawFn) -> list[Record]:
    ids = draw(st.lists(st.from_regex(r"[a-z0-9][a-z0-9._:/-]{0,9}", fullmatch=True),
                        min_size=1, max_size=6, unique=True))  # fmt: skip
    return [
        Record.model_validate(
            {
                "id": one,
                "text": draw(WORDS),
                "target": draw(WORDS),
                **draw(st.sampled_from([
                    {"stance": "favor"}, {"stance": "neutral"},
                    {"stance": "neutral", "neutral_kind": "unrelated"},
                ])),
                "speaker": draw(st.none() | WORDS),
                "date": draw(st.none() | st.dates().map(str)),
                "source": draw(WORDS),
                "licence": "Apache-2.0",
                "split": draw(st.sampled_from(["train", "dev", "test", "golden"])),
                "annotators": draw(st.lists(NAMES, min_size=1, max_size=3)),
                "tags": draw(st.lists(TAGS, max_size=3)),
            }
        )
        for one in ids
    ]  # fmt: skip


def write_csv(path: Path, records: list[Record]) -> None:
    rows = [json.loads(record.model_dump_json()) for record in records]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, Record.model_fields)
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {name: "|".join(row[name]) for name in ("annotators", "tags")})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@given(records=record_lists(), order=st.randoms(use_true_random=False))
def test_what_is_written_is_read_back(folder: Path, records: list[Record], order: Any):
    shuffled = order.sample(records, len(records))
    write_records(folder / "a.jsonl", records)
    write_records(folder / "b.jsonl", shuffled)
    write_csv(folder / "c.csv", shuffled)
    assert read_records(folder / "a.jsonl") == records
    assert read_records(folder / "c.csv") == shuffled
    hashes = {content_hash(read_records(folder / n)) for n in ("a.jsonl", "b.jsonl", "c.csv")}
    assert hashes == {content_hash(records)}


@given(records=record_lists(), data=st.data())
def test_the_hash_sees_every_field(records: list[Record], data: st.DataObject):
    index = data.draw(st.integers(0, len(records) - 1))
    field = data.draw(st.sampled_from(["text", "target", "source", "licence"]))
    changed = records[index].model_dump() | {field: getattr(records[index], field) + "."}
    others = [*records[:index], Record.model_validate(changed), *records[index + 1 :]]
    assert content_hash(others) != content_hash(records)
    assert content_hash(records[:-1]) != content_hash(records)


def problems_of(path: Path, content: str | bytes | None = None) -> list[Problem]:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as caught:
        read_records(path)
    assert str(path) in caught.value.summary
    return list(caught.value.problems)


def line(make_record: Make, **changes: Any) -> str:
    """One JSON line, valid or not: the changes are not checked."""
    return json.dumps(json.loads(make_record().model_dump_json(exclude_none=True)) | changes)


def test_all_bad_lines_are_told_at_once(make_record: Make, tmp_path: Path):
    path = tmp_path / "train.jsonl"
    lines = [
        line(make_record),
        line(make_record, id="b", stance="pro", split="validation"),
        "",
        "{not json",
        line(make_record, id="c", sentiment="good"),
        line(make_record, id="a"),
        '"a string"',
    ]
    found = problems_of(path, "\n".join(lines))
    where = [(p.where.removeprefix(f"{path}:"), p.field) for p in found]
    assert sorted(where) == [
        ("2", "split"), ("2", "stance"), ("4", "line"), ("5", "sentiment"), ("6", "id"),
        ("7", "record"),
    ]  # fmt: skip
    told = {p.field: p.message for p in found}
    assert "'favor', 'against' or 'neutral'" in told["stance"]
    assert "found 'pro'" in told["stance"]
    assert "line 1" in told["id"]


def test_the_list_of_faults_is_capped_and_the_rest_counted(make_record: Make, tmp_path: Path):
    lines = [line(make_record, id=f"r{i}", stance="pro") for i in range(MAX_PROBLEMS + 30)]
    path = tmp_path / "x.jsonl"
    assert len(problems_of(path, "\n".join(lines))) == MAX_PROBLEMS
    with pytest.raises(DataError, match=f"{MAX_PROBLEMS + 30} problem.*first {MAX_PROBLEMS}"):
        read_records(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no record"),
        (b"\xef\xbb\xbf\n\n", "holds no record"),
        (b"\0\0\0", "expected a JSON object"),
        (b"[" * 100_000, "expected a JSON object"),
        (b'{"a":' * 100_000, "expected a JSON object"),
        (b"9" * 5000, "expected a JSON object"),
        (b"{" + b'"k": 1, ' * 100_000 + b'"k": 2}', "key 'k' stands twice"),
        (b"null", "found None"),
    ],
)
def test_hostile_json_is_a_told_fault(tmp_path: Path, content: bytes, told: str):
    (problem,) = problems_of(tmp_path / "x.jsonl", content)
    assert told in problem.message


def test_a_lone_surrogate_is_a_told_fault(make_record: Make, tmp_path: Path):
    path = tmp_path / "x.jsonl"
    found = problems_of(path, line(make_record, text="a \ud800 b"))
    assert [(p.where, p.field) for p in found] == [(f"{path}:1", "text")]
    assert "\\ud800" in found[0].message
    str(found[0]).encode()
    found = problems_of(path, line(make_record, **{"\ud800": 1}))
    assert [p.where for p in found] == [f"{path}:1"]
    str(found[0]).encode()


def test_a_lone_surrogate_in_a_tag_is_a_told_fault(make_record: Make, tmp_path: Path):
    path = tmp_path / "x.jsonl"
    found = problems_of(path, line(make_record, tags=["fine", "\ud800"]))
    assert [(p.where, p.field) for p in found] == [(f"{path}:1", "tags.1")]
    str(found[0]).encode()


def test_a_line_with_two_stances_is_refused(make_record: Make, tmp_path: Path):
    twice = line(make_record)[:-1] + ', "stance": "against"}'
    (problem,) = problems_of(tmp_path / "x.jsonl", twice)
    assert "'stance' stands twice" in problem.message


def test_a_huge_value_is_refused_in_few_words(make_record: Make, tmp_path: Path):
    (problem,) = problems_of(tmp_path / "x.jsonl", line(make_record, text="x" * 5_000_000))
    assert problem.field == "text"
    assert len(problem.message) < 200


def test_only_a_line_feed_ends_a_line(make_record: Make, tmp_path: Path):
    text = "one\u2028two\u2029three\x85four\x0bfive"
    record = make_record(text=text)
    path = tmp_path / "x.jsonl"
    path.write_text(record.model_dump_json() + "\r\n" + line(make_record, id="b"), encoding="utf-8")
    assert [r.id for r in read_records(path)] == ["a", "b"]
    assert read_records(path)[0].text == text


def test_a_byte_order_mark_is_no_content(make_record: Make, tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line(make_record).encode())
    assert read_records(path) == [make_record()]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_only_utf8_is_read(tmp_path: Path, encoding: str):
    path = tmp_path / "x.jsonl"
    path.write_bytes('{"text": "café"}'.encode(encoding))
    with pytest.raises(DataError, match="expected UTF-8; byte"):
        read_records(path)


def test_a_spreadsheets_utf16_is_named_with_what_to_do(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_bytes("id,text".encode("utf-16"))
    with pytest.raises(DataError, match=r'this is UTF-16: save it as UTF-8 .*"CSV UTF-8"'):
        read_records(path)


@pytest.mark.parametrize("name", ["x.json", "x.tsv", "x", "x.JSONL.bak"])
def test_the_ending_says_the_format(tmp_path: Path, name: str):
    (tmp_path / name).write_text("{}")
    with pytest.raises(DataError, match=r"ending in \.jsonl or \.csv"):
        read_records(tmp_path / name)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path):
    (tmp_path / "folder.csv").mkdir()
    for name in ("absent.jsonl", "folder.csv"):
        with pytest.raises(DataError, match=f"cannot read .*{name}"):
            read_records(tmp_path / name)


HEADER = "id,text,target,stance,source,licence,split,annotators"


@pytest.mark.parametrize(
    ("rows", "where", "told"),
    [
        ("a,We agree,t,favor,s,l,train,me,one too many", "2", "more cells than the header's 8"),
        ('a,"We" agree,t,favor,s,l,train,me', "2", "expected CSV"),
        ('a,"never closed', "2", "expected CSV"),
        ("a,We agree,t,pro,s,l,train,me", "2", "'favor', 'against' or 'neutral'"),
        ("a,We agree,t,favor,s,l,train", "2", "Field required"),
        ("a,,t,favor,s,l,train,me", "2", "Field required"),
        ('a,"We\nagree",t,favor,s,l,train,me\na,No,t,favor,s,l,train,me', "4", "already in line 3"),
        (f"a,{'x' * 200_000},t,favor,s,l,train,me", "2", "field larger"),
        ("", "", "holds no record"),
    ],
)
def test_a_bad_csv_is_told(tmp_path: Path, rows: str, where: str, told: str):
    path = tmp_path / "x.csv"
    found = problems_of(path, f"{HEADER}\n{rows}\n")
    assert len(found) == 1
    assert told in found[0].message
    assert found[0].where == (f"{path}:{where}" if where else str(path))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path):
    (problem,) = problems_of(
        tmp_path / "x.csv", f"{HEADER},text\na,We agree,t,favor,s,l,train,me,We refuse\n"
    )
    assert "twice" in problem.message


def test_a_spreadsheets_semicolons_spaces_and_capitals_are_read(tmp_path: Path):
    path = tmp_path / "x.csv"
    header = HEADER.replace(",", ";") + ";neutral_kind"
    path.write_text(f'{header}\r\na;"We, too; agree";t, u;Neutral ;s;l;Train;me|you; MENTION\r\n')
    (record,) = read_records(path)
    assert (record.text, record.target) == ("We, too; agree", "t, u")
    assert (record.stance, record.neutral_kind, record.split) == ("neutral", "mention", "train")
    assert record.annotators == ("me", "you")


def test_an_output_is_no_input_and_no_other_output(tmp_path: Path, monkeypatch: Any):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").touch()
    (tmp_path / "linked").hardlink_to("a")
    check_outputs([Path("b"), None, Path("c")], [Path("a")])
    for other in (Path("a"), tmp_path / "a", Path("linked"), Path("x/../a")):
        with pytest.raises(ConfigError, match="is an input"):
            check_outputs([Path("b"), other], [Path("a")])
    with pytest.raises(ConfigError, match="two outputs"):
        check_outputs([Path("b"), None, tmp_path / "b"], [Path("a")])


def test_csv_cells_keep_their_bytes(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_bytes(f'{HEADER},tags\r\na,"one\r\ntwo\rthree",t,favor,s,l,dev,a|b,x|y\r\n'.encode())
    (record,) = read_records(path)
    assert record.text == "one\r\ntwo\rthree"
    assert record.annotators == ("a", "b")
    assert record.tags == ("x", "y")
