"""Fine-tuning the packed classifier with the Hugging Face Trainer: one item is one pass.

The Trainer brings checkpoints, resuming, early stopping, progress bars and length-grouped batches;
here is only what is particular: how often a pass is drawn, two learning rates, averaged weights.
"""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, EvalPrediction, get_last_checkpoint

from stancewire.errors import ConfigError, DataError
from stancewire.pairs import PairEncoder
from stancewire.records import Record
from stancewire.training.augment import vary_by
from stancewire.training.averaging import Follow, last_checkpoints, mean_weights
from stancewire.training.loss import WithLoss
from stancewire.training.metrics import macro_f1
from stancewire.training.model import PackedClassifier, parameter_groups
from stancewire.training.passes import IGNORED, Collator, Passes, TellEpoch, narrowed
from stancewire.training.recipe import Augment, Schedule
from stancewire.training.sampling import RatedSampler, pass_rates

Watch = Callable[[int, float], None]
"""Is told each epoch, from 1, and its dev macro-F1; what it raises ends the training."""


class _Trainer(Trainer):
    """The Trainer with a say in which items an epoch sees."""

    rated: RatedSampler | None = None

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        if self.rated is not None:
            return self.rated
        items: Any = train_dataset or self.train_dataset
        group = self.args.train_batch_size * self.args.gradient_accumulation_steps
        # As the Trainer makes it, but without building every item to see how long it is.
        return LengthGroupedSampler(group, lengths=items.lengths)


class _Watched(TrainerCallback):
    """Tells `watch` of each epoch, and not of the averaged weights that are measured at the end."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_evaluate(self, args: object, state: Any, control: object, **given: Any) -> None:
        """As the Trainer calls it."""
        figures = given["metrics"]
        if "eval_macro_f1" in figures:
            self._watch(round(state.epoch), float(figures["eval_macro_f1"]))


def fit(
    classifier: PackedClassifier,
    encoder: PairEncoder,
    train: Sequence[Record],
    dev: Sequence[Record],
    schedule: Schedule,
    *,
    seed: int,
    folder: Path,
    resume: bool = False,
    rates: Sequence[float] | None = None,
    augment: Augment | None = None,
    watch: Watch | None = None,
) -> list[dict[str, Any]]:
    """Train in place and leave the weights of the best epoch by dev macro-F1; gives the history.

    `rates` says how often each training record is drawn per epoch (once, if not given); `augment`
    rewords training records and never dev; `watch` is told of each epoch. Checkpoints go to
    `folder`; with `resume` the last one is taken up, and it is a `ConfigError` if there is none;
    without, those of an earlier run are removed.
    """
    if not train:
        raise DataError("there is no training record")
    items = Passes(train, narrowed(encoder, schedule.targets), vary_by(augment), seed=seed)
    set_seed(seed)
    model = WithLoss(classifier, schedule.label_smoothing, r_drop=schedule.r_drop, ema=schedule.ema)
    rated = _rated(items, rates, schedule, seed)
    trainer = _Trainer(
        model=model,
        args=_arguments(schedule, seed, folder, items=len(items if rated is None else rated)),
        data_collator=Collator(encoder),
        train_dataset=items,
        eval_dataset=Passes(dev, encoder),
        compute_metrics=_dev_metrics,
        optimizers=(_optimiser(classifier, schedule), None),
        callbacks=[EarlyStoppingCallback(schedule.patience), TellEpoch(items)],
    )
    trainer.rated = rated
    if model.average is not None:
        trainer.add_callback(Follow(model.average, classifier))
    if watch is not None:
        trainer.add_callback(_Watched(watch))
    trainer.train(resume_from_checkpoint=_checkpoint(folder, resume))
    _average(trainer, model, folder, schedule.average)
    model.settle()
    classifier.cpu().eval()  # the Trainer may have moved it to a GPU; the graph is made here
    history: list[dict[str, Any]] = trainer.state.log_history
    return history


def _optimiser(classifier: PackedClassifier, schedule: Schedule) -> torch.optim.AdamW:
    groups = parameter_groups(
        classifier,
        schedule.encoder_lr,
        schedule.head_lr,
        schedule.weight_decay,
        layer_decay=schedule.layer_decay,
    )
    return torch.optim.AdamW(groups, fused=schedule.fused or None)  # type: ignore[arg-type]


def _rated(
    items: Passes, rates: Sequence[float] | None, schedule: Schedule, seed: int
) -> RatedSampler | None:
    """How an epoch is drawn, or none if every pass is seen once."""
    if rates is None or all(rate == 1 for rate in rates):
        return None
    each = pass_rates([one.members for one in items.passes], rates)
    group = schedule.quotes * schedule.accumulate
    return RatedSampler(each, items.lengths, group, seed=seed)


def _average(trainer: Trainer, model: WithLoss, folder: Path, count: int) -> None:
    """Put the mean of the last checkpoints in place of the best one, unless dev is against it."""
    files = last_checkpoints(folder, count)
    if len(files) < 2:
        return
    best = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(mean_weights(files))
    trainer.remove_callback(EarlyStoppingCallback)  # nothing is left to be stopped
    found = trainer.evaluate(metric_key_prefix="average")["average_macro_f1"]
    if found < (trainer.state.best_metric or 0.0):
        model.load_state_dict(best)


def best_dev(history: Sequence[Mapping[str, Any]]) -> float:
    """Dev macro-F1 of the weights that `fit` left: the best epoch's, or the average's."""
    names = ("eval_macro_f1", "average_macro_f1")
    return max(float(entry[name]) for entry in history for name in names if name in entry)


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint in `folder`, if it holds one."""
    return get_last_checkpoint(str(folder)) if folder.is_dir() else None  # type: ignore[no-untyped-call]


def _checkpoint(folder: Path, resume: bool) -> str | None:
    """The checkpoint to go on from, or none for a new run."""
    if resume:
        last = last_checkpoint(folder)
        if last is None:
            raise ConfigError(f"nothing to resume: {folder} holds no checkpoint")
        return last
    # What an earlier run left here would be taken for this run's by a later resume.
    for old in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        shutil.rmtree(old)
    return None


def _arguments(schedule: Schedule, seed: int, folder: Path, *, items: int) -> TrainingArguments:
    batches = math.ceil(items / schedule.quotes)
    steps = math.ceil(batches / schedule.accumulate)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=schedule.epochs,
        per_device_train_batch_size=schedule.quotes,
        gradient_accumulation_steps=schedule.accumulate,
        per_device_eval_batch_size=2 * schedule.quotes,
        train_sampling_strategy="group_by_length",
        lr_scheduler_type="linear",
        warmup_steps=round(schedule.warmup * steps * schedule.epochs),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=max(2, schedule.average + 1),  # the last ones, and the best
        logging_strategy="steps",
        logging_steps=max(1, steps // 4),
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        label_names=["labels"],
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        include_for_metrics=[],
        report_to="none",
        seed=seed,
        bf16=schedule.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
    )


def _dev_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Macro-F1 over real targets only; the Trainer pads what it gathers with `IGNORED` as well."""
    labels = np.asarray(prediction.label_ids)
    logits = np.asarray(prediction.predictions)
    real = labels != IGNORED
    return {"macro_f1": macro_f1(labels[real], logits[real].argmax(axis=-1))}
