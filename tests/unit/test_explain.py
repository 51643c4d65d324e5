import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.bundle import Bundle
from stancewire.errors import DataError
from stancewire.explain import (
    CHUNK,
    STAND_IN,
    TEXT_PARTS,
    explain,
    explaining,
    parts,
    without,
    words,
)
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor, Stance
from stancewire.text import normalise

FREE = st.text(max_size=60)
REAL = st.lists(
    st.sampled_from(
        ["don't", "U.S.", "“no”", "zażółć", "e\u0301te\u0301", "so\u00adft", "—", "a\ud800"]
    ),
    max_size=9,
).map(" ".join)


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


class Reader:
    """Reads `room` words of a quote and no more; every "good" it reads is a nat for favor."""

    def __init__(self, room: int = 10**6) -> None:
        self.room = room
        self.asked: list[StancePair] = []
        self.sizes: list[int] = []

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        self.asked += pairs
        self.sizes.append(len(pairs))
        return [self._answer(pair) for pair in pairs]

    def _answer(self, pair: StancePair) -> Stance:
        assert pair.text.strip() and pair.target.strip()
        found = pair.text.split()
        favor = 0.9 * math.exp(found[: self.room].count("good") - 10)
        shares = {Label.FAVOR: favor, Label.AGAINST: 0.0, Label.NEUTRAL: 1 - favor}
        return Stance(Label.FAVOR, favor, favor, shares, False, len(found) > self.room)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("We don't; it's 3.5 %!", ["We", "don't", "it's", "3.5"]),
        ("“No—never,” he said…", ["No", "never", "he", "said"]),
        ("the U.S.-led anti-missile shield", ["the", "U.S", "led", "anti-missile", "shield"]),
        ("e\u0301te\u0301 so\u00adft", ["e\u0301te\u0301", "so\u00adft"]),
        ("Мы приветствуем", ["Мы", "приветствуем"]),
        ("?! 🕊 …", []),
    ],
)
def test_words_are_what_people_call_so(text, wanted):
    assert said(text) == wanted


@given(FREE | REAL)
def test_every_letter_is_in_one_word_and_no_word_is_without(text):
    found = words(text)
    inside = {i for start, end in found for i in range(start, end)}
    assert sum(end - start for start, end in found) == len(inside)
    assert {i for i, c in enumerate(text) if c.isalnum()} <= inside
    assert all(any(map(str.isalnum, text[start:end])) for start, end in found)


@given(FREE | REAL, st.randoms())
def test_taking_words_away_leaves_the_other_words_as_they_were(text, random):
    found = words(text)
    gone = [span for span in found if random.random() < 0.5]
    kept = [text[a:b] for a, b in found if (a, b) not in gone]
    assert said(without(text, gone)) == kept
    assert normalise(without(text, gone))  # the model refuses an empty one
    assert without(text, found) == STAND_IN


@given(st.integers(0, 200), st.integers(1, 20))
def test_parts_are_all_words_in_even_runs_of_neighbours(count, most):
    text = " ".join(["word"] * count)
    found = parts(text, most)
    sizes = [len(text[start:end].split()) for start, end in found]
    assert sum(sizes) == count
    assert len(sizes) == min(count, most)
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_weights_are_what_the_answers_lose(tfidf_bundle: Bundle):
    predictor = Predictor.load(tfidf_bundle)
    pair = StancePair("We  welcome “the” rest.", "the treaty")
    found = explain(predictor, pair)
    assert found.stance == predictor.predict([pair])[0]
    assert found.stance.label is Label.FAVOR

    def lost(text: str, target: str) -> float:
        (less,) = predictor.predict([StancePair(text, target)])
        return math.log(found.stance.confidence / less.probabilities[Label.FAVOR])

    weights = {span.word: span.weight for span in found.text}
    assert list(weights) == ["We", "welcome", "the", "rest"]
    assert weights["welcome"] == pytest.approx(lost("We “the” rest.", "the treaty"))
    assert weights["welcome"] > 0.5
    assert weights["We"] == weights["rest"] == 0
    assert [span.weight for span in found.target] == [
        0,
        pytest.approx(lost(pair.text, "the")),
    ]
    assert found.target[1].weight < 0  # the treaty leans to neutral
    for spans, side in ((found.text, pair.text), (found.target, pair.target)):
        assert [side[span.start : span.end] for span in spans] == [span.word for span in spans]


def test_a_side_of_one_word_is_explained_too(tfidf_bundle: Bundle):
    found = explain(Predictor.load(tfidf_bundle), StancePair("Welcome!", "treaty"))
    assert found.text[0].weight > 0
    assert found.target[0].weight < 0


def test_a_side_without_words_has_no_weights():
    found = explain(Reader(), StancePair("good", "?!"))
    assert (len(found.text), found.target) == (1, ())


def test_a_long_quote_is_weighed_in_runs_and_the_work_is_bounded():
    reader = Reader()
    text = " ".join(["so"] * 300 + ["good"] + ["so"] * 699)
    found = explain(reader, StancePair(text, "it"))
    assert len(found.text) == TEXT_PARTS
    assert len(reader.asked) == 1 + TEXT_PARTS + 1
    (heavy,) = [span for span in found.text if span.weight]
    assert "good" in heavy.word
    assert heavy.weight == pytest.approx(1)


def test_what_was_not_read_has_no_say():
    reader = Reader(room=5)
    text = "so good so so so good good good"
    found = explain(reader, StancePair(text, "it"))
    assert found.stance.truncated
    assert [(span.word, round(span.weight, 6)) for span in found.text] == [
        ("so", 0),  # and not −1, though a "good" would move up into its place
        ("good", 1),
        ("so", 0),
        ("so", 0),
        ("so", 0),
    ]


def test_a_first_word_too_long_to_be_read_is_no_trouble():
    found = explain(Reader(room=0), StancePair("good", "it"))
    assert [span.word for span in found.text] == ["good"]


def test_it_works_in_small_steps():
    reader = Reader(room=900)
    pair = StancePair("so " * 1000, "it")
    (stance,) = reader.predict([pair])
    before, largest = len(reader.asked), 0
    for _ in explaining(reader, pair, stance):
        largest = max(largest, len(reader.asked) - before)
        before = len(reader.asked)
    assert largest <= CHUNK


def test_what_cannot_be_read_is_refused_as_by_the_predictor(tiny_refusing: Predictor):
    with pytest.raises(DataError, match="cannot be encoded"):
        explain(tiny_refusing, StancePair("We welcome it.", " "))


@pytest.fixture
def tiny_refusing(tiny_tokenizer, tiny_encoding) -> Predictor:
    from stancewire.calibration import Calibration
    from stancewire.pairs import PairEncoder

    class Encoding:
        def logits(self, pairs):
            PairEncoder(tiny_tokenizer, tiny_encoding).passes(pairs)
            raise AssertionError("an empty target was taken")

    return Predictor(Encoding(), Calibration())


@given(text=FREE | REAL, target=FREE | REAL)
def test_any_two_strings_are_explained_with_finite_weights(text, target):
    class Even(Reader):
        def _answer(self, pair: StancePair) -> Stance:
            shares = dict.fromkeys(Label, 1 / 3)
            return Stance(Label.NEUTRAL, 0.0, 1 / 3, shares, False, False)

    found = explain(Even(), StancePair(text, target))
    for span in (*found.text, *found.target):
        assert math.isfinite(span.weight)
        span.word.encode()  # no half of a surrogate pair, which JSON could not carry
        assert span.word
