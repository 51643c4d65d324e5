import csv
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stancewire.bundle import Bundle
from stancewire.cli import main
from stancewire.data.files import read_records, write_records
from stancewire.data.pool import PoolItem, read_items
from stancewire.records import Record

PAGE = Path(__file__).parents[2] / "docs" / "annotation-loop.md"


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STANCEWIRE_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def batch(make_record: Callable[..., Record]) -> Path:
    """Three items without a label, in `batch.jsonl`."""
    items = [PoolItem.of(make_record(id=f"q{i}", text=f"We said {i}.")) for i in range(3)]
    write_records("batch.jsonl", items)
    return Path("batch.jsonl")


def write_labels(name: str, labels: dict[str, str]) -> str:
    rows = [{"id": i, "annotator": name, "stance": stance} for i, stance in labels.items()]
    Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"{name}.jsonl"


# What people do in their tools between two commands of the page: file → who fills what.


def fill_sheet(path: str, labels: list[str]) -> None:
    with open("sheet.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([row | {"label": label} for row, label in zip(rows, labels, strict=True)])


def fill_label_studio() -> None:
    choices = {"from_name": "stance", "to_name": "text", "type": "choices",
               "value": {"choices": ["favor"]}}  # fmt: skip
    by = {"id": 4, "email": "cleo@desk.example"}
    tasks = [
        task | {"annotations": [{"completed_by": by, "result": [choices]}]}
        for task in json.loads(Path("tasks.json").read_text("utf-8"))
    ]
    Path("export.json").write_text(json.dumps(tasks))


def fill_argilla() -> None:
    rows = [
        {**record["fields"], **record["metadata"], "stance.responses": ["neutral"],
         "stance.responses.users": ["u-1"], "stance.responses.status": ["submitted"]}
        for record in json.loads(Path("records.json").read_text("utf-8"))
    ]  # fmt: skip
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def fill_doccano() -> None:
    lines = Path("lines.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) | {"label": ["neutral/mention"]} for line in lines]
    Path("dora.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_page_works_as_it_stands(
    tfidf_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGE.read_text("utf-8")
    (pool,) = re.findall(r"```csv\n(.*?)```", page, re.S)
    Path("pool.csv").write_text(pool, "utf-8")
    tfidf_bundle.folder.rename("model")
    labelled = {
        "ana.csv": lambda: fill_sheet("ana.csv", ["favor", "favor", "against", "neutral"]),
        "ben.csv": lambda: fill_sheet("ben.csv", ["favor", "against", "against", "neutral"]),
        "export.json": fill_label_studio,
        "answers.jsonl": fill_argilla,
        "dora.jsonl": fill_doccano,
    }
    commands = [
        shlex.split(line)
        for block in re.findall(r"^```sh\n(.*?)^```", page, re.S | re.M)
        for line in block.splitlines()
    ]
    assert len(commands) == 13
    for command in commands:
        assert command[0] == "stancewire"
        if command[2] == "import":
            labelled[command[3]]()
        assert run(*command[1:]) == 0, command
    shown = capsys.readouterr().out
    assert "agreement of ana, ben, cleo" in shown
    stances = [record.stance.value for record in read_records("records.jsonl")]
    assert stances == ["favor", "favor", "against", "neutral"]
    report = json.loads(Path("merge.json").read_text("utf-8"))
    assert [dispute["decision"] for dispute in report["disputes"]] == stances[1:]
    assert Path("hard.jsonl").read_text() == ""


def test_merging_without_a_rule_lists_every_dispute_and_exits_2(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ana = write_labels("ana", {"q0": "favor", "q1": "favor", "q2": "neutral"})
    ben = write_labels("ben", {"q0": "against", "q1": "favor", "q2": "against"})
    assert run("data", "merge", ana, ben, "--items", str(batch), "--out", "records.jsonl") == 2
    told = capsys.readouterr().err
    assert "q0: stance: ana: favor; ben: against" in told
    assert "q2: stance: ana: neutral; ben: against" in told
    assert "q1" not in told
    assert not Path("records.jsonl").exists()


def test_what_a_rule_decides_is_said_and_kept(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ana = write_labels("ana", {"q0": "favor", "q1": "favor"})
    ben = write_labels("ben", {"q0": "against", "q1": "favor"})
    options = ["--rule", "expert:ben", "--report", "r.json", "--single", "single.jsonl"]
    assert run("data", "merge", ana, ben, "--items", str(batch), "--out", "o.jsonl", *options) == 0
    assert "q0: ana favor, ben against → against" in capsys.readouterr().out
    assert [(r.id, r.stance) for r in read_records("o.jsonl")] == [
        ("q0", "against"), ("q1", "favor"),
    ]  # fmt: skip
    report = json.loads(Path("r.json").read_text())
    assert (report["rule"], report["unlabelled"]) == ("expert:ben", ["q2"])
    assert run("data", "agreement", "single.jsonl", "--json") == 0
    from_single = json.loads(capsys.readouterr().out)
    assert run("data", "agreement", ana, ben, "--json") == 0
    assert json.loads(capsys.readouterr().out) == from_single
    assert from_single["all"] == {"items": 2, "alpha": 0.0, "percent": 50.0}


def test_labels_do_not_travel_unless_asked(
    make_record: Callable[..., Record],
) -> None:
    write_records("records.jsonl", [make_record(stance="against")])
    command = ["data", "export", "records.jsonl", "--format", "label-studio", "--out", "t.json"]
    assert run(*command) == 0
    assert "against" not in Path("t.json").read_text()
    assert run(*command, "--with-labels") == 0
    assert "against" in Path("t.json").read_text()


def test_suggestions_are_those_of_the_bundle(batch: Path, tfidf_bundle: Bundle) -> None:
    folder = str(tfidf_bundle.folder)
    command = ["data", "export", str(batch), "--format", "label-studio", "--out", "t.json"]
    assert run(*command, "--bundle", folder) == 0
    for task in json.loads(Path("t.json").read_text()):
        (prediction,) = task["predictions"]
        assert tfidf_bundle.sha256[:12] in prediction["model_version"]
        assert prediction["result"][0]["value"]["choices"] == ["neutral"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["export", "batch.jsonl", "--format", "csv", "--out", "x.json"], "ending in .csv"),
        (["export", "batch.jsonl", "--format", "jsonl", "--out", "batch.jsonl"], "is an input"),
        (["export", "gone.jsonl", "--format", "csv", "--out", "x.csv"], "cannot read gone.jsonl"),
        (["sample", "batch.jsonl", "--strategy", "uncertainty", "--out", "x.jsonl"], "one bundle"),
        (["import", "batch.jsonl", "--format", "jsonl", "--rename", "x", "--out", "y"], "OLD=NEW"),
        (["merge", "l.jsonl", "--items", "batch.jsonl", "--rule", "unanimous", "--out", "x"],
         "--hard"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_exit_2(
    batch: Path, argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", *argv) == 2
    assert told in capsys.readouterr().err
    assert sorted(p.name for p in Path().iterdir()) == ["batch.jsonl"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["import", "q.csv", "--format", "csv", "--out", "y", "--items", "q.csv"], "is an input"),
        (["import", "q.csv", "--format", "csv", "--out", "y", "--items", "y"], "two outputs"),
        (["import", "q.csv", "--format", "csv", "--out", "q.csv"], "is an input"),
        (["merge", "l", "--items", "q.csv", "--out", "r", "--hard", "r"], "two outputs"),
        (["merge", "l", "--items", "q.csv", "--out", "r", "--report", "h", "--single", "h"],
         "two outputs"),
        (["merge", "l", "--items", "q.csv", "--out", "r", "--single", "l"], "is an input"),
        (["sample", "q.csv", "--out", "q.csv"], "is an input"),
    ],
)  # fmt: skip
def test_nothing_is_written_over_an_input_or_another_output(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("q.csv", "l"):
        Path(name).write_text(name)
    assert run("data", *argv) == 2
    assert told in capsys.readouterr().err
    assert {p.name: p.read_text() for p in Path().iterdir()} == {"q.csv": "q.csv", "l": "l"}


def test_labels_in_a_column_of_another_name_are_not_lost(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "export", str(batch), "--format", "csv", "--out", "sheet.csv") == 0
    text = Path("sheet.csv").read_text("utf-8").replace(",label,", ",Label,")
    Path("ana.csv").write_text(text, "utf-8")
    command = ["data", "import", "ana.csv", "--format", "csv", "--out", "ana.jsonl"]
    assert run(*command, "--annotator", "ana") == 2
    assert "ana.csv: Label: expected 'label'" in capsys.readouterr().err
    assert not Path("ana.jsonl").exists()


def test_agreement_refuses_what_is_nested_deeply(capsys: pytest.CaptureFixture[str]) -> None:
    Path("deep.jsonl").write_text("[" * 100_000)
    assert run("data", "agreement", "deep.jsonl") == 2
    assert "expected a JSON object" in capsys.readouterr().err


def test_an_annotator_is_not_renamed_to_nobody(batch: Path) -> None:
    command = ["data", "import", str(batch), "--format", "jsonl", "--out", "y"]
    assert run(*command, "--rename", "ana= ") == 2


def test_an_import_with_one_bad_label_writes_nothing(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "export", str(batch), "--format", "csv", "--out", "sheet.csv") == 0
    fill_sheet("ana.csv", ["favor", "yes", ""])
    command = ["data", "import", "ana.csv", "--format", "csv", "--out", "ana.jsonl"]
    assert run(*command, "--annotator", "ana") == 2
    assert "ana.csv:3: stance" in capsys.readouterr().err
    assert not Path("ana.jsonl").exists()
    assert run(*command) == 2
    assert "give the annotator" in capsys.readouterr().err


def test_a_sample_says_when_the_pool_is_short(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records("done.jsonl", read_items(batch)[:1])
    argv: list[Any] = ["data", "sample", str(batch), "-n", "5", "--labelled", "done.jsonl"]
    assert run(*argv, "--strategy", "random", "--out", "next.jsonl") == 0
    told = "2 of 3 items (5 asked for: 1 are labelled, 0 nearly equal one labelled or drawn)"
    assert told in capsys.readouterr().out
    assert {item.id for item in read_items("next.jsonl")} == {"q1", "q2"}


def test_a_sample_says_that_twins_were_left_out(
    make_record: Callable[..., Record], capsys: pytest.CaptureFixture[str]
) -> None:
    write_records("pool.jsonl", [PoolItem.of(make_record(id=f"q{i}")) for i in range(9)])
    assert run("data", "sample", "pool.jsonl", "--strategy", "random", "--out", "next.jsonl") == 0
    told = "1 of 9 items (100 asked for: 0 are labelled, 8 nearly equal one labelled or drawn)"
    assert told in capsys.readouterr().out
