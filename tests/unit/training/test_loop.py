import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers.trainer_utils import get_last_checkpoint

from stancewire.errors import ConfigError, DataError
from stancewire.pairs import PairEncoder
from stancewire.records import Record
from stancewire.training import passes
from stancewire.training.loop import fit
from stancewire.training.loss import WithLoss
from stancewire.training.metrics import macro_f1
from stancewire.training.model import PackedClassifier
from stancewire.training.passes import IGNORED, Collator, Passes
from stancewire.training.recipe import Recipe, Schedule

SHORT = Schedule(epochs=1, quotes=4, encoder_lr=1e-3, head_lr=5e-3)
SLOW = SHORT.model_copy(update={"encoder_lr": 1e-6, "head_lr": 1e-6})
"""Learns nothing worth a better dev figure."""


@pytest.fixture(scope="module")
def train(make_records: Callable[..., list[Record]]) -> list[Record]:
    return make_records("train", 40)


@pytest.fixture(scope="module")
def dev(make_records: Callable[..., list[Record]]) -> list[Record]:
    return make_records("dev", 8, start=100)


def weights(model: PackedClassifier) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def is_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def dev_f1(model: PackedClassifier, encoder: PairEncoder, dev: list[Record]) -> float:
    """Recomputed here, one pass at a time and in an order of our own."""
    items = Passes(dev, encoder)
    gold, predicted = [], []
    for i in range(len(items)):
        feed = Collator(encoder)([items[i]])
        del feed["has_neutral"]
        gold += feed.pop("labels")[0].tolist()
        with torch.no_grad():
            predicted += model(**feed)[0].argmax(-1).tolist()
    return macro_f1(np.array(gold), np.array(predicted))


def figures(history: list[dict]) -> list[float]:
    return [entry["eval_macro_f1"] for entry in history if "eval_macro_f1" in entry]


def steps(folder: Path) -> list[int]:
    return sorted(int(p.name.removeprefix("checkpoint-")) for p in folder.glob("checkpoint-*"))


def test_passes_carry_the_labels_of_their_targets(pairs: PairEncoder, train: list[Record]):
    items = Passes(train, pairs)
    assert len(items) == 40  # one pass for each quote
    assert items[0]["gold"].tolist() == [0, 1, 2]
    assert list(items[0]["pass"].input_ids) == list(items[0]["input_ids"])


def test_missing_blocks_are_ignored(pairs: PairEncoder, train: list[Record]):
    items = Passes([*train[:3], train[4]], pairs)
    batch = Collator(pairs)([items[0], items[1]])
    assert batch["labels"].tolist() == [[0, 1, 2], [1, IGNORED, IGNORED]]
    assert batch["blocks"].shape == batch["input_ids"].shape


def test_a_batch_says_which_records_come_from_sets_without_neutral(
    pairs: PairEncoder, train: list[Record], monkeypatch: pytest.MonkeyPatch
):
    two_sided = SimpleNamespace(has_neutral=False)
    monkeypatch.setattr(passes, "declared", lambda: {"debates": two_sided})
    moved = train[1].model_copy(update={"source": "debates"})
    items = Passes([train[0], moved, train[2], train[4]], pairs)
    batch = Collator(pairs)([items[0], items[1]])
    assert batch["has_neutral"].tolist() == [[True, False, True], [True, True, True]]


def test_the_loss_is_the_mean_over_real_targets(
    make_classifier: Callable[..., PackedClassifier], pairs: PairEncoder, train: list[Record]
):
    items = Passes([*train[:3], train[4]], pairs)
    model = WithLoss(make_classifier().eval(), label_smoothing=0.0)
    with torch.no_grad():
        both = model(**Collator(pairs)([items[0], items[1]]))["loss"]
        first, second = (model(**Collator(pairs)([item]))["loss"] for item in (items[0], items[1]))
    assert float(both) == pytest.approx(float(3 * first + second) / 4, rel=1e-5)


def test_a_task_that_can_be_learnt_is_learnt(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tiny_recipe: Recipe,
    tmp_path: Path,
):
    model = make_classifier()
    before = weights(model)
    history = fit(model, pairs, train, dev, tiny_recipe.schedule, seed=1, folder=tmp_path / "c")
    assert max(figures(history)) > 0.9
    assert dev_f1(model, pairs, dev) == pytest.approx(max(figures(history)))
    moved = [n for n, v in model.state_dict().items() if not torch.equal(v, before[n])]
    assert any(n.startswith("head.") for n in moved)
    assert any(n.startswith("encoder.") for n in moved)
    assert not model.training
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_the_seed_decides(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
):
    found = []
    for run, seed in enumerate([1, 1, 2]):
        model = make_classifier()  # begins with the same weights; the seed moves the order
        fit(model, pairs, train, dev, SHORT, seed=seed, folder=tmp_path / str(run))
        found.append(weights(model))
    assert is_same(found[0], found[1])
    assert not is_same(found[0], found[2])


def test_resuming_goes_on_from_the_last_checkpoint(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
):
    fit(make_classifier(), pairs, train, dev, SHORT, seed=1, folder=tmp_path)
    assert steps(tmp_path) == [10]  # 40 quotes, 4 a batch

    longer = SHORT.model_copy(update={"epochs": 3})
    stranger = make_classifier(seed=5)  # its weights must not matter
    history = fit(stranger, pairs, train, dev, longer, seed=1, folder=tmp_path, resume=True)
    assert [e["step"] for e in history if "eval_macro_f1" in e] == [10, 20, 30]
    last = get_last_checkpoint(str(tmp_path))
    state = json.loads((Path(last) / "trainer_state.json").read_text())
    assert (state["global_step"], state["epoch"]) == (30, 3.0)

    # The same from anywhere: the checkpoint decides, not the weights that were brought.
    again = make_classifier(seed=6)
    fit(again, pairs, train, dev, longer, seed=1, folder=tmp_path, resume=True)
    assert is_same(weights(stranger), weights(again))


def test_a_run_cut_short_ends_as_an_uncut_one(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    schedule = SHORT.model_copy(update={"epochs": 2})
    whole = make_classifier()
    fit(whole, pairs, train, dev, schedule, seed=1, folder=tmp_path / "whole")

    class Cut(Exception):
        pass

    seen = []
    forward = WithLoss.forward

    @wraps(forward)  # the Trainer asks for the signature
    def failing(self, *args, **fields):
        seen.append(self.training)
        if sum(seen) > 13:  # in the second epoch, after the first was saved
            raise Cut
        return forward(self, *args, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(WithLoss, "forward", failing)
        with pytest.raises(Cut):
            fit(make_classifier(), pairs, train, dev, schedule, seed=1, folder=tmp_path / "cut")
    assert steps(tmp_path / "cut") == [10]
    resumed = make_classifier(seed=9)
    fit(resumed, pairs, train, dev, schedule, seed=1, folder=tmp_path / "cut", resume=True)
    assert is_same(weights(whole), weights(resumed))


@pytest.mark.parametrize("exists", [True, False])
def test_there_must_be_something_to_resume(
    exists: bool,
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
):
    folder = tmp_path if exists else tmp_path / "none"
    with pytest.raises(ConfigError, match=r"nothing to resume: .* holds no checkpoint"):
        fit(make_classifier(), pairs, train, dev, SHORT, seed=1, folder=folder, resume=True)


def test_a_new_run_does_not_leave_another_runs_checkpoints(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
):
    longer = SHORT.model_copy(update={"epochs": 2})
    fit(make_classifier(), pairs, train, dev, longer, seed=1, folder=tmp_path)
    assert steps(tmp_path)[-1] == 20
    (tmp_path / "notes.txt").write_text("mine")
    # Were the old ones kept, a later resume would take up the wrong run.
    fit(make_classifier(), pairs, train, dev, SHORT, seed=2, folder=tmp_path)
    assert steps(tmp_path) == [10]
    assert (tmp_path / "notes.txt").exists()


def test_the_best_epoch_is_kept_and_a_run_without_progress_stops(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
):
    schedule = SLOW.model_copy(update={"epochs": 9, "patience": 2})
    model = make_classifier()
    history = fit(model, pairs, train, dev, schedule, seed=1, folder=tmp_path)
    found = figures(history)
    best = int(np.argmax(found))  # the first of equals
    assert len(found) == best + 1 + 2 < 9
    assert dev_f1(model, pairs, dev) == pytest.approx(found[best])
    last = tmp_path / f"checkpoint-{10 * len(found)}"
    state = json.loads((last / "trainer_state.json").read_text())
    assert state["best_model_checkpoint"].endswith(f"checkpoint-{10 * (best + 1)}")


def test_the_best_epoch_wins_over_the_last(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    train: list[Record],
    dev: list[Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    # Three epochs of which the second is said to be the best.
    told = iter([0.2, 0.8, 0.5])
    monkeypatch.setattr(
        "stancewire.training.loop._dev_metrics", lambda prediction: {"macro_f1": next(told)}
    )
    model = make_classifier()
    three = SHORT.model_copy(update={"epochs": 3})
    fit(model, pairs, train, dev, three, seed=1, folder=tmp_path)
    second, third = (
        load_file(tmp_path / f"checkpoint-{step}" / "model.safetensors") for step in (20, 30)
    )
    own = {f"classifier.{name}": value for name, value in weights(model).items()}
    assert is_same(second, own)
    assert not is_same(third, own)


def test_no_training_record_is_a_data_error(
    make_classifier: Callable[..., PackedClassifier],
    pairs: PairEncoder,
    dev: list[Record],
    tmp_path: Path,
):
    with pytest.raises(DataError, match="there is no training record"):
        fit(make_classifier(), pairs, [], dev, SHORT, seed=1, folder=tmp_path)


def test_a_watch_is_told_of_each_epoch_and_not_of_the_average(
    make_classifier, pairs, train, dev, tmp_path: Path
):
    seen: list[tuple[int, float]] = []
    schedule = SHORT.model_copy(update={"epochs": 3, "average": 2})
    history = fit(
        make_classifier(), pairs, train, dev, schedule,
        seed=1, folder=tmp_path, watch=lambda epoch, macro_f1: seen.append((epoch, macro_f1)),
    )  # fmt: skip
    assert seen == list(enumerate(figures(history), start=1))
    assert len(seen) == 3


def test_what_a_watch_raises_ends_the_training(make_classifier, pairs, train, dev, tmp_path: Path):
    class Enough(Exception):
        pass

    def watch(epoch: int, macro_f1: float) -> None:
        if epoch == 2:
            raise Enough

    long = SHORT.model_copy(update={"epochs": 9})
    with pytest.raises(Enough):
        fit(make_classifier(), pairs, train, dev, long, seed=1, folder=tmp_path, watch=watch)
    assert len(steps(tmp_path)) == 1  # it ends before the second epoch is kept
