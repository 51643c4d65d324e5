"""What training minimises: cross-entropy over stances, and R-Drop's agreement of two readings."""

import math

import torch
from torch import Tensor, nn

from stancewire.labels import ORDER, Label
from stancewire.training.averaging import moving_average
from stancewire.training.model import PackedClassifier
from stancewire.training.passes import IGNORED


class WithLoss(nn.Module):
    """The classifier as the Trainer wants it: loss first, then logits.

    With `ema` a moving average of the weights lies beside them. Checkpoints hold both, and it is
    the average that answers when the model is not being trained.
    """

    def __init__(
        self,
        classifier: PackedClassifier,
        label_smoothing: float,
        *,
        r_drop: float = 0.0,
        ema: float = 0.0,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.label_smoothing = label_smoothing
        self.r_drop = r_drop
        self.average = moving_average(classifier, ema) if ema else None

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        blocks: Tensor,
        block_ids: Tensor,
        labels: Tensor,
        has_neutral: Tensor,
    ) -> dict[str, Tensor]:
        """Mean loss over the targets of the batch, and logits (b, k, 3).

        Where a data set knows no neutral, the logits' neutral is minus infinity: what is chosen on
        dev must not depend on a number that was never trained.
        """
        answering = self.classifier if self.training or self.average is None else self.average
        inputs = (input_ids, position_ids, blocks, block_ids)
        logits: Tensor = answering(*inputs)
        real = labels != IGNORED
        gold, known = labels[real], has_neutral[real]
        loss = stance_loss(logits[real], gold, known, self.label_smoothing)
        if self.training and self.r_drop:
            again = answering(*inputs)[real]  # another draw of the dropout
            second = stance_loss(again, gold, known, self.label_smoothing)
            loss = (loss + second) / 2 + self.r_drop * disagreement(logits[real], again, known)
        if not self.training:
            logits = logits.masked_fill(~_exists(logits, has_neutral), -math.inf)
        return {"loss": loss, "logits": logits}

    def settle(self) -> None:
        """Give the classifier the averaged weights, if there are any."""
        if self.average is not None:
            self.classifier.load_state_dict(self.average.module.state_dict())


def stance_loss(logits: Tensor, gold: Tensor, has_neutral: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy of logits (n, 3), with label smoothing over the classes that exist.

    Where `has_neutral` is false the data set knows favor and against only: that one has no neutral
    says nothing of the world, so the neutral logit gets no gradient there.
    """
    exists = _exists(logits, has_neutral)
    log_p = logits.masked_fill(~exists, -math.inf).log_softmax(dim=-1)
    picked = log_p.gather(-1, gold[:, None]).squeeze(-1)
    spread = log_p.masked_fill(~exists, 0.0).sum(-1) / exists.sum(-1)
    return -((1 - smoothing) * picked + smoothing * spread).mean()


def disagreement(one: Tensor, other: Tensor, has_neutral: Tensor) -> Tensor:
    """Mean of both Kullback–Leibler divergences between two readings' logits (n, 3).

    R-Drop's regulariser (Wu et al., NeurIPS 2021), over the classes that exist.
    """
    exists = _exists(one, has_neutral)
    p, q = (
        x.masked_fill(~exists, -math.inf).log_softmax(-1).masked_fill(~exists, 0.0)
        for x in (one, other)
    )
    # KL(p‖q) + KL(q‖p) = Σ (p − q)(log p − log q); a class that does not exist adds nothing.
    return ((p.exp() - q.exp()) * (p - q)).sum(-1).mean() / 2


def _exists(logits: Tensor, has_neutral: Tensor) -> Tensor:
    """Which classes a label could have been, shaped as the logits (…, 3)."""
    exists = torch.ones_like(logits, dtype=torch.bool)
    exists[..., ORDER.index(Label.NEUTRAL)] = has_neutral
    return exists
