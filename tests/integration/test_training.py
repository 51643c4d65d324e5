"""Whole runs on a corpus and an encoder small enough for seconds: from a recipe to a bundle."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stancewire.bundle import Bundle
from stancewire.cli import main
from stancewire.data import mixture
from stancewire.data.files import write_records
from stancewire.errors import BundleError, ConfigError, DataError, ExportError
from stancewire.labels import ORDER, Label
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training import pipeline, recipe
from stancewire.training.behaviour import track
from stancewire.training.behaviour.expand import expand
from stancewire.training.recipe import Recipe

FILES = {
    "tfidf": {"tfidf.json"},
    "frozen": {"model.onnx", "model.int8.onnx", "tokenizer.json"},
    "packed": {"model.onnx", "model.int8.onnx", "tokenizer.json"},
}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=FILES)
def result(
    request: pytest.FixtureRequest,
    make_recipe: Callable[..., Recipe],
    tmp_path_factory: pytest.TempPathFactory,
) -> pipeline.Result:
    out = tmp_path_factory.mktemp("out") / "run"
    return pipeline.run(make_recipe(request.param), out=out)


def test_the_bundle_is_whole_and_says_where_it_comes_from(result: pipeline.Result):
    bundle = Bundle.open(result.folder / "bundle")
    bundle.verify()
    family = result.recipe.family
    assert set(bundle.manifest.files) == FILES[family] | {"labels.json", "calibration.json"}
    assert bundle.manifest.family == family
    assert bundle.manifest.precision == ("fp32" if family == "tfidf" else "int8")
    made = bundle.manifest.made
    assert (made["recipe"], made["seed"]) == (f"tiny-{family}", 13)
    assert made["data"] == result.corpus.hashes()
    if family != "tfidf":
        assert len(made["sha256"]) == 64
        assert result.parity["parity_logit_difference"] < 1e-3


def test_the_report_has_the_model_and_its_baselines_on_both_splits(result: pipeline.Result):
    report = json.loads((result.folder / "report.json").read_text())
    names = [result.recipe.family, "majority", "text-only", "target-only"]
    assert {split: list(found) for split, found in report["figures"].items()} == {
        "dev": names, "test": names,
    }  # fmt: skip
    assert report["bundle"] == result.bundle.sha256
    assert report["calibration"]["temperature"] == result.bundle.calibration().temperature
    assert recipe.load(result.folder / "recipe.yaml") == result.recipe
    assert Recipe.model_validate(report["recipe"]) == result.recipe


@pytest.mark.parametrize("split", ["dev", "test"])
def test_what_is_reported_is_what_is_served(
    result: pipeline.Result, records: list[Record], split: str
):
    report = json.loads((result.folder / "report.json").read_text())
    told = report["figures"][split][result.recipe.family]
    part = [r for r in records if r.split == split]
    stances = Predictor.load(result.folder / "bundle").predict([r.pair for r in part])
    gold, predicted = [r.stance.value for r in part], [s.label.value for s in stances]
    labels = [label.value for label in ORDER]
    f1 = f1_score(gold, predicted, labels=labels, average="macro", zero_division=0)
    true = [s.probabilities[r.stance] for s, r in zip(stances, part, strict=True)]
    assert told["n"] == len(part)
    assert told["macro_f1"] == pytest.approx(f1, abs=1e-9)
    assert told["nll"] == pytest.approx(float(-np.log(true).mean()), abs=1e-5)
    assert told["coverage"] == pytest.approx(np.mean([not s.abstained for s in stances]))
    low, high = told["macro_f1_interval"]
    assert low <= told["macro_f1"] <= high
    for name in ("nll", "brier", "ece", "aurc"):
        low, high = told[f"{name}_interval"]
        assert low <= high and math.isfinite(told[name])


def test_majority_is_the_most_frequent_stance_of_train(
    result: pipeline.Result, records: list[Record]
):
    majority = result.evaluations["test"][1]
    stances = [r.stance for r in records if r.split == "train"]
    shares = [stances.count(label) / len(stances) for label in Label]
    assert majority.probabilities[0].tolist() == pytest.approx(shares)


def test_blind_baselines_miss_what_the_pair_tells(result: pipeline.Result):
    _, majority, _, target_only = result.evaluations["test"]
    # The test targets are one: whoever sees them alone gives one answer.
    assert len(set(target_only.predicted)) == 1
    assert len(set(majority.predicted)) == 1


def test_a_run_writes_only_into_its_folder(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    result = pipeline.run(make_recipe("packed"), out=tmp_path / "there")
    assert list(here.iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"here", "there"}
    assert {p.name for p in result.folder.iterdir()} == {
        "bundle", "checkpoints", "data.json", "recipe.yaml", "report.json",
        "training.json", "weights.safetensors",
    }  # fmt: skip
    assert result.history


def test_behaviour_is_tested_unless_the_recipe_says_not(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cases = expand(per_capability=2)
    monkeypatch.setattr(track, "expand", lambda: cases)
    tested = pipeline.run(make_recipe("tfidf", behaviour=True), out=tmp_path)
    assert tested.behaviour is not None
    told = json.loads((tmp_path / "behaviour.json").read_text())
    assert (told["bundle"], told["suite"]) == (tested.bundle.sha256, tested.behaviour.suite)
    swaps = json.loads((tmp_path / "report.json").read_text())["speakers"]["name_swaps"]
    assert {one["capability"] for one in swaps} >= {"speaker-name", "country"}
    untested = pipeline.run(make_recipe("tfidf"), out=tmp_path)
    assert untested.behaviour is None
    # What the folder's last run did not ask, it must not seem to have answered.
    assert not (tmp_path / "behaviour.json").exists()


def test_the_command_leaves_a_card_beside_the_bundle(
    make_recipe: Callable[..., Recipe], tmp_path: Path
):
    (tmp_path / "r.yaml").write_text(recipe.dump(make_recipe("tfidf", behaviour=True)))
    options = ["--config", str(tmp_path / "r.yaml"), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as ended:
        main(["train", *options, "--no-register", "--no-behaviour"])
    assert ended.value.code == 0
    card = (tmp_path / "run" / "MODEL_CARD.md").read_text()
    assert card.startswith("# tiny-tfidf, seed 13")
    assert "**Not tested**" in card


def test_a_family_that_cannot_mask_neutral_refuses_sets_without_it(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    recipe = make_recipe("tfidf")
    corpus, manifest = mixture.build(recipe.data)
    two_sided = {**manifest.content["sources"][0], "source": "debates", "has_neutral": False}
    content = {**manifest.content, "sources": [*manifest.content["sources"], two_sided]}
    monkeypatch.setattr(mixture, "build", lambda data: (corpus, mixture.Manifest(content)))
    with pytest.raises(ConfigError, match="debates knows no neutral"):
        pipeline.run(recipe, out=tmp_path / "there")
    assert not (tmp_path / "there" / "bundle").exists()


def test_without_a_folder_it_is_named_by_recipe_and_seed(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    result = pipeline.run(make_recipe("tfidf", seed=5))
    assert result.folder == Path("runs/tiny-tfidf-s5")
    assert [str(p) for p in tmp_path.iterdir()] == [str(tmp_path / "runs")]


def test_a_graph_too_far_from_its_network_fails_the_run_and_leaves_no_bundle(
    make_recipe: Callable[..., Recipe], tmp_path: Path
):
    pipeline.run(make_recipe("tfidf"), out=tmp_path)  # an earlier run in the same folder
    Bundle.open(tmp_path / "bundle")
    strict = make_recipe("frozen", parity={"max_logit_difference": 0.0})
    with pytest.raises(ExportError, match="differs from the network"):
        pipeline.run(strict, out=tmp_path)
    with pytest.raises(BundleError):
        Bundle.open(tmp_path / "bundle")
    assert not (tmp_path / "report.json").exists()


def test_int8_that_changes_labels_fails_the_run(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    exact = pipeline.export.round_weights
    monkeypatch.setattr(
        pipeline.export,
        "round_weights",
        lambda graph, **_: exact(graph, weight_bits=2, keep_last=0),
    )
    monkeypatch.setattr(pipeline.export, "REACHES", (1.0,))  # or it would go back to fp32 in time
    with pytest.raises(ExportError, match="int8 changes"):
        pipeline.run(make_recipe("frozen", parity={"max_flips": 0.0}), out=tmp_path)
    assert not (tmp_path / "bundle").exists()


def test_the_same_recipe_gives_the_same_model(make_recipe: Callable[..., Recipe], tmp_path: Path):
    one = make_recipe("packed", parity={"int8": False})
    first, second = (pipeline.run(one, out=tmp_path / name).bundle for name in ("a", "b"))
    for name in ("model.onnx", "calibration.json", "tokenizer.json"):
        assert first.bytes(name) == second.bytes(name), name


def test_an_interrupted_run_is_taken_up(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Interrupted(Exception):
        pass

    def cut(*_: object, **__: object) -> None:
        raise Interrupted

    one = make_recipe("packed", parity={"int8": False})
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.export, "export", cut)
        with pytest.raises(Interrupted):
            pipeline.run(one, out=tmp_path / "cut")
    resumed = pipeline.run(one, out=tmp_path / "cut", resume=True)
    whole = pipeline.run(one, out=tmp_path / "whole")
    assert resumed.bundle.bytes("model.onnx") == whole.bundle.bytes("model.onnx")


def test_another_recipe_is_not_taken_up(make_recipe: Callable[..., Recipe], tmp_path: Path):
    one = make_recipe("packed", parity={"int8": False})
    pipeline.run(one, out=tmp_path)
    with pytest.raises(ConfigError, match="another recipe or other data"):
        pipeline.run(one.model_copy(update={"seed": one.seed + 1}), out=tmp_path, resume=True)


def test_nothing_to_resume_is_a_config_error(make_recipe: Callable[..., Recipe], tmp_path: Path):
    with pytest.raises(ConfigError, match="nothing to resume"):
        pipeline.run(make_recipe("packed"), out=tmp_path, resume=True)


def test_a_corpus_without_a_stance_is_a_data_error(
    records: list[Record], make_recipe: Callable[..., Recipe], tmp_path: Path
):
    kept = [r for r in records if r.split != "train" or r.stance is not Label.NEUTRAL]
    write_records(tmp_path / "lacking.jsonl", kept)
    lacking = make_recipe("tfidf", data={"source": str(tmp_path / "lacking.jsonl")})
    with pytest.raises(DataError, match="no training record is neutral"):
        pipeline.run(lacking, out=tmp_path / "run")
