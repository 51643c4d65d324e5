"""Words may change, what is asked may not."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.text import normalise
from stancewire.training.augment import mask_names, paraphrases, vary_by
from stancewire.training.recipe import Augment

WORDS = st.sampled_from(
    [
        "the", "we", "Angela", "Merkel", "Putin", "NATO", "U.S.", "said", "treaty", "is", "should",
        "be", "that", "levy,", "Monday.", "The", "I", "«é»", "5", "$1", "\\", "(", "a+b",
        "Merkel's", "support", "for", "claim",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(WORDS, min_size=1, max_size=15).map(" ".join), st.text(max_size=60))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("the claim that the port is closed", "the port is closed"),
        ("The claim that we lied", "we lied"),
        ("the harbour levy", "support for the harbour levy"),
        ("support for the harbour levy", "the harbour levy"),
        ("We should close the port.", "the claim that we should close the port"),
        ("Paris must act", "the claim that Paris must act"),
    ],
)
def test_a_target_is_reworded_by_rule(target, expected):
    assert expected in paraphrases(target)


@pytest.mark.parametrize(
    "target",
    [
        "opposition to the levy",  # support for it would turn the answer round
        "the opposition to the levy",
        "the criticism",
        "the right of return",
        "whether the port is closed",
        "Angela Merkel",  # a person is no measure
        "",
    ],
)
def test_where_no_rule_is_sure_nothing_is_reworded(target):
    assert paraphrases(target) == []


@given(TEXTS)
def test_a_rewording_is_another_wording_of_the_same_words(target):
    for one in paraphrases(target):
        assert one.casefold() != " ".join(target.split()).casefold()
        assert normalise(one)
        frame = {"the", "that", "claim", "statement", "idea", "support", "backing", "for"}
        kept = [set(re.findall(r"\w+", s.casefold())) - frame for s in (one, target)]
        assert kept[0] == kept[1]


@pytest.mark.parametrize("target", ["the claim that it is so", "support for the levy", "the levy"])
def test_a_way_there_is_a_way_back(target):
    for one in paraphrases(target):
        assert target in paraphrases(one) or one == "it is so"


def test_names_are_masked_alike_in_text_and_targets():
    text = "The minister said Angela Merkel met Putin on Monday. Merkel denied it; NATO did not."
    masked, targets = mask_names(text, ["Merkel", "the NATO summit", "Putin's visit"])
    assert masked == (
        "The minister said Name A met Name B on Monday. Name A denied it; Name C did not."
    )
    assert targets == ["Name A", "the Name C summit", "Name B's visit"]


@pytest.mark.parametrize(
    "text", ["We welcome it. They do not.", "WE WELCOME THE EU TREATY", "“No.”"]
)
def test_what_begins_a_sentence_or_is_shouted_is_no_name(text):
    assert mask_names(text, ["the treaty"]) == (text, ["the treaty"])


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_masking_is_whole_stable_and_leaves_what_is_no_name(text, targets):
    masked, changed = mask_names(text, targets)
    assert len(changed) == len(targets)
    assert mask_names(text, targets) == (masked, changed)
    for before, after in zip([text, *targets], [masked, *changed], strict=True):
        small = [w for w in before.split() if w == w.lower()]
        assert [w for w in after.split() if w == w.lower()] == small
        assert bool(normalise(before)) == bool(normalise(after))


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_a_name_told_once_is_masked_wherever_it_stands(text, targets):
    masked, changed = mask_names(f"{text} it is said that Putin left", targets)
    assert not any(re.search(r"\bPutin\b", one) for one in [masked, *changed])


@given(TEXTS, st.lists(TEXTS, max_size=3), st.integers())
def test_the_same_draw_gives_the_same_words(text, targets, seed):
    vary = vary_by(Augment(paraphrase=0.5, mask_names=0.5))
    assert vary is not None
    assert vary(text, targets, random.Random(seed)) == vary(text, targets, random.Random(seed))


def test_without_a_wish_nothing_is_varied():
    assert vary_by(None) is vary_by(Augment()) is None
