"""Runs in several stages, on a corpus and an encoder small enough for seconds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stancewire.bundle import Bundle
from stancewire.data.files import write_records
from stancewire.errors import ConfigError
from stancewire.records import Record
from stancewire.training import loop, pipeline, weights
from stancewire.training.recipe import Recipe

STANCES = ("favor", "against", "neutral")
VERBS = ("welcome", "reject", "see")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def sources(make_record: Callable[..., Record], tmp_path: Path) -> dict[str, str]:
    """The main corpus, and two that come before it: one without dev and test, one with dev."""

    def records(name: str, split: str, count: int, target: str) -> list[Record]:
        return [
            make_record(
                id=f"{name}-{split}-{i}", target=f"the {target}",
                text=f"we {VERBS[i % 3]} the {target}, {name} {split} {i}",
                stance=STANCES[i % 3], split=split,
            )
            for i in range(count)
        ]  # fmt: skip

    splits = {
        "main": [("train", 12, "treaty"), ("dev", 6, "levy"), ("test", 6, "pier")],
        "claims": [("train", 12, "dam")],
        "debates": [("train", 9, "road"), ("dev", 6, "well")],
    }
    for name, parts in splits.items():
        (tmp_path / name).mkdir()
        write_records(
            tmp_path / name / "all.jsonl", [r for part in parts for r in records(name, *part)]
        )
    return {name: str(tmp_path / name) for name in splits}


@pytest.fixture
def make_recipe(sources: dict[str, str], tiny_encoder_folder: Path) -> Callable[..., Recipe]:
    def make(**changes: Any) -> Recipe:
        fields = {
            "name": "tiny",
            "family": "packed",
            "data": {"source": sources["main"]},
            "base": {
                "path": str(tiny_encoder_folder), "max_text_tokens": 64, "max_target_tokens": 48,
            },
            "head": {"hidden": 16},
            "schedule": {"epochs": 2, "quotes": 4, "encoder_lr": 1e-3, "head_lr": 5e-3},
            "parity": {"int8": False},
            "behaviour": False,
            "stages": [
                {"name": "claims", "data": {"source": sources["claims"]}},
                {
                    "name": "debates", "data": {"source": sources["debates"]},
                    "schedule": {"epochs": 1},
                },
            ],
        }  # fmt: skip
        return Recipe.model_validate(fields | changes)

    return make


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was trained: one entry for each call of the loop."""
    seen: list[dict[str, Any]] = []
    real = loop.fit

    def noted(classifier, encoder, train, dev, schedule, **more):
        seen.append({"train": train[0].id, "dev": dev[0].id, "epochs": schedule.epochs, **more})
        return real(classifier, encoder, train, dev, schedule, **more)

    monkeypatch.setattr(loop, "fit", noted)
    return seen


def test_stages_run_in_order_each_from_the_last_ones_weights(
    make_recipe: Callable[..., Recipe], fits: list[dict[str, Any]], tmp_path: Path
):
    result = pipeline.run(make_recipe(), out=tmp_path / "run")
    told = [(fit["train"], fit["dev"], fit["epochs"]) for fit in fits]
    assert told == [
        ("claims-train-0", "main-dev-0", 2),  # it has no dev of its own
        ("debates-train-0", "debates-dev-0", 1),
        ("main-train-0", "main-dev-0", 2),
    ]
    assert [s["name"] for s in result.stages] == ["claims", "debates"]
    assert [s["dev"] for s in result.stages] == ["main", "own"]
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["stages"] == list(result.stages)
    manifest = json.loads((tmp_path / "run" / "data.json").read_text())
    assert [s["name"] for s in manifest["stages"]] == ["claims", "debates"]
    made = Bundle.open(tmp_path / "run" / "bundle").manifest.made
    assert made["stages"] == {s["name"]: s["sha256"] for s in result.stages}
    assert made["weights"] == weights.sha256(tmp_path / "run" / weights.WEIGHTS)
    alone = pipeline.run(make_recipe(stages=[]), out=tmp_path / "alone")
    assert result.manifest.digest != alone.manifest.digest
    assert result.bundle.bytes("model.onnx") != alone.bundle.bytes("model.onnx")


def test_a_stage_that_is_done_is_not_trained_again(
    make_recipe: Callable[..., Recipe],
    fits: list[dict[str, Any]],
    sources: dict[str, str],
    tmp_path: Path,
):
    first = pipeline.run(make_recipe(), out=tmp_path / "run")
    fits.clear()
    again = pipeline.run(make_recipe(), out=tmp_path / "run")
    assert [fit["train"] for fit in fits] == ["main-train-0"]
    assert [s["taken"] for s in again.stages] == [True, True]
    assert again.bundle.bytes("model.onnx") == first.bundle.bytes("model.onnx")

    # Another second stage: the first is as it was, and what follows is trained anew.
    fits.clear()
    longer = make_recipe().model_dump()["stages"]
    longer[1]["schedule"]["epochs"] = 2
    pipeline.run(make_recipe(stages=longer), out=tmp_path / "run")
    assert [fit["train"] for fit in fits] == ["debates-train-0", "main-train-0"]

    # Other records in the first: nothing is as it was.
    fits.clear()
    file = Path(sources["claims"]) / "all.jsonl"
    file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")
    pipeline.run(make_recipe(), out=tmp_path / "run")
    assert len(fits) == 3


@pytest.mark.parametrize("cut_in", [1, 2])
def test_a_run_cut_short_in_a_stage_is_taken_up(
    make_recipe: Callable[..., Recipe],
    fits: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cut_in: int,
):
    class Cut(Exception):
        pass

    counted = loop.fit

    def cut(*given, **more):
        history = counted(*given, **more)
        if len(fits) == cut_in + 1:
            raise Cut
        return history

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(loop, "fit", cut)
        pipeline.run(make_recipe(), out=tmp_path / "cut")
    fits.clear()
    resumed = pipeline.run(make_recipe(), out=tmp_path / "cut", resume=True)
    assert len(fits) == 3 - cut_in
    assert [fit["resume"] for fit in fits] == [True, *[False] * (2 - cut_in)]
    whole = pipeline.run(make_recipe(), out=tmp_path / "whole")
    assert resumed.bundle.bytes("model.onnx") == whole.bundle.bytes("model.onnx")


def test_there_must_be_something_to_resume(make_recipe: Callable[..., Recipe], tmp_path: Path):
    with pytest.raises(ConfigError, match="nothing to resume"):
        pipeline.run(make_recipe(), out=tmp_path / "run", resume=True)


def test_a_later_run_begins_with_the_weights_of_an_earlier_one(
    make_recipe: Callable[..., Recipe], tmp_path: Path
):
    pipeline.run(make_recipe(stages=[]), out=tmp_path / "first")
    warm = make_recipe(stages=[], init=str(tmp_path / "first"), seed=5)
    result = pipeline.run(warm, out=tmp_path / "second")
    made = result.bundle.manifest.made
    assert made["init"] == weights.sha256(tmp_path / "first" / weights.WEIGHTS)
    cold = pipeline.run(warm.model_copy(update={"init": None}), out=tmp_path / "cold")
    assert result.bundle.bytes("model.onnx") != cold.bundle.bytes("model.onnx")
    with pytest.raises(ConfigError, match="would be overwritten"):
        pipeline.run(warm, out=tmp_path / "first")
    wider = make_recipe(stages=[], init=str(tmp_path / "first"), head={"hidden": 17})
    with pytest.raises(ConfigError, match="cannot begin with the weights"):
        pipeline.run(wider, out=tmp_path / "wider")


def test_targets_too_long_for_the_encoder_are_left_out_of_training_and_told(
    make_recipe: Callable[..., Recipe],
    make_record: Callable[..., Record],
    sources: dict[str, str],
    tmp_path: Path,
):
    long = make_record(id="long", text="we say", target="the dam " * 30, stance="favor")
    for name in ("main", "claims"):
        write_records(Path(sources[name]) / "long.jsonl", [long])
    result = pipeline.run(make_recipe(), out=tmp_path / "run")
    assert "long" not in {r.id for r in result.corpus.train}
    manifest = json.loads((tmp_path / "run" / "data.json").read_text())
    assert manifest["left_out"]["pairs"] == 1
    assert manifest["stages"][0]["manifest"]["left_out"]["pairs"] == 1
    assert [s["pairs"] for s in result.stages] == [12, 9]


def test_weights_are_of_the_packed_family_alone(
    make_recipe: Callable[..., Recipe], sources: dict[str, str], tmp_path: Path
):
    data = {"source": sources["main"], "also": [{"source": sources["claims"], "weight": 0.5}]}
    with pytest.raises(ConfigError, match="reads every record once"):
        pipeline.run(make_recipe(family="tfidf", data=data), out=tmp_path / "run")


def test_every_lever_together(
    make_recipe: Callable[..., Recipe], sources: dict[str, str], tmp_path: Path
):
    levers = {
        "epochs": 2, "quotes": 2, "accumulate": 2, "layer_decay": 0.8, "ema": 0.5, "average": 2,
        "r_drop": 0.5, "targets": 2, "fused": True,
    }  # fmt: skip
    data = {
        "source": sources["main"],
        "temperature": 2.0,
        "epoch_pairs": 18,
        "also": [{"source": sources["claims"], "share": 0.3}],
    }
    recipe = make_recipe(schedule=levers, data=data, augment={"paraphrase": 0.5, "mask_names": 0.5})
    result = pipeline.run(recipe, out=tmp_path / "run")
    Bundle.open(result.folder / "bundle").verify()
    assert result.evaluations["test"]
