"""The command of the benchmarks: bundles by label, files written, refusals told."""

import importlib.util
import json
from pathlib import Path

import pytest

from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.errors import ConfigError

PATH = Path(__file__).parents[2] / "experiments" / "benchmarks.py"


@pytest.fixture(scope="module")
def benchmarks():
    spec = importlib.util.spec_from_file_location("benchmarks", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bundle(tmp_path, tfidf_bundle):
    def make(name, **made):
        files = {file: tfidf_bundle.bytes(file) for file in (TFIDF, CALIBRATION)}
        return write_bundle(tmp_path / name, files, {"family": "tfidf", "made": made})

    return make


@pytest.fixture
def entries(benchmarks, tmp_path):
    return lambda *given: benchmarks.entries(
        given, mirror=None, cache=tmp_path / "cache", unchecked=True
    )


def test_bundles_of_a_recipe_are_one_row_in_order_of_their_seeds(bundle, entries):
    late, early = bundle("a", recipe="x", seed=13), bundle("b", recipe="x", seed=7)

    (found,) = entries(str(late.folder), str(early.folder))

    assert (found.label, found.seeds) == ("x", (7, 13))


def test_a_label_makes_a_row_of_its_own(bundle, entries):
    one, other = bundle("a", recipe="x", seed=7), bundle("b", recipe="x", seed=7)

    found = entries(str(one.folder), f"without public data={other.folder}")

    assert [entry.label for entry in found] == ["x", "without public data"]


def test_what_does_not_belong_together_is_refused(bundle, entries):
    one, same = bundle("a", recipe="x", seed=7), bundle("b", recipe="x", seed=7)
    with pytest.raises(ConfigError, match="two bundles of one seed"):
        entries(str(one.folder), str(same.folder))

    other = bundle("c", recipe="x", seed=13, data={"train": "0"})
    with pytest.raises(ConfigError, match="different records"):
        entries(str(one.folder), str(other.folder))


def test_a_bundle_away_from_its_run_needs_to_be_let_in(benchmarks, bundle, tmp_path, capsys):
    small = bundle("a", recipe="x", seed=7)
    places = ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    asked = [str(small.folder), "--only", "press", "--limit", "30", *places]

    assert benchmarks.main(asked) == 2
    assert "says what was trained on" in capsys.readouterr().err

    assert benchmarks.main([*asked, "--unchecked"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("**LIMITED TO ABOUT 30 PAIRS")
    assert (tmp_path / "out" / "benchmarks.md").read_text() in printed
    found = json.loads((tmp_path / "out" / "benchmarks.json").read_text())
    assert found["limit"] == 30 and found["warning"] in printed
    assert found["models"][0]["bundles"][0]["sha256"] == small.sha256
    assert found["models"][0]["checked"] is False
    assert {"cpu", "packages"} <= set(found["machine"]) and found["seconds"] >= 0
    (press,) = found["benchmarks"]
    assert press["source"] == "press" and press["pairs"] <= 30


def test_a_limit_of_nothing_is_refused(benchmarks, bundle, capsys):
    assert benchmarks.main([str(bundle("a").folder), "--limit", "0"]) == 2
    assert "--limit" in capsys.readouterr().err
