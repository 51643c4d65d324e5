import pytest

from stancewire.data.adapters.claims import as_stance, as_target, entailed_pair, pair
from stancewire.labels import Label
from stancewire.records import MAX_TARGET, MAX_TEXT


@pytest.mark.parametrize(
    ("hypothesis", "target"),
    [
        ("The bridge is shut.", "the bridge is shut"),
        ("  It's   shut .", "it's shut"),
        ("A bridge is shut", "a bridge is shut"),
        ("Они закрыли мост.", "они закрыли мост"),
        ("I'm glad.", "I'm glad"),
        ("NATO was glad.", "NATO was glad"),
        ("McArdle was glad.", "McArdle was glad"),
        ("A. Ortiz was glad.", "A. Ortiz was glad"),
        ("Ortiz went to the U.S.", "Ortiz went to the U.S."),
        ("They waited...", "they waited..."),
        ("1990 was wet.", "1990 was wet"),
        ("", ""),
    ],
)
def test_a_hypothesis_becomes_a_claim(hypothesis: str, target: str):
    assert as_target(hypothesis) == f"the claim that {target}"


@pytest.mark.parametrize(
    ("premise", "first"),
    [
        ("We saw dogs.", "dogs"),
        ("Later, Dogs was sung with dogs in mind.", "Dogs"),
        ("We saw cats.", "Dogs"),
    ],
)
def test_the_premise_tells_a_noun_from_a_name(premise: str, first: str):
    assert as_target("Dogs were seen.", premise) == f"the claim that {first} were seen"


def test_labels_are_stances():
    labels = ("entailment", "contradiction", "neutral")
    assert [as_stance(label) for label in labels] == [Label.FAVOR, Label.AGAINST, Label.NEUTRAL]
    with pytest.raises(ValueError, match="'maybe'"):
        as_stance("maybe")


def test_a_pair_is_the_fields_of_a_record():
    assert pair(" It rains. ", "It is dry.", "contradiction", "dev", ["part:x"]) == {
        "text": "It rains.",
        "target": "the claim that it is dry",
        "stance": Label.AGAINST,
        "split": "dev",
        "tags": ("part:x",),
    }


@pytest.mark.parametrize(
    ("premise", "hypothesis"),
    [
        ("It rains.", "{}"),
        ("?", "It rains."),
        ("It rains.", "It " + "r" * MAX_TARGET),
        ("r" * (MAX_TEXT + 1), "It rains."),
    ],
)
def test_what_a_record_cannot_hold_is_left_out(premise: str, hypothesis: str):
    assert pair(premise, hypothesis, "neutral", "train") is None


def test_the_longest_target_is_kept():
    fields = pair("It rains.", "i" * (MAX_TARGET - len("the claim that ")), "neutral", "train")
    assert fields is not None
    assert len(fields["target"]) == MAX_TARGET


def test_of_two_labels_only_entailment_is_a_stance():
    kept = entailed_pair("It rains.", "It is wet.", "entailment", "train")
    assert kept is not None
    assert kept["stance"] is Label.FAVOR
    assert entailed_pair("It rains.", "It is wet.", "not_entailment", "train") is None
    with pytest.raises(ValueError, match="neutral"):
        entailed_pair("It rains.", "It is wet.", "neutral", "train")
