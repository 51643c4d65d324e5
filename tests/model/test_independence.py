"""The answer for one target does not depend on the others: the real encoder, as it would serve."""

import itertools

import numpy as np
import pytest
import torch

from stancewire.backends import OnnxBackend
from stancewire.pairs import PairEncoder, StancePair
from stancewire.training import encoders, export
from stancewire.training.model import PackedClassifier
from stancewire.training.quantise import quantise, round_weights
from stancewire.training.recipe import Recipe

RECIPE = Recipe(name="independence", family="packed")
QUOTE = (
    "The minister said that the ministry “will not be drawn” on the harbour levy, though it "
    "welcomes the inspectors’ report and has never asked for the port to be closed."
)
STRAIGHT = QUOTE.translate(str.maketrans("“”’", '""\''))
TARGETS = [
    "the harbour levy",
    "the inspectors' report",
    "closing the port",
    "the claim that the ministry ordered the port to be closed",
    "the ministry",
    "a second airport in the north",
    *[f"paragraph {number} of the report" for number in range(1, 15)],
]
# The order of summation moves fp32 by 1e-6. Where that takes an activation over the edge between
# two of its 256 steps, int8 moves by more; one scale for a whole batch would move it much farther.
TOLERANCE = {"fp32": 1e-5, "int8": 2e-3}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pairs() -> PairEncoder:
    return encoders.load(RECIPE.base).pair_encoder(RECIPE)


@pytest.fixture(scope="module")
def graphs(pairs: PairEncoder) -> dict[str, bytes]:
    """The pretrained encoder with a head that nobody trained: independence is not learnt."""
    encoder = encoders.build(RECIPE, encoders.load(RECIPE.base))
    torch.manual_seed(3)
    network = PackedClassifier(encoder, RECIPE.head.hidden, RECIPE.head.dropout)
    fp32 = export.to_onnx(network, pairs)
    export.check_onnx(network, fp32, pairs, [], RECIPE.parity)
    rounded = round_weights(fp32, weight_bits=8, keep_last=network.head_products)
    return {"fp32": fp32, "int8": quantise(fp32, rounded)}


@pytest.fixture(scope="module", params=["fp32", "int8"])
def precision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def backend(precision: str, graphs: dict[str, bytes], pairs: PairEncoder) -> OnnxBackend:
    return OnnxBackend(graphs[precision], pairs)


@pytest.fixture
def tolerance(precision: str) -> float:
    return TOLERANCE[precision]


@pytest.fixture(scope="module")
def alone(backend: OnnxBackend, precision: str) -> np.ndarray:
    """Answer for each target when it is the only one asked."""
    answers = np.concatenate([backend.logits([StancePair(QUOTE, t)])[0] for t in TARGETS])
    # Were all answers alike, nothing below could fail.
    gaps = [np.abs(a - b).max() for a, b in itertools.combinations(answers[:6], 2)]
    assert min(gaps) > max(100 * TOLERANCE["fp32"], 3 * TOLERANCE[precision])
    return answers


def test_twenty_targets_are_answered_as_each_alone(
    backend: OnnxBackend, alone: np.ndarray, tolerance: float
):
    together, _ = backend.logits([StancePair(QUOTE, target) for target in TARGETS])
    np.testing.assert_allclose(together, alone, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_targets_does_not_matter(
    backend: OnnxBackend, alone: np.ndarray, tolerance: float, seed: int
):
    order = np.random.default_rng(seed).permutation(len(TARGETS))
    shuffled, _ = backend.logits([StancePair(QUOTE, TARGETS[i]) for i in order])
    np.testing.assert_allclose(shuffled, alone[order], rtol=0, atol=tolerance)


def test_other_quotes_in_the_batch_do_not_matter(
    backend: OnnxBackend, alone: np.ndarray, tolerance: float
):
    long = "We shall publish the figures in March, as we said we would. " * 12
    others = [StancePair(long, "publishing the figures"), StancePair("No.", "it")]
    mixed, _ = backend.logits([others[0], StancePair(QUOTE, TARGETS[0]), others[1]])
    np.testing.assert_allclose(mixed[1], alone[0], rtol=0, atol=tolerance)


def test_more_targets_than_a_pass_holds_are_answered_alike(
    backend: OnnxBackend, alone: np.ndarray, tolerance: float, pairs: PairEncoder
):
    asked = [StancePair(QUOTE, target) for target in TARGETS * 2]
    assert len(asked) > pairs.encoding.max_targets
    many, _ = backend.logits(asked)
    np.testing.assert_allclose(many, np.concatenate([alone, alone]), rtol=0, atol=tolerance)


def test_the_same_words_set_by_another_newsroom_are_the_same_quote(
    backend: OnnxBackend, alone: np.ndarray, tolerance: float, pairs: PairEncoder
):
    assert STRAIGHT != QUOTE
    straight, _ = backend.logits([StancePair(STRAIGHT, target) for target in TARGETS])
    np.testing.assert_allclose(straight, alone, rtol=0, atol=tolerance)
    # Not nearly the same but the same: both settings share one pass.
    assert len(pairs.passes([StancePair(text, TARGETS[1]) for text in (QUOTE, STRAIGHT)])) == 1


def test_the_speaker_does_not_matter(backend: OnnxBackend):
    named = [StancePair(QUOTE, TARGETS[0], speaker=name) for name in ("Ana Ruiz", None)]
    answers = [backend.logits([pair])[0] for pair in named]
    assert (answers[0] == answers[1]).all()
