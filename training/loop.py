"""Fine-tuning the packed classifier with the Hugging Face Trainer: one item is one pass.

The Trainer brings checkpoints, resuming, early stopping, progress bars and length-grouped batches;
here is only what is particular: batches of passes, the loss over their targets, two learning rates.
"""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, EvalPrediction, get_last_checkpoint

from stancewire.data.sources import declared
from stancewire.errors import ConfigError, DataError
from stancewire.labels import ORDER, Label
from stancewire.pairs import PairEncoder, Pass
from stancewire.records import Record
from stancewire.training.metrics import gold_indices, macro_f1
from stancewire.training.model import PackedClassifier, parameter_groups
from stancewire.training.recipe import Schedule

IGNORED = -100
"""Label of a block that does not exist: passes of a batch have different numbers of targets."""


class Passes(Dataset[dict[str, Any]]):
    """Training records as passes with their labels."""

    def __init__(self, records: Sequence[Record], encoder: PairEncoder) -> None:
        self.passes = encoder.passes([r.pair for r in records])
        self.gold = gold_indices([r.stance for r in records])
        self.open = np.array([_knows_neutral(r.source) for r in records], dtype=bool)

    def __len__(self) -> int:
        return len(self.passes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        one = self.passes[index]
        members = list(one.members)
        # "input_ids" is what the Trainer's length-grouping sampler measures.
        return {
            "input_ids": one.input_ids,
            "pass": one,
            "gold": self.gold[members],
            "open": self.open[members],
        }


class Collator:
    """Pads passes to a batch; labels of missing blocks are `IGNORED`."""

    def __init__(self, encoder: PairEncoder) -> None:
        self._encoder = encoder

    def __call__(self, items: list[dict[str, Any]]) -> dict[str, Tensor]:
        """Inputs of the graph, `labels` (b, k) and `has_neutral` (b, k)."""
        passes: list[Pass] = [item["pass"] for item in items]
        batch = self._encoder.batch(passes)
        labels = np.full((len(items), len(batch.block_ids)), IGNORED, dtype=np.int64)
        has_neutral = np.ones(labels.shape, dtype=bool)
        for row, item in enumerate(items):
            labels[row, : len(item["gold"])] = item["gold"]
            has_neutral[row, : len(item["open"])] = item["open"]
        feed = {**batch.feed(), "labels": labels, "has_neutral": has_neutral}
        return {name: torch.from_numpy(values) for name, values in feed.items()}


class WithLoss(nn.Module):
    """The classifier as the Trainer wants it: loss first, then logits."""

    def __init__(self, classifier: PackedClassifier, label_smoothing: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.label_smoothing = label_smoothing

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        blocks: Tensor,
        block_ids: Tensor,
        labels: Tensor,
        has_neutral: Tensor,
    ) -> dict[str, Tensor]:
        """Mean cross-entropy over the targets of the batch, and logits (b, k, 3)."""
        logits = self.classifier(input_ids, position_ids, blocks, block_ids)
        real = labels != IGNORED
        loss = stance_loss(logits[real], labels[real], has_neutral[real], self.label_smoothing)
        return {"loss": loss, "logits": logits}


def stance_loss(logits: Tensor, gold: Tensor, has_neutral: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy of logits (n, 3), with label smoothing over the classes that exist.

    Where `has_neutral` is false the data set knows favor and against only: that one has no neutral
    says nothing of the world, so the neutral logit gets no gradient there.
    """
    exists = torch.ones_like(logits, dtype=torch.bool)
    exists[:, ORDER.index(Label.NEUTRAL)] = has_neutral
    log_p = logits.masked_fill(~exists, -math.inf).log_softmax(dim=-1)
    picked = log_p.gather(-1, gold[:, None]).squeeze(-1)
    spread = log_p.masked_fill(~exists, 0.0).sum(-1) / exists.sum(-1)
    return -((1 - smoothing) * picked + smoothing * spread).mean()


def _knows_neutral(source: str) -> bool:
    declaration = declared().get(source)
    return declaration is None or declaration.has_neutral


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
) -> list[dict[str, Any]]:
    """Train in place and leave the weights of the best epoch by dev macro-F1; gives the history.

    Checkpoints go to `folder`; with `resume` the last one is taken up, and it is a `ConfigError` if
    there is none; without, those of an earlier run are removed.
    """
    items = Passes(train, encoder)
    if not len(items):
        raise DataError("there is no training record")
    set_seed(seed)
    model = WithLoss(classifier, schedule.label_smoothing)
    groups = parameter_groups(
        classifier, schedule.encoder_lr, schedule.head_lr, schedule.weight_decay
    )
    trainer = Trainer(
        model=model,
        args=_arguments(schedule, seed, folder, steps=math.ceil(len(items) / schedule.quotes)),
        data_collator=Collator(encoder),
        train_dataset=items,
        eval_dataset=Passes(dev, encoder),
        compute_metrics=_dev_metrics,
        optimizers=(torch.optim.AdamW(groups), None),  # type: ignore[arg-type]
        callbacks=[EarlyStoppingCallback(schedule.patience)],
    )
    trainer.train(resume_from_checkpoint=_checkpoint(folder, resume))
    classifier.cpu().eval()  # the Trainer may have moved it to a GPU; the graph is made here
    history: list[dict[str, Any]] = trainer.state.log_history
    return history


def _checkpoint(folder: Path, resume: bool) -> str | None:
    """The checkpoint to go on from, or none for a new run."""
    if resume:
        last = get_last_checkpoint(str(folder)) if folder.is_dir() else None  # type: ignore[no-untyped-call]
        if last is None:
            raise ConfigError(f"nothing to resume: {folder} holds no checkpoint")
        return str(last)
    # What an earlier run left here would be taken for this run's by a later resume.
    for old in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        shutil.rmtree(old)
    return None


def _arguments(schedule: Schedule, seed: int, folder: Path, *, steps: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=schedule.epochs,
        per_device_train_batch_size=schedule.quotes,
        per_device_eval_batch_size=2 * schedule.quotes,
        train_sampling_strategy="group_by_length",
        lr_scheduler_type="linear",
        warmup_steps=round(schedule.warmup * steps * schedule.epochs),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
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
        use_cpu=not torch.cuda.is_available(),
    )


def _dev_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Macro-F1 over real targets only; the Trainer pads what it gathers with `IGNORED` as well."""
    labels = np.asarray(prediction.label_ids)
    logits = np.asarray(prediction.predictions)
    real = labels != IGNORED
    return {"macro_f1": macro_f1(labels[real], logits[real].argmax(axis=-1))}
