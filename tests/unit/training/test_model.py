from collections.abc import Callable

import numpy as np
import pytest
import torch

from stancewire.errors import ConfigError
from stancewire.pairs import PairEncoder, StancePair
from stancewire.training.model import (
    Attention,
    PackedClassifier,
    additive,
    freeze,
    parameter_groups,
    pool,
    visible,
)

QUOTE = "We welcome the treaty, and we reject the levy."
TARGETS = ["the treaty", "levy", "a rather long target"]

# Rows: who looks; columns: who is seen. Tokens: quote, quote, target 1, target 2, padding.
BLOCKS = torch.tensor([[0, 0, 1, 2, -1]])
SEEN = {
    "blocked": ["11000", "11000", "11100", "11010", "11000"],
    "joint": ["11110", "11110", "11110", "11110", "11110"],
    "separate": ["11000", "11000", "00100", "00010", "11000"],
}


@pytest.mark.parametrize("attention", SEEN)
def test_who_sees_whom(attention: Attention):
    seen = visible(BLOCKS, attention)
    assert seen.shape == (1, 5, 5)
    assert ["".join(str(int(x)) for x in row) for row in seen[0]] == SEEN[attention]


@pytest.mark.parametrize("attention", SEEN)
def test_no_row_of_the_mask_is_empty(attention: Attention):
    # A softmax over nothing is not a number.
    blocks = torch.tensor([[0, 0, 1, 1, 2], [0, 1, -1, -1, -1]])
    assert visible(blocks, attention).any(-1).all()


def test_the_additive_mask_is_nought_where_seen_and_lowest_elsewhere():
    mask = additive(torch.tensor([[[True, False]]]), torch.float32)
    assert mask.tolist() == [[[[0.0, torch.finfo(torch.float32).min]]]]


def test_pooling_is_the_mean_of_each_block_and_nought_where_empty():
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [10.0, 20.0], [99.0, 99.0]]])
    blocks = torch.tensor([[0, 0, 2, -1]])
    pooled = pool(hidden, blocks, torch.tensor([0, 1, 2]))
    assert pooled.tolist() == [[[2.0, 3.0], [0.0, 0.0], [10.0, 20.0]]]


def answers(
    model: PackedClassifier, encoder: PairEncoder, asked: list[StancePair]
) -> list[np.ndarray]:
    """Logits of each pair, all in one padded batch."""
    passes = encoder.passes(asked)
    feed = {k: torch.from_numpy(v) for k, v in encoder.batch(passes).feed().items()}
    with torch.no_grad():
        logits = model.eval()(**feed).numpy()
    found = {i: logits[row, k] for row, p in enumerate(passes) for k, i in enumerate(p.members)}
    return [found[i] for i in range(len(asked))]


def test_an_answer_does_not_depend_on_what_else_is_asked(
    make_classifier: Callable[..., PackedClassifier], pairs: PairEncoder
):
    model = make_classifier()
    asked = [StancePair(QUOTE, target) for target in TARGETS]
    alone = [answers(model, pairs, [pair])[0] for pair in asked]
    assert max(np.abs(alone[0] - other).max() for other in alone[1:]) > 1e-2  # it reads the target

    together = answers(model, pairs, asked)
    backwards = answers(model, pairs, asked[::-1])[::-1]
    longer = StancePair("no " * 29, "a target of eight")
    padded = answers(model, pairs, [longer, *asked, StancePair("no", "levy")])[1:4]
    for found in (together, backwards, padded):
        np.testing.assert_allclose(found, alone, atol=1e-5)


def test_an_answer_depends_on_the_quote(
    make_classifier: Callable[..., PackedClassifier], pairs: PairEncoder
):
    model = make_classifier()
    one, other = answers(
        model, pairs, [StancePair("we welcome it", "levy"), StancePair("we reject it", "levy")]
    )
    assert np.abs(one - other).max() > 1e-2


def test_the_gradient_reaches_encoder_and_head(
    make_classifier: Callable[..., PackedClassifier], pairs: PairEncoder
):
    model = make_classifier().train()
    batch = pairs.batch(pairs.passes([StancePair(QUOTE, target) for target in TARGETS]))
    model(**{k: torch.from_numpy(v) for k, v in batch.feed().items()}).square().sum().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias added to all keys alike cannot move a softmax: its gradient is rounding, or nothing.
    assert [name for name in without if not name.endswith("key.bias")] == []


def test_every_parameter_is_in_exactly_one_group(
    make_classifier: Callable[..., PackedClassifier],
):
    model = make_classifier()
    groups = parameter_groups(model, encoder_lr=1.0, head_lr=2.0, weight_decay=0.5)
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    by_id = {id(p): group for group in groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        group = by_id[id(parameter)]
        assert group["lr"] == (2.0 if name.startswith("head.") else 1.0), name
        is_matrix = name.endswith("weight") and "LayerNorm" not in name
        assert group["weight_decay"] == (0.5 if is_matrix else 0.0), name


def test_frozen_layers_are_neither_changed_nor_given_to_the_optimiser(
    make_classifier: Callable[..., PackedClassifier], pairs: PairEncoder
):
    model = make_classifier()
    freeze(model.encoder, 1)
    frozen = {n for n, p in model.encoder.transformer.named_parameters() if not p.requires_grad}
    assert frozen == {
        n
        for n, _ in model.encoder.transformer.named_parameters()
        if n.startswith(("embeddings.", "encoder.layer.0."))
    }
    groups = parameter_groups(model, encoder_lr=1.0, head_lr=2.0, weight_decay=0.5)
    grouped = {id(p) for group in groups for p in group["params"]}
    assert grouped == {id(p) for p in model.parameters() if p.requires_grad}

    batch = pairs.batch(pairs.passes([StancePair(QUOTE, "levy")]))
    model.train()(**{k: torch.from_numpy(v) for k, v in batch.feed().items()}).sum().backward()
    assert all(p.grad is None for p in model.encoder.transformer.embeddings.parameters())


def test_freezing_no_layer_changes_nothing(make_classifier: Callable[..., PackedClassifier]):
    model = make_classifier()
    freeze(model.encoder, 0)
    assert all(p.requires_grad for p in model.parameters())


def test_more_layers_than_there_are_cannot_be_frozen(
    make_classifier: Callable[..., PackedClassifier],
):
    with pytest.raises(ConfigError, match="does not have 3 layers"):
        freeze(make_classifier().encoder, 3)


def test_each_layer_learns_slower_than_the_one_above_it(
    make_classifier: Callable[..., PackedClassifier],
):
    model = make_classifier()
    groups = parameter_groups(model, encoder_lr=1.0, head_lr=2.0, weight_decay=0.5, layer_decay=0.5)
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    expected = {"embeddings.": 0.25, "encoder.layer.0.": 0.5, "encoder.layer.1.": 1.0}
    for name, parameter in model.encoder.transformer.named_parameters():
        (lr,) = (lr for start, lr in expected.items() if name.startswith(start))
        assert rates[id(parameter)] == lr
    assert {rates[id(p)] for p in model.head.parameters()} == {2.0}
    decayed = {id(p) for g in groups for p in g["params"] if g["weight_decay"]}
    assert decayed == {id(p) for p in model.parameters() if p.ndim > 1}


def test_layers_that_are_not_found_cannot_learn_at_rates_of_their_own(
    make_classifier: Callable[..., PackedClassifier],
):
    model = make_classifier()
    model.encoder.transformer.encoder = torch.nn.Identity()
    with pytest.raises(ConfigError, match=r"schedule\.layer_decay must be 1"):
        parameter_groups(model, 1.0, 1.0, 0.0, layer_decay=0.9)
