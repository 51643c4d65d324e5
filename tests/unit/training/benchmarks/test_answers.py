"""Kept answers: what is asked is asked once, what is kept is used, what is torn is not."""

import numpy as np
import pytest

from stancewire.labels import ORDER
from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.training.benchmarks.answers import (
    HIDDEN_TARGET,
    HIDDEN_TEXT,
    Model,
    chunks,
    target_hidden,
    text_hidden,
)

PAIRS = [StancePair(f"text {i // 2}", f"target {i % 2}") for i in range(6)]


class Counting:
    """Answers by the length of the words, and remembers what it was asked."""

    def __init__(self, fails_after=None):
        self.asked = []
        self.fails_after = fails_after

    def predict(self, pairs):
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise KeyboardInterrupt
        self.asked.append(list(pairs))
        return [stance(1 / (1 + len(p.text) + int(p.target[-1]))) for p in pairs]


def stance(favor):
    shares = dict(zip(ORDER, (favor, 1 - favor, 0.0), strict=True))
    return Stance(ORDER[0], 0.0, favor, shares, abstained=False, truncated=False)


def model(tmp_path, predictor, identity="bundle a"):
    return Model(identity, lambda: predictor, tmp_path)


def refuse():
    raise AssertionError("was loaded, though everything was answered before")


def test_answers_come_in_the_order_of_the_pairs_each_asked_once(tmp_path):
    predictor = Counting()

    found = model(tmp_path, predictor).ask([PAIRS[1], PAIRS[0], PAIRS[1]])

    assert found.shape == (3, 3)
    assert found[0].tolist() == found[2].tolist() != found[1].tolist()
    assert [len(asked) for asked in predictor.asked] == [2]


def test_a_second_run_asks_nothing(tmp_path):
    first = model(tmp_path, Counting())
    found = first.ask(PAIRS)

    again = Model("bundle a", refuse, tmp_path)

    assert again.ask(PAIRS).tolist() == found.tolist()
    assert again.seconds == first.seconds > 0


@pytest.mark.parametrize("change", ["model", "text", "target", "order"])
def test_another_model_or_other_words_are_asked_anew(tmp_path, change):
    model(tmp_path, Counting()).ask(PAIRS)
    pairs = {
        "text": [StancePair("another text", "target 0"), *PAIRS[1:]],
        "target": [StancePair("text 0", "another target 7"), *PAIRS[1:]],
        "order": PAIRS[::-1],
    }.get(change, PAIRS)
    predictor = Counting()

    model(tmp_path, predictor, "bundle b" if change == "model" else "bundle a").ask(pairs)

    assert predictor.asked


def test_a_run_that_was_cut_off_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("stancewire.training.benchmarks.answers.chunks", by_two)
    with pytest.raises(KeyboardInterrupt):
        model(tmp_path, Counting(fails_after=2)).ask(PAIRS)
    predictor = Counting()

    found = model(tmp_path, predictor).ask(PAIRS)

    assert [asked for asked in predictor.asked] == [PAIRS[4:]]
    assert found.tolist() == model(tmp_path / "new", Counting()).ask(PAIRS).tolist()


def by_two(pairs):
    return chunks(pairs, size=2)


@pytest.mark.parametrize("content", [b"", b"torn", None])
def test_a_file_that_cannot_be_used_is_written_anew(tmp_path, content):
    found = model(tmp_path, Counting()).ask(PAIRS)
    (file,) = tmp_path.glob("*.npz")
    if content is None:
        with file.open("wb") as out:
            np.savez(out, probabilities=np.ones((2, 3)), seconds=1.0)
    else:
        file.write_bytes(content)

    assert model(tmp_path, Counting()).ask(PAIRS).tolist() == found.tolist()
    assert Model("bundle a", refuse, tmp_path).ask(PAIRS).tolist() == found.tolist()


def test_a_text_is_never_cut():
    pairs = [StancePair(t, str(i)) for i in range(3) for t in ("a", "b")]

    found = list(chunks(pairs, size=4))

    assert [[p.text for p in chunk] for chunk in found] == [["a"] * 3, ["b"] * 3]
    assert [len(chunk) for chunk in chunks(pairs, size=2)] == [3, 3]
    assert [len(chunk) for chunk in chunks(pairs, size=6)] == [6]
    assert list(chunks([])) == []


def test_one_side_can_be_hidden():
    asked = []

    def ask(pairs):
        asked.append(list(pairs))
        return np.zeros((len(pairs), 3))

    target_hidden(ask)(PAIRS[:2])
    text_hidden(ask)(PAIRS[:2])

    assert asked == [
        [StancePair("text 0", HIDDEN_TARGET)] * 2,
        [StancePair(HIDDEN_TEXT, "target 0"), StancePair(HIDDEN_TEXT, "target 1")],
    ]
