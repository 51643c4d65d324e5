"""A tiny encoder, a task that can be learnt in seconds, and recipes for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from stancewire.pairs import PairEncoder
from stancewire.records import Record
from stancewire.training import encoders
from stancewire.training.encoders import Pretrained
from stancewire.training.export import to_onnx
from stancewire.training.model import PackedClassifier
from stancewire.training.recipe import Base, Head, Linear, Recipe, Schedule

STANCES = {"treaty": "favor", "levy": "against", "a": "neutral"}
"""The target alone decides: what is tested is that a loop learns, not what a model is worth."""
QUOTES = ["we welcome the levy", "we reject the treaty", "the treaty", "we x the a b", "no"]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors this small are faster with one thread, and sums keep their order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_recipe(tiny_encoder_folder: Path) -> Recipe:
    return Recipe(
        name="tiny",
        family="packed",
        base=Base(path=str(tiny_encoder_folder), max_text_tokens=32, max_target_tokens=48),
        head=Head(hidden=16, dropout=0.0),
        schedule=Schedule(epochs=4, quotes=4, encoder_lr=2e-3, head_lr=1e-2),
        linear=Linear(min_df=1),
    )


@pytest.fixture(scope="session")
def pretrained(tiny_recipe: Recipe) -> Pretrained:
    return encoders.load(tiny_recipe.base)


@pytest.fixture
def pairs(tiny_recipe: Recipe, pretrained: Pretrained) -> PairEncoder:
    return pretrained.pair_encoder(tiny_recipe)


@pytest.fixture(scope="session")
def make_classifier(tiny_recipe: Recipe) -> Callable[..., PackedClassifier]:
    """A fresh classifier, equal for equal seeds."""

    def make(seed: int = 0, recipe: Recipe = tiny_recipe) -> PackedClassifier:
        encoder = encoders.build(recipe, encoders.load(recipe.base))
        torch.manual_seed(seed)
        return PackedClassifier(encoder, recipe.head.hidden, recipe.head.dropout)

    return make


@pytest.fixture(scope="session")
def make_records(make_record: Callable[..., Record]) -> Callable[..., list[Record]]:
    """`make_records("dev", 6)`: so many quotes, each with all three targets."""

    def make(split: str, quotes: int, *, start: int = 0) -> list[Record]:
        return [
            make_record(
                id=f"{split}-{i}-{target}",
                text=f"{QUOTES[i % len(QUOTES)]} {i}",
                target=target,
                stance=stance,
                split=split,
            )
            for i in range(start, start + quotes)
            for target, stance in STANCES.items()
        ]

    return make


@pytest.fixture(scope="module")
def network(make_classifier: Callable[..., PackedClassifier]) -> PackedClassifier:
    return make_classifier()


@pytest.fixture(scope="module")
def module_pairs(tiny_recipe, pretrained) -> PairEncoder:
    return pretrained.pair_encoder(tiny_recipe)


@pytest.fixture(scope="module")
def fp32(network: PackedClassifier, module_pairs: PairEncoder) -> bytes:
    return to_onnx(network, module_pairs)
