"""The loss over stances: a data set without neutral must not teach that there is none."""

import pytest
import torch
from torch import nn

from stancewire.labels import ORDER, Label
from stancewire.training.loss import disagreement, stance_loss

NEUTRAL = ORDER.index(Label.NEUTRAL)
GOLD = torch.tensor([0, 1, 2, 0, 1])


@pytest.fixture
def logits():
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(3)).requires_grad_()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_with_neutral_everywhere_it_is_cross_entropy(logits, smoothing):
    everywhere = torch.ones(5, dtype=torch.bool)
    expected = nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, GOLD)
    torch.testing.assert_close(stance_loss(logits, GOLD, everywhere, smoothing), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_where_there_is_no_neutral_its_logit_gets_no_gradient(logits, smoothing):
    known = torch.tensor([True, True, True, False, False])
    stance_loss(logits, GOLD, known, smoothing).backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[3:, NEUTRAL] == 0).all()
    assert (logits.grad[:3, NEUTRAL] != 0).all()
    assert (logits.grad[3:, [0, 1]] != 0).all()


def test_where_there_is_no_neutral_it_is_cross_entropy_of_the_other_two(logits):
    gold = torch.tensor([0, 1, 1, 0, 1])
    two = [ORDER.index(Label.FAVOR), ORDER.index(Label.AGAINST)]
    expected = nn.CrossEntropyLoss(label_smoothing=0.1)(logits[:, two], gold)
    nowhere = torch.zeros(5, dtype=torch.bool)
    torch.testing.assert_close(stance_loss(logits, gold, nowhere, 0.1), expected)


def test_two_equal_readings_do_not_disagree(logits):
    everywhere = torch.ones(5, dtype=torch.bool)
    assert float(disagreement(logits, logits.clone(), everywhere).detach()) == 0


def test_disagreement_is_the_mean_of_both_divergences(logits):
    other = logits.detach().flip(0)
    p, q = logits.detach().log_softmax(-1), other.log_softmax(-1)
    kl = nn.KLDivLoss(reduction="batchmean", log_target=True)
    everywhere = torch.ones(5, dtype=torch.bool)
    found = disagreement(logits.detach(), other, everywhere)
    torch.testing.assert_close(found, (kl(p, q) + kl(q, p)) / 2)


def test_where_there_is_no_neutral_disagreement_is_of_the_other_two(logits):
    nowhere = torch.zeros(5, dtype=torch.bool)
    moved = logits.detach().clone()
    moved[:, NEUTRAL] += 5  # only what does not exist differs
    found = disagreement(logits, moved, nowhere)
    found.backward()
    assert float(found.detach()) == pytest.approx(0, abs=1e-7)
    assert torch.isfinite(logits.grad).all()
