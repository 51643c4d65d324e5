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
    stack = _stack(encoder)
    if len(stack) < layers:
        raise ConfigError(f"this encoder does not have {layers} layers to freeze")
    for module in (encoder.transformer.embeddings, *stack[:layers]):
        module.requires_grad_(False)


def _stack(encoder: Encoder) -> list[nn.Module]:
    """The encoder's layers, lowest first; none if they are not where transformers keeps them."""
    return list(getattr(getattr(encoder.transformer, "encoder", None), "layer", None) or [])


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
    model: PackedClassifier,
    encoder_lr: float,
    head_lr: float,
    weight_decay: float,
    *,
    layer_decay: float = 1.0,
) -> list[Mapping[str, Any]]:
    """Optimiser groups: the head, new, learns faster; biases and norms do not decay.

    With `layer_decay` under 1 each layer learns that much slower than the one above it, and the
    embeddings slowest (Howard & Ruder, ACL 2018). Raises `ConfigError` if the encoder's layers are
    not where transformers usually keeps them.
    """
    groups: list[Mapping[str, Any]] = []
    rates = _encoder_rates(model.encoder, encoder_lr, layer_decay)
    for parameters, lr in (*rates, (list(model.head.parameters()), head_lr)):
        trained = [p for p in parameters if p.requires_grad]
        matrices = [p for p in trained if p.ndim > 1]
        vectors = [p for p in trained if p.ndim <= 1]
        groups.append({"params": matrices, "lr": lr, "weight_decay": weight_decay})
        groups.append({"params": vectors, "lr": lr, "weight_decay": 0.0})
    return groups


def _encoder_rates(
    encoder: Encoder, lr: float, decay: float
) -> list[tuple[list[nn.Parameter], float]]:
    """The encoder's parameters by learning rate: the top layer's is `lr`."""
    if decay == 1:
        return [(list(encoder.parameters()), lr)]
    stack = _stack(encoder)
    if not stack:
        raise ConfigError("this encoder's layers are not found: schedule.layer_decay must be 1")
    layers = [list(layer.parameters()) for layer in stack]
    inside = {id(p) for layer in layers for p in layer}
    # Embeddings, and whatever all layers share, lie below them.
    rest = [p for p in encoder.parameters() if id(p) not in inside]
    depth = len(layers)
    return [(p, lr * decay ** (depth - i)) for i, p in enumerate([rest, *layers])]
