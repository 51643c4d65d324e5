import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stancewire import Bundle, Predictor, StancePair
from stancewire.cli import DEBUG, main
from stancewire.errors import GateRefused
from stancewire.serving.settings import Settings

QUOTE = "We welcome the treaty, and we [red]reject the levy."
HEAVY = {"numpy", "onnxruntime", "pydantic", "torch", "transformers", "mlflow", "fastapi", "yaml"}


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No model, registry or setting of the person who runs the tests is seen."""
    for name in (DEBUG, "STANCEWIRE_BUNDLE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STANCEWIRE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def run(*argv: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    return int(ended.value.code or 0)


def test_a_quote_is_scored_toward_each_target_as_the_predictor_does(
    tfidf_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = ["the treaty", "the levy"]
    options = ["--bundle", str(tfidf_bundle.folder), "--json"]
    assert run("score", QUOTE, "-t", targets[0], "-t", targets[1], *options) == 0
    document = json.loads(capsys.readouterr().out)
    wanted = Predictor.load(tfidf_bundle).predict([StancePair(QUOTE, t) for t in targets])
    assert document["model"]["sha256"] == tfidf_bundle.sha256
    for result, target, stance in zip(document["results"], targets, wanted, strict=True):
        assert result == {
            "target": target,
            "label": stance.label.value,
            "score": stance.score,
            "confidence": stance.confidence,
            "probabilities": {k.value: p for k, p in stance.probabilities.items()},
            "abstained": stance.abstained,
            "truncated": stance.truncated,
        }


def test_the_table_shows_words_as_they_are_and_says_when_it_is_not_sure(
    tfidf_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(tfidf_bundle.folder)
    assert run("score", QUOTE, "--target", "[b]x", "--bundle", bundle) == 0
    shown = capsys.readouterr().out
    assert "[red]reject" in shown
    assert "[b]x" in shown
    assert "not sure (" in shown
    assert run("score", "We welcome it.", "--target", "x", "--bundle", bundle) == 0
    assert "not sure" not in capsys.readouterr().out


def test_a_dash_reads_the_quote_from_standard_input(
    tfidf_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("We welcome it.\n"))
    assert run("score", "-", "-t", "x", "--bundle", str(tfidf_bundle.folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["text"] == "We welcome it."


def test_the_bundle_comes_from_the_environment_or_from_what_was_served_last(
    tfidf_bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from stancewire.serving.versions import Version, VersionCache

    assert run("score", "We welcome it.", "-t", "x") == 3
    assert "--bundle" in capsys.readouterr().err
    cache = VersionCache(tmp_path / "cache")
    version = Version(name="stancewire", version="1", run_id=None, folder="stancewire-1-0-0")
    cache.adopt(version, tfidf_bundle)
    cache.remember("stancewire-champion-0", version)
    assert run("score", "We welcome it.", "-t", "x") == 0
    capsys.readouterr()
    monkeypatch.setenv("STANCEWIRE_BUNDLE", str(tmp_path / "elsewhere"))
    assert run("score", "We welcome it.", "-t", "x") == 3
    assert "elsewhere" in capsys.readouterr().err


def test_where_nothing_was_served_the_installed_model_answers_else_the_release(
    tfidf_bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("stancewire.serving.standby.RELEASE", tfidf_bundle.folder)

    def asked() -> str:
        assert run("score", "We welcome it.", "-t", "x", "--json") == 0
        return str(json.loads(capsys.readouterr().out)["model"]["bundle"])

    assert asked() == str(tfidf_bundle.folder)
    assert run("install", str(tfidf_bundle.folder)) == 0
    assert f"installed {tfidf_bundle.sha256[:12]}" in capsys.readouterr().out
    assert asked() == str(tmp_path / "cache" / "installed" / tfidf_bundle.sha256)
    assert run("explain", "We welcome it.", "-t", "x", "--json") == 0


def test_there_is_nothing_to_serve_only_where_no_model_is_at_hand(
    tfidf_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("serve") == 2
    assert "nothing to serve" in capsys.readouterr().err
    served: list[Settings] = []
    monkeypatch.setattr("stancewire.serving.run.serve", served.append)
    monkeypatch.setattr("stancewire.serving.standby.RELEASE", tfidf_bundle.folder)
    assert run("serve") == 0
    Path("mlflow.db").touch()
    assert run("serve") == 0
    assert [one.tracking_uri for one in served] == [None, "sqlite:///mlflow.db"]
    assert {one.release for one in served} == {tfidf_bundle.folder}


def test_a_file_with_a_bad_row_is_written_and_the_exit_code_tells(
    tfidf_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,target\nWe welcome it.,x\n,x\n")
    options = ["--file", "in.csv", "--bundle", str(tfidf_bundle.folder)]
    assert run("score", *options, "--out", "out.jsonl") == 2
    told = capsys.readouterr().err
    assert "2 rows: 1 scored" in told
    assert "in.csv:3: text: " in told
    assert "lines lost" not in told
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [("error" in row, row.get("label")) for row in found] == [(False, "favor"), (True, None)]
    source.write_text('text,target\n"We welcome it.,x\nWe reject it.,x\n')
    assert run("score", *options, "--out", "out.jsonl") == 2
    assert "1 with an error; 2 lines lost" in capsys.readouterr().err
    source.write_text("text,target\nWe welcome it.,x\n")
    assert run("score", *options) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("We welcome it.,x,favor,")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "either a quote"),
        (["q", "--file", "in.csv"], "either a quote"),
        (["q"], "--target"),
        (["q", "-t", "x", "--out", "o.csv"], "--out belongs to --file"),
        (["--file", "in.csv", "-t", "x"], "leave out --target"),
        (["--file", "in.csv", "--json"], ".jsonl instead"),
        (["q", "-t", "x", "--bundle", "b", "--url", "http://localhost"], "either --bundle or"),
        (["q", "-t", "x", "--url", "file:///etc/hostname"], "not an address"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("score", *argv) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("quote", "target"), [("...", "x"), ("words", ""), ("words", "t" * 301)])
def test_a_pair_that_cannot_be_read_is_refused(
    tfidf_bundle: Bundle, capsys: pytest.CaptureFixture[str], quote: str, target: str
) -> None:
    assert run("score", quote, "-t", target, "--bundle", str(tfidf_bundle.folder)) == 2
    assert "error: " in capsys.readouterr().err


def test_an_error_is_a_message_and_a_traceback_only_if_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stancewire import BundleError

    argv = ["score", "We welcome it.", "-t", "x", "--bundle", "none"]
    assert run(*argv) == 3
    told = capsys.readouterr().err
    assert "none/manifest.json" in told
    assert "Traceback" not in told
    monkeypatch.setenv(DEBUG, "1")
    with pytest.raises(BundleError):
        main(argv)


def test_a_refused_version_shows_its_reasons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from stancewire.training import promote

    check = {
        "family": "metrics", "name": "frozen", "verdict": "failed", "measured": 0.5,
        "limit": 0.6125, "words": "d",
    }  # fmt: skip
    verdict = {"candidate": "version 7", "judged_on": "press", "pairs": 9, "checks": [check]}

    def refuse(version: str, *, mode: str, **_: object) -> None:
        assert mode == "enforce"
        raise GateRefused(f"version {version} is refused by: frozen", verdict)

    monkeypatch.setattr(promote, "promote", refuse)
    assert run("promote", "7") == 4
    told = capsys.readouterr().err
    assert "version 7 is refused by: frozen" in told
    assert "0.6125" in told


def test_the_recipe_that_would_run_is_printed_with_what_the_options_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    (tmp_path / "r.yaml").write_text("name: small\nfamily: packed\nseed: 1\n")
    options = ["--seed", "5", "--mirror", "sets", "--base-model", "org/name"]
    options += ["--revision", "ab" * 20]
    assert run("train", "--config", "r.yaml", *options, "--print-config") == 0
    recipe: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    assert recipe["seed"] == 5
    assert recipe["data"]["mirror"] == "sets"
    assert recipe["base"]["path"] == "org/name"
    assert recipe["base"]["revision"] == "ab" * 20


def test_a_recipe_with_an_unknown_key_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.yaml").write_text("name: small\nfamily: packed\nsede: 1\n")
    assert run("train", "--config", "r.yaml") == 2
    assert "sede" in capsys.readouterr().err


def test_serving_without_anything_to_serve_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("serve") == 2
    assert "stancewire promote" in capsys.readouterr().err


def test_an_alias_that_cannot_be_one_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", "--alias", "bad alias", "--tracking-uri", "http://127.0.0.1:1") == 2
    told = capsys.readouterr().err
    assert told.startswith("error: cannot serve: alias: ")
    assert len(told.splitlines()) == 1


def test_a_bad_corpus_is_listed_with_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": "a"}\nnonsense\n')
    assert run("data", "validate", "bad.jsonl") == 2
    told = capsys.readouterr().err
    assert "bad.jsonl:1: text" in told
    assert "bad.jsonl:2" in told


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == version("stancewire")


def test_the_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom stancewire.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "score" in done.stdout
    loaded = set(done.stdout.rpartition("LOADED ")[2].split())
    assert not HEAVY & loaded


def test_the_package_gives_its_names_on_first_use() -> None:
    import stancewire

    assert set(stancewire.__all__) <= set(dir(stancewire))
    assert all(getattr(stancewire, name) is not None for name in stancewire.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Predicter'"):
        _ = stancewire.Predicter  # type: ignore[attr-defined]


@pytest.fixture
def sets_bundle(tfidf_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A bundle that was calibrated with label sets."""
    from stancewire.bundle import CALIBRATION, TFIDF, write_bundle

    scores = [i / 20 for i in range(20)]
    files = {
        TFIDF: tfidf_bundle.bytes(TFIDF),
        CALIBRATION: json.dumps({"temperature": 1.5, "nonconformity": scores}).encode(),
    }
    return write_bundle(tmp_path / "sets", files, {"family": "tfidf"})


def test_with_alpha_a_quote_gets_label_sets(
    sets_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["-t", "the treaty", "--bundle", str(sets_bundle.folder), "--alpha", "0.1"]
    assert run("score", "We welcome it.", *options, "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    pair = StancePair("We welcome it.", "the treaty")
    (wanted,) = Predictor.load(sets_bundle).predict([pair], alpha=0.1)
    assert wanted.label_set is not None and len(wanted.label_set) > 1
    assert result["label_set"] == [label.value for label in wanted.label_set]
    assert run("score", "We welcome it.", *options) == 0
    assert " or " in capsys.readouterr().out


def test_with_alpha_a_file_gets_a_column(sets_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,target\nWe welcome it.,x\n...,x\n")
    options = ["--bundle", str(sets_bundle.folder), "--alpha", "0.1"]
    assert run("score", "--file", "in.csv", *options, "--out", "out.jsonl") == 2
    good, bad = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert "favor" in good["label_set"]
    assert "label_set" not in bad
    assert run("score", "--file", "in.csv", *options, "--out", "out.csv") == 2
    assert (tmp_path / "out.csv").read_text().splitlines()[0].endswith(",label_set,error")
    (tmp_path / "in.csv").write_text("text,target,label_set\nWe welcome it.,x,\n")
    assert run("score", "--file", "in.csv", *options) == 2
    assert run("score", "--file", "in.csv", *options[:2], "--out", "out.csv") == 0


@pytest.mark.parametrize("alpha", ["0", "1", "-1", "nan"])
def test_an_alpha_that_is_none_is_refused_before_any_row(
    sets_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], alpha: str
) -> None:
    (tmp_path / "in.csv").write_text("text,target\nWe welcome it.,x\n")
    options = ["--file", "in.csv", "--bundle", str(sets_bundle.folder), "--out", "out.csv"]
    assert run("score", *options, "--alpha", alpha) == 2
    assert "between 0 and 1" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_a_model_without_scores_refuses_an_alpha(
    tfidf_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(tfidf_bundle.folder)
    assert run("score", "We welcome it.", "-t", "x", "--bundle", bundle, "--alpha", "0.1") == 2
    assert "calibrated without label sets" in capsys.readouterr().err


def test_a_bundle_is_measured_with_its_risks_and_label_sets(
    sets_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    says = {"favor": "We welcome it", "against": "We reject it", "neutral": "It rains"}
    fields = {"source": "test", "licence": "CC0-1.0", "annotators": ["a"]}
    rows = [
        {"id": f"{split}-{stance}-{i}", "split": split, **fields,
         "text": f"{says[stance]}, they said {i}.", "target": "it", "stance": stance}
        for split in ("train", "dev", "test") for stance in says for i in range(6)
    ]  # fmt: skip
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = [str(sets_bundle.folder), "--source", "corpus.jsonl"]
    assert run("evaluate", *options) == 0
    shown = capsys.readouterr().out
    assert "errors by coverage" in shown
    assert "hold the gold label" in shown
    assert run("evaluate", *options, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    figures = document["figures"]["tfidf"]
    assert figures["aurc"] == 0.0
    assert figures["set90_coverage"] == 1.0
    assert document["risk_coverage"][-1]["coverage"] == 1.0
