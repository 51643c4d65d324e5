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

from stancewire.errors import ConfigError, DataError
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

    def __len__(self) -> int:
        return len(self.passes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        one = self.passes[index]
        # "input_ids" is what the Trainer's length-grouping sampler measures.
        return {"input_ids": one.input_ids, "pass": one, "gold": self.gold[list(one.members)]}


class Collator:
    """Pads passes to a batch; labels of missing blocks are `IGNORED`."""

    def __init__(self, encoder: PairEncoder) -> None:
        self._encoder = encoder

    def __call__(self, items: list[dict[str, Any]]) -> dict[str, Tensor]:
        """Inputs of the graph and `labels` (b, k)."""
        passes: list[Pass] = [item["pass"] for item in items]
        batch = self._encoder.batch(passes)
        labels = np.full((len(items), len(batch.block_ids)), IGNORED, dtype=np.int64)
        for row, item in enumerate(items):
            labels[row, : len(item["gold"])] = item["gold"]
        return {k: torch.from_numpy(v) for k, v in {**batch.feed(), "labels": labels}.items()}


class WithLoss(nn.Module):
    """The classifier as the Trainer wants it: loss first, then logits."""

    def __init__(self, classifier: PackedClassifier, label_smoothing: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.loss = nn.CrossEntropyLoss(ignore_index=IGNORED, label_smoothing=label_smoothing)

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        blocks: Tensor,
        block_ids: Tensor,
        labels: Tensor,
    ) -> dict[str, Tensor]:
        """Mean cross-entropy over the targets of the batch, and logits (b, k, 3)."""
        logits = self.classifier(input_ids, position_ids, blocks, block_ids)
        return {"loss": self.loss(logits.flatten(0, 1), labels.flatten()), "logits": logits}


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
