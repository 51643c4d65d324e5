"""The fine-tuned network: one encoder pass over a quote and all its targets, one head per target.

Blocked attention is described in `stancewire.pairs`; the mask is made inside the graph from
`blocks`, so that nothing outside has to know it. The head pools the quote (u) and each target's
block (c) by their mean and reads `[c; u; c·u; |c−u|]`: mean pooling because that is how the
encoder's sentence space was trained (a fresh head on [CLS] hardly starts to learn).
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stancewire.errors import ConfigError

Attention = Literal["blocked", "joint", "separate"]


def visible(blocks: Tensor, attention: Attention) -> Tensor:
    """Which token may attend to which: bool, shape (b, s, s), from blocks (b, s).

    Padding (block -1) is attended by nothing; it still attends to the quote, so no row is empty.
    """
    query, key = blocks.unsqueeze(2), blocks.unsqueeze(1)
    real = key >= 0
    if attention == "joint":
        return real.expand(-1, blocks.shape[1], -1)
    same = query == key
    if attention == "blocked":
        return real & (same | (key == 0))
    return real & (same | ((query < 0) & (key == 0)))


def pool(hidden: Tensor, blocks: Tensor, block_ids: Tensor) -> Tensor:
    """Mean hidden state of each block: (b, s, d), (b, s), (k,) → (b, k, d); zero where empty."""
    member = (blocks.unsqueeze(1) == block_ids.view(1, -1, 1)).to(hidden.dtype)  # (b, k, s)
    return member @ hidden / member.sum(-1, keepdim=True).clamp(min=1.0)


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A bool mask (b, s, s) as what is added to attention scores: 0 or the lowest number."""
    lowest = torch.finfo(dtype).min
    return torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, lowest).unsqueeze(1)


class Encoder(nn.Module):
    """A pretrained transformer that reads passes instead of sentences."""

    def __init__(self, transformer: PreTrainedModel, attention: Attention) -> None:
        super().__init__()
        self.transformer = transformer
        self.attention: Attention = attention
        config = transformer.config
        self.width: int = config.hidden_size
        self.has_types = getattr(config, "type_vocab_size", 0) > 1 and attention != "separate"

    def forward(self, input_ids: Tensor, position_ids: Tensor, blocks: Tensor) -> Tensor:
        """Hidden states, shape (b, s, d)."""
        extra: dict[str, Any] = {}
        if self.has_types:
            extra["token_type_ids"] = (blocks > 0).long()
        if self.attention == "joint":
            extra["attention_mask"] = (blocks >= 0).long()
        else:
            dtype = next(self.transformer.parameters()).dtype
            extra["attention_mask"] = additive(visible(blocks, self.attention), dtype)
            extra["position_ids"] = position_ids
        hidden: Tensor = self.transformer(input_ids=input_ids, **extra).last_hidden_state
        return hidden


def freeze(encoder: Encoder, layers: int) -> None:
    """Keep the embeddings and the first `layers` layers as they were pretrained.

    They are then neither changed nor differentiated: less to overfit, and less work. Raises
    `ConfigError` if the encoder has no such layers where transformers usually keeps them.
    """
    if layers == 0:
        return
    stack = getattr(getattr(encoder.transformer, "encoder", None), "layer", None)
    if stack is None or len(stack) < layers:
        raise ConfigError(f"this encoder does not have {layers} layers to freeze")
    for module in (encoder.transformer.embeddings, *stack[:layers]):
        module.requires_grad_(False)


class PackedClassifier(nn.Module):
    """Encoder and head: logits for every target of every quote in one pass."""

    head_products = 2
    """Matrix products of the head, which stay in fp32 when the encoder is quantised."""

    def __init__(self, encoder: Encoder, hidden: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(4 * encoder.width, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 3),
        )

    def forward(
        self, input_ids: Tensor, position_ids: Tensor, blocks: Tensor, block_ids: Tensor
    ) -> Tensor:
        """Logits, shape (b, k, 3), columns as in `labels.ORDER`; noise where b has no block k."""
        hidden = self.encoder(input_ids, position_ids, blocks)
        u = pool(hidden, blocks, torch.zeros_like(block_ids[:1])).expand(-1, block_ids.shape[0], -1)
        c = pool(hidden, blocks, block_ids)
        logits: Tensor = self.head(torch.cat([c, u, c * u, (c - u).abs()], dim=-1))
        return logits


def parameter_groups(
    model: PackedClassifier, encoder_lr: float, head_lr: float, weight_decay: float
) -> list[Mapping[str, Any]]:
    """Optimiser groups: the head, new, learns faster; biases and norms do not decay."""
    groups: list[Mapping[str, Any]] = []
    for module, lr in ((model.encoder, encoder_lr), (model.head, head_lr)):
        matrices = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
        vectors = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
        groups.append({"params": matrices, "lr": lr, "weight_decay": weight_decay})
        groups.append({"params": vectors, "lr": lr, "weight_decay": 0.0})
    return groups
