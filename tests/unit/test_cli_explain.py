import io
import json
import sys

import pytest
from rich.console import Console

from stancewire import Bundle, Predictor, StancePair
from stancewire.cli import main
from stancewire.cli_explain import coloured
from stancewire.explain import Span, explain

QUOTE = "  We “welcome” the [red]treaty.\n"


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    return int(ended.value.code or 0)


def test_json_is_the_explanation_of_the_predictor(tfidf_bundle: Bundle, capsys):
    options = ["-t", "the treaty", "-t", "“x”", "--bundle", str(tfidf_bundle.folder), "--json"]
    assert run("explain", QUOTE, *options) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["model"]["sha256"] == tfidf_bundle.sha256
    assert document["text"] == QUOTE.strip()
    predictor = Predictor.load(tfidf_bundle)
    for result, target in zip(document["results"], ["the treaty", "“x”"], strict=True):
        found = explain(predictor, StancePair(QUOTE.strip(), target))
        assert (result["target"], result["label"]) == (target, found.stance.label)
        for side, whole in (("text", document["text"]), ("target", target)):
            spans = result["explanation"][side]
            assert [s["weight"] for s in spans] == [s.weight for s in getattr(found, side)]
            assert [whole[s["start"] : s["end"]] for s in spans] == [s["word"] for s in spans]


def test_where_there_is_no_terminal_every_word_is_a_plain_line(tfidf_bundle: Bundle, capsys):
    assert run("explain", QUOTE, "-t", "x", "--bundle", str(tfidf_bundle.folder)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert QUOTE.strip() in out
    (line,) = [line.split("\t") for line in out.splitlines() if line.endswith("\twelcome")]
    assert line[1:] == ["quote", "4", "11", "welcome"]
    assert float(line[0]) > 0.5


def test_in_a_terminal_words_are_coloured_by_what_they_did(
    tfidf_bundle: Bundle, monkeypatch, capsys
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    quote = "Welcome, [red]welcome, and no reject of it."
    assert run("explain", quote, "-t", "x", "--bundle", str(tfidf_bundle.folder)) == 0
    out = capsys.readouterr().out
    assert "32mwelcome\x1b[0m" in out
    assert "35mreject\x1b[0m" in out
    assert "[red]" in out
    assert "\t" not in out


def test_the_stronger_the_bolder():
    spans = [Span(2 * i, 2 * i + 1, "x", weight) for i, weight in enumerate((1, -0.5, 0.2, 0.05))]
    shown = coloured("a b c d", spans, 1.0, "against")
    styles = [(shown.plain[s.start : s.end], str(s.style)) for s in shown.spans]
    assert styles == [("a", "bold underline red"), ("b", "bold magenta"), ("c", "red")]
    assert not coloured("a", [Span(0, 1, "a", 0.0)], 0.0, "favor").spans
    Console(file=io.StringIO()).print(shown)


def test_a_dash_reads_the_quote(tfidf_bundle: Bundle, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("We welcome it.\n"))
    assert run("explain", "-", "-t", "x", "--bundle", str(tfidf_bundle.folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["text"] == "We welcome it."


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["", "-t", "x"], 2, "quote is empty"),
        (["We agree.", "-t", " … "], 2, "target"),
        (["We agree.", "-t", "a" * 301], 2, "longer than 300"),
        (["We agree.", "-t", "x", "--bundle", "nowhere"], 3, "nowhere"),
        (["We agree."], 2, "--target"),
    ],
)
def test_what_cannot_be_explained_is_told(argv, code, message, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("explain", *argv) == code
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
