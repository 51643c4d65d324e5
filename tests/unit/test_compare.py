"""Two models side by side: the figures, the changes and the slices are those of the answers."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire import Bundle, Record
from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.cli import main
from stancewire.errors import BundleError, DataError, RegistryError
from stancewire.labels import INDEX, ORDER
from stancewire.training.compare import compare, compare_models, open_model
from stancewire.training.compare_page import page, said, shown, slices_said, verdict
from stancewire.training.evaluate import Evaluation
from stancewire.training.slices import MIN_PAIRS, slices_of

N = 120
HOSTILE = "<script>alert(\"x\")</script> & <b onmouseover='y'>[red]"


def record(i, **changes):
    fields = {
        "id": f"r{i}", "text": f"statement number {i}", "target": f"target {i}",
        "stance": ORDER[i % 3], "source": "test", "licence": "CC0-1.0", "split": "test",
        "annotators": ("a",), "tags": ("even" if i % 2 == 0 else "odd", f"field:{i // 60}"),
    }  # fmt: skip
    return Record.model_validate(fields | changes)


RECORDS = tuple(record(i) for i in range(N))


def evaluation(name, wrong=(), records=RECORDS):
    """Right except for the items in `wrong`."""
    right = [INDEX[r.stance] for r in records]
    answers = [(c + 1) % 3 if i in set(wrong) else c for i, c in enumerate(right)]
    return Evaluation(name, records, 0.7 * np.eye(3)[answers] + 0.1, (False,) * len(records))


def by_name(differences):
    return {d.name: d for d in differences}


def test_figures_are_those_of_the_evaluations_and_a_clear_gain_is_told():
    a, b = evaluation("a", range(0, N, 2)), evaluation("b", range(0, N, 12))

    found = compare(a, b, where="press, test")

    metrics = by_name(found.metrics)
    for name in ("macro_f1", "accuracy", "nll", "ece", "aurc"):
        assert (metrics[name].a, metrics[name].b) == (a.figures[name], b.figures[name])
    for d in (metrics["accuracy"], metrics["nll"]):
        assert d.low <= d.b - d.a <= d.high
        assert verdict(d) == "better"
    assert metrics["accuracy"].b > metrics["accuracy"].a
    assert metrics["nll"].b < metrics["nll"].a
    back = by_name(compare(b, a, where="").metrics)
    assert verdict(back["accuracy"]) == verdict(back["nll"]) == "worse"


def test_a_model_beside_itself_has_moved_nowhere():
    found = compare(evaluation("a", range(9)), evaluation("b", range(9)), where="")

    assert not found.changes and not found.moved
    assert all(d.low == d.high == 0 and verdict(d) == "within noise" for d in found.metrics)
    assert found.slices


def test_as_many_fixed_as_broken_is_within_noise():
    found = compare(evaluation("a", range(15)), evaluation("b", range(15, 30)), where="")

    accuracy = by_name(found.metrics)["accuracy"]
    assert accuracy.low < 0 < accuracy.high
    assert (found.count("fixed"), found.count("broken"), found.count("other")) == (15, 15, 0)


def test_changes_say_what_they_are_and_the_broken_come_first():
    a = evaluation("a", [0, 1, 2])
    answers = b_answers = [INDEX[r.stance] for r in RECORDS]
    b_answers[1], b_answers[2], b_answers[3] = (answers[1] + 2) % 3, (answers[2] + 1) % 3, 1
    b = Evaluation("b", RECORDS, 0.7 * np.eye(3)[b_answers] + 0.1, (False,) * N)

    found = compare(a, b, where="").changes

    # 0: wrong → right; 1: wrong → otherwise wrong; 2: wrong as before; 3: right → wrong
    assert [(c.record.id, c.kind) for c in found] == [
        ("r3", "broken"), ("r0", "fixed"), ("r1", "other"),
    ]  # fmt: skip
    assert (found[0].a, found[0].b) == (ORDER[0], ORDER[1])
    assert found[0].confidence_b == pytest.approx(0.8)


def test_only_the_slice_that_moved_has_moved():
    # All that B gets wrong and A does not is odd and of field 1.
    a, b = evaluation("a"), evaluation("b", range(61, N, 2))

    found = compare(a, b, where="")

    assert [d.name for d in found.moved[:2]] == ["field: 1", "tag: odd"]
    slices = by_name(found.slices)
    assert slices["field: 0"].b == 1.0 and not slices["field: 0"].moved
    assert not slices["tag: even"].moved
    assert slices["field: 1"].b == 0.5
    assert slices["field: 1"].pairs == 60
    assert verdict(slices["field: 1"]) == "worse"


def test_pairs_of_one_statement_stand_or_fall_together():
    grouped = tuple(record(i, text=f"statement {i // 10}") for i in range(N))
    widths = []
    for records in (RECORDS, grouped):
        a, b = evaluation("a", records=records), evaluation("b", range(40, 60), records)
        d = by_name(compare(a, b, where="").metrics)["accuracy"]
        widths.append(d.high - d.low)

    assert widths[1] > 1.8 * widths[0]


def test_a_slice_too_small_to_say_anything_is_not_shown():
    few = tuple(record(i, tags=("rare",) if i < MIN_PAIRS - 1 else ("common",)) for i in range(N))
    one = tuple(record(i, text="the same" if i < 60 else f"s {i}", tags=(f"h:{i // 60}",))
                for i in range(N))  # fmt: skip

    names = {d.name for d in compare(evaluation("a", (), few), evaluation("b", (), few),
                                     where="").slices}  # fmt: skip
    assert "tag: common" in names and "tag: rare" not in names
    names = {d.name for d in compare(evaluation("a", (), one), evaluation("b", (), one),
                                     where="").slices}  # fmt: skip
    assert "h: 1" in names and "h: 0" not in names


def test_slices_of_a_record():
    found = slices_of(
        record(2, neutral_kind="mention", text="word " * 30, tags=("plain", "field:energy"))
    )

    assert found == {
        "stance: neutral", "neutral kind: mention", "words: 26–50", "source: test", "tag: plain",
        "field: energy",
    }  # fmt: skip
    assert "words: over 100" in slices_of(record(0, text="word " * 101))


def test_answers_to_other_records_are_not_compared():
    other = evaluation("b", records=RECORDS[:-1])
    with pytest.raises(DataError, match="same records"):
        compare(evaluation("a"), other, where="")
    none = Evaluation("a", (), np.zeros((0, 3)), ())
    with pytest.raises(DataError):
        compare(none, none, where="")


class Tags(HTMLParser):
    """Which tags open, and what the page would fetch or run."""

    def __init__(self):
        super().__init__()
        self.opened = []
        self.attributes = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    tags = Tags()
    tags.feed(html)
    return tags


PLAIN = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "br", "small",
    "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
}  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_no_word_of_the_data_becomes_markup(words):
    records = tuple(
        record(i, text=f"a{words}{HOSTILE} {i}", target=f"b{HOSTILE}{words}", tags=(HOSTILE,))
        for i in range(24)
    )
    a, b = evaluation(HOSTILE + words, range(6), records), evaluation("b", range(3, 9), records)

    html = page(compare(a, b, where=HOSTILE, rounds=20))

    found = read(html)
    assert set(found.opened) == PLAIN
    assert {name for name, _ in found.attributes} <= {
        "lang", "charset", "name", "content", "http-equiv", "class", "dir", "open",
    }  # fmt: skip
    assert any(HOSTILE in text for text in found.text)


def test_the_page_needs_nothing_else_and_says_what_was_found():
    found = compare(evaluation("a", range(9)), evaluation("b", range(5, 20)), where="press, test")

    html = page(found)

    assert not re.search(r"https?://|src=|href=|url\(|@import", html)
    assert "default-src 'none'" in html
    text = " ".join(read(html).text)
    assert said(found) in text and slices_said(found) in text
    for change in found.changes:
        assert change.record.text in text and change.record.target in text
    accuracy = by_name(found.metrics)["accuracy"]
    assert shown("accuracy", accuracy.b - accuracy.a, signed=True) in text


def bundle_with(tfidf_bundle: Bundle, folder: Path, bias: list[float]) -> Bundle:
    table = tfidf_bundle.json(TFIDF) | {"bias": bias}
    files = {TFIDF: json.dumps(table).encode(), CALIBRATION: tfidf_bundle.bytes(CALIBRATION)}
    return write_bundle(folder, files, {"family": "tfidf"})


@pytest.fixture
def home(tfidf_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a second bundle that always says neutral, and a corpus."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    bundle_with(tfidf_bundle, tmp_path / "neutral", [0, 0, 9])
    says = {"favor": "We welcome it", "against": "We reject it", "neutral": "It rains"}
    rows = [
        record(
            i, text=f"{says[ORDER[i % 3].value]}, they said {i}.", split=split, id=f"{split}-{i}"
        )
        for split in ("dev", "test")
        for i in range(30)
    ]
    lines = [r.model_dump_json() for r in rows]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["compare", *argv])
    return int(ended.value.code or 0)


def test_two_folders_are_compared_in_the_terminal_and_as_a_page(home, capsys):
    options = ["--source", "corpus.jsonl", "--html", "page.html"]

    assert run("bundle", "neutral", *options) == 0

    told = capsys.readouterr()
    assert "30 pairs, 30 statements" in told.out
    assert "20 labels changed: 0 fixed, 20 broken" in told.out
    assert "(5 of 20)" in told.out
    assert "page in page.html" in told.err
    assert (home / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_the_same_as_data(home, capsys):
    assert run("bundle", "neutral", "--source", "corpus.jsonl", "--split", "dev", "--json") == 0

    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["accuracy"]["a"] == 1.0
    assert found["metrics"]["accuracy"]["b"] == pytest.approx(1 / 3)
    assert len(found["changes"]) == 20
    assert all(change["id"].startswith("dev-") for change in found["changes"])


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["bundle", "./none"], 3, "manifest.json"),
        (["bundle", "corpus.jsonl/x"], 3, "manifest.json"),
        (["bundle", "7"], 5, "there is no mlflow.db"),
        (["bundle", "neutral", "--source", "none.jsonl"], 2, "none.jsonl"),
        (["bundle", "neutral", "--html", "no/page.html"], 2, "there is no such folder"),
        (["bundle"], 2, ""),
    ],
)
def test_what_cannot_be_compared_is_one_message(home, capsys, argv, code, message):
    source = [] if "--source" in argv else ["--source", "corpus.jsonl"]
    assert run(*argv, *source) == code
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told


def test_a_harmed_bundle_is_refused(home):
    (home / "neutral" / TFIDF).write_bytes(b"{}")
    with pytest.raises(BundleError, match=re.escape(TFIDF)):
        open_model("neutral", home / "unused")


def test_a_version_is_found_by_number_and_by_alias(home, monkeypatch):
    from stancewire.training import registry

    class Fake:
        def aliases(self):
            return {"champion": "4"}

        def version(self, ref):
            if ref not in ("4", "latest"):
                raise RegistryError(f"there is no version {ref!r}")
            return type("Version", (), {"version": "4" if ref == "4" else "9"})

        def bundle(self, number, folder):
            assert folder.is_dir()
            return (number, Bundle.open("neutral"))

    monkeypatch.setattr(registry, "Registry", Fake)
    for ref, name, number in (
        ("4", "version 4", "4"),
        ("latest", "version 9", "9"),
        ("champion", "version 4 (@champion)", "4"),
    ):
        found, (downloaded, _) = open_model(ref, home / "download")
        assert (found, downloaded) == (name, number)
    with pytest.raises(RegistryError, match="'none'"):
        open_model("none", home / "download")


def test_only_records_with_a_tag_can_be_asked(home):
    found = compare_models("bundle", "neutral", source="corpus.jsonl", only_tag="even")

    assert found.pairs == 15
    assert found.where == "corpus.jsonl, test, tag even"
