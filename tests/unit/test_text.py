import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stancewire.text import fingerprint, normalise

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(ANY_TEXT)
@example("e\u200b\u0301 “x”")  # the mark joins its letter only once the joint between them is gone
@example("\u1fef\u2000\u212b\ufb1d")
def test_normal_form_is_its_own(text: str):
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(ANY_TEXT)
def test_nothing_invisible_is_left(text: str):
    result = normalise(text)
    assert not {unicodedata.category(c) for c in result} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    assert not set(result) & set("“”„‟«»‘’‚‛‹›\u2010\u2011\u2012")
    assert result == " ".join(result.split())
    result.encode()  # would raise for what cannot be stored or sent


@pytest.mark.parametrize(
    ("typeset", "plain"),
    [
        ("“Yes,” he said", '"Yes," he said'),
        ("«oui» „nein‟", '"oui" "nein"'),
        ("it’s ‘fine’ ‹so› ‚so‛", "it's 'fine' 'so' 'so'"),
        ("re\u2011arm, re\u2010arm, 3\u20124", "re-arm, re-arm, 3-4"),
        ("a\u200bb\u200d\ufeff\u202ec", "abc"),
        ("  two\u00a0words\r\n\tmore\u2028here \x85 ", "two words more here"),
        ("cafe\u0301", "café"),
        ("a\ud800b\x00c", "abc"),
        ("a — b – c", "a — b – c"),  # a dash is punctuation and stays
        ("No. NO!", "No. NO!"),
        ("\u200b \n", ""),
        ("", ""),
    ],
)
def test_typography_is_one(typeset: str, plain: str):
    assert normalise(typeset) == plain


def test_fingerprint_sees_the_words_alone():
    same = ["“We’ll WAIT”", '"we\'ll  wait"', ' "We\'ll\u200b wait"\n']
    assert len({fingerprint(text) for text in same}) == 1
    assert fingerprint('"We\'ll not wait"') != fingerprint(same[0])


@given(ANY_TEXT)
def test_fingerprint_is_of_the_normal_form(text: str):
    result = fingerprint(text)
    assert result == fingerprint(normalise(text))
    assert len(result) == 16
    assert int(result, 16) >= 0
