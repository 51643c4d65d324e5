from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.serving.answers import AnswerCache, keys_of


def key_of(bundle: str, text: str, target: str) -> bytes:
    return keys_of(bundle, [StancePair(text, target)])[0]


def stance(score: float) -> Stance:
    return Stance(Label.FAVOR, score, 1.0, {}, False, False)


def test_the_answer_unused_for_longest_goes_first():
    cache = AnswerCache(2)
    cache.put(b"a", stance(1))
    cache.put(b"b", stance(2))
    assert cache.get(b"a") == stance(1)
    cache.put(b"c", stance(3))
    assert cache.get(b"b") is None
    assert cache.get(b"a") == stance(1)
    assert cache.get(b"c") == stance(3)


def test_size_zero_keeps_nothing():
    cache = AnswerCache(0)
    cache.put(b"a", stance(1))
    assert cache.get(b"a") is None


def test_typography_does_not_make_another_key_but_words_and_model_do():
    assert key_of("m", "“We agree”", "it") == key_of("m", '"We  agree"', " it ")
    keys = {
        key_of("m", "a b", "c"),
        key_of("m", "a", "b c"),
        key_of("m", "A b", "c"),
        key_of("n", "a b", "c"),
    }
    assert len(keys) == 4


def test_a_text_that_utf8_cannot_hold_has_a_key():
    assert key_of("m", "a\ud800", "c") == key_of("m", "a", "c")
