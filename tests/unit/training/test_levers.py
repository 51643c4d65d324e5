"""The levers of a schedule: each changes what it says, and none is on unless asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from stancewire.errors import ConfigError
from stancewire.pairs import PairEncoder
from stancewire.records import Record
from stancewire.training import loop, passes, weights
from stancewire.training.averaging import last_checkpoints, mean_weights
from stancewire.training.loop import best_dev, fit
from stancewire.training.loss import WithLoss
from stancewire.training.model import PackedClassifier
from stancewire.training.passes import Collator, Passes, narrowed
from stancewire.training.recipe import Augment, Schedule

SHORT = Schedule(epochs=2, quotes=4, encoder_lr=1e-3, head_lr=5e-3)
Fit = Callable[..., dict[str, torch.Tensor]]


@pytest.fixture
def trained(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    make_records: Callable[..., list[Record]],
    tmp_path: Path,
) -> Fit:
    """Weights after two short epochs with a lever."""

    def run(name: str = "run", *, given: dict[str, Any] | None = None, **lever: Any):
        model = make_classifier()
        schedule = SHORT.model_copy(update=lever)
        train, dev = make_records("train", 20), make_records("dev", 4, start=100)
        fit(model, pairs, train, dev, schedule, seed=1, folder=tmp_path / name, **(given or {}))
        return {k: v.clone() for k, v in model.state_dict().items()}

    return run


def is_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


LEVERS = {
    "accumulate": 2,
    "layer_decay": 0.5,
    "r_drop": 1.0,
    "ema": 0.5,
    "average": 2,
    "targets": 1,
}


@pytest.mark.parametrize("lever", LEVERS)
def test_a_lever_moves_the_weights_and_leaves_them_whole(trained: Fit, lever: str):
    plain, other = trained("plain"), trained("other", **{lever: LEVERS[lever]})
    assert plain.keys() == other.keys()
    assert all(torch.isfinite(value).all() for value in other.values())
    if lever in ("average", "r_drop"):
        return  # may be equal: the best epoch is kept, and without dropout readings agree
    assert not is_same(plain, other)


def test_a_fused_step_is_the_same_but_for_rounding(trained: Fit):
    plain, fused = trained("plain"), trained("fused", fused=True)
    for name, value in plain.items():
        torch.testing.assert_close(fused[name], value, rtol=1e-3, atol=1e-3)


def test_steps_are_fewer_when_batches_are_gathered(trained: Fit, tmp_path: Path):
    trained("two", accumulate=2)
    steps = [int(p.parent.name.split("-")[1]) for p in last_checkpoints(tmp_path / "two", 9)]
    assert steps == [3, 6]  # five batches of four quotes, two a step


def test_the_average_follows_and_answers(
    trained: Fit, make_classifier: Callable[..., PackedClassifier], tmp_path: Path
):
    left = trained("ema", ema=0.5)
    saved = [load_file(file) for file in last_checkpoints(tmp_path / "ema", 2)]
    own = [{k: v for k, v in one.items() if k.startswith("average.module.")} for one in saved]
    assert any(
        all(torch.equal(left[k.removeprefix("average.module.")], v) for k, v in one.items())
        for one in own
    )
    model = WithLoss(make_classifier(), 0.0, ema=0.9)
    assert model.average is not None
    before = next(model.average.parameters()).clone()
    model.average.update_parameters(model.classifier)
    with torch.no_grad():
        next(model.classifier.parameters()).add_(1.0)
    model.average.update_parameters(model.classifier)
    torch.testing.assert_close(next(model.average.parameters()), before + 0.1)


def test_a_run_with_an_average_is_taken_up(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    make_records: Callable[..., list[Record]],
    tmp_path: Path,
):
    train, dev = make_records("train", 20), make_records("dev", 4, start=100)
    augment = Augment(paraphrase=0.5)
    rates = [0.5] * 30 + [2.0] * 30
    one = SHORT.model_copy(update={"ema": 0.5, "epochs": 3, "patience": 5})

    def run(name: str, seed: int, *, resume: bool = False) -> dict[str, torch.Tensor]:
        model = make_classifier(seed=seed)
        fit(
            model, pairs, train, dev, one, seed=1, folder=tmp_path / name, rates=rates,
            augment=augment, resume=resume,
        )  # fmt: skip
        return {k: v.clone() for k, v in model.state_dict().items()}

    def stop(self: Any, args: object, state: Any, control: object, **_: Any) -> None:
        if state.epoch:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop.TellEpoch, "on_epoch_begin", stop)
        run("cut", 0)
    assert is_same(run("whole", 0), run("cut", 4, resume=True))


def test_the_mean_of_checkpoints(tmp_path: Path):
    for step, value in ((10, 1.0), (9, 4.0), (20, 3.0)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        tensors = {"a": torch.full((2,), value), "n": torch.tensor(step)}
        save_file(tensors, folder / "model.safetensors")
    files = last_checkpoints(tmp_path, 2)
    assert [f.parent.name for f in files] == ["checkpoint-10", "checkpoint-20"]
    mean = mean_weights(files)
    assert mean["a"].tolist() == [2.0, 2.0]
    assert int(mean["n"]) == 20


@pytest.mark.parametrize(("told", "is_taken"), [(0.9, True), (0.1, False)])
def test_the_mean_is_taken_if_dev_likes_it(
    trained: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: float, is_taken: bool
):
    values = iter([0.5, 0.4, told])
    monkeypatch.setattr(loop, "_dev_metrics", lambda _: {"macro_f1": next(values)})
    left = trained("average", average=2)
    files = last_checkpoints(tmp_path / "average", 2)
    expected = mean_weights(files) if is_taken else load_file(files[0])
    assert is_same({f"classifier.{k}": v for k, v in left.items()}, expected)


def test_the_best_dev_is_that_of_the_weights_left():
    history = [{"eval_macro_f1": 0.4}, {"loss": 3.0}, {"average_macro_f1": 0.5}]
    assert best_dev(history) == 0.5


def test_a_quote_with_many_targets_has_several_passes(
    pairs: PairEncoder, make_records: Callable[..., list[Record]]
):
    records = make_records("train", 2)
    items = Passes(records, narrowed(pairs, 2))
    assert [len(one.members) for one in items.passes] == [2, 1, 2, 1]
    assert sorted(i for one in items.passes for i in one.members) == list(range(6))
    assert narrowed(pairs, None) is narrowed(pairs, 99) is pairs
    assert pairs.encoding.max_targets == 32


def test_items_are_reworded_anew_each_epoch_and_alike_within_one(
    pairs: PairEncoder, make_records: Callable[..., list[Record]]
):
    def vary(text, targets, rng):
        return text, [f"{target} {rng.choice('abcdefgh')}" for target in targets]

    plain = Passes(make_records("train", 5), pairs)
    items = Passes(make_records("train", 5), pairs, vary, seed=3)
    assert len(items) == len(plain)
    first = [items[i]["input_ids"] for i in range(5)]
    assert first == [items[i]["input_ids"] for i in range(5)]
    items.epoch = 1
    assert first != [items[i]["input_ids"] for i in range(5)]
    assert items[2]["gold"].tolist() == plain[2]["gold"].tolist()


def test_what_would_not_fit_stays_as_written(
    pairs: PairEncoder, make_records: Callable[..., list[Record]]
):
    items = Passes(
        make_records("train", 1),
        pairs,
        lambda text, targets, _: (text, ["x " * 99 for _ in targets]),
    )
    assert items[0]["pass"] == items.passes[0]


def test_without_neutral_dev_does_not_choose_by_it(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    make_records: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(passes, "_knows_neutral", lambda source: False)
    batch = Collator(pairs)([Passes(make_records("dev", 1)[:2], pairs)[0]])
    with torch.no_grad():
        logits = WithLoss(make_classifier(), 0.0).eval()(**batch)["logits"]
    assert torch.isneginf(logits).sum() == 2


def test_weights_come_back_as_they_went(
    make_classifier: Callable[..., PackedClassifier], tmp_path: Path
):
    one, other = make_classifier(seed=1), make_classifier(seed=2)
    path = tmp_path / "run" / weights.WEIGHTS
    digest = weights.write(one, path, identity="me")
    assert weights.identity(path) == "me"
    assert weights.read(other, path) == digest == weights.sha256(path)
    assert is_same(one.state_dict(), other.state_dict())
    (tmp_path / "run" / "bundle").mkdir()
    for named in (path, path.parent, path.parent / "bundle"):
        assert weights.find(str(named)) == path
    assert [p.name for p in path.parent.glob("*.part")] == []


def test_weights_that_are_none_or_of_another_network_are_refused(
    make_classifier: Callable[..., PackedClassifier], tmp_path: Path
):
    (tmp_path / "torn.safetensors").write_bytes(b"no weights")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    for name in ("torn", "other"):
        with pytest.raises(ConfigError, match="cannot begin with the weights"):
            weights.read(make_classifier(), tmp_path / f"{name}.safetensors")
    assert weights.identity(tmp_path / "torn.safetensors") is None
    assert weights.identity(tmp_path / "none.safetensors") is None
    with pytest.raises(ConfigError, match="init"):
        weights.find(str(tmp_path / "none"))
