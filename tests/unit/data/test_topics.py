import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.data.duplicates import first_near, shingles
from stancewire.data.topics import (
    keep_pairs_once,
    keep_topics_apart,
    pair_of,
    text_key,
    topic_key,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("We should ban whaling", "this house would ban whaling."),
        ("We should ban whaling", "Whaling should be banned"),
        ("We should not subsidise student loans", "subsidize a student loan"),
        ("We should abandon the use of school uniform", "School uniforms should be abandoned"),
        ("This house believes that parties are needed", "The claim that we need a party"),
        ("gun control", "Gun  Control!"),
    ],
)
def test_wordings_of_one_topic_have_one_key(one: str, other: str):
    assert topic_key(one) == topic_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("We should ban whaling", "We should ban fishing"),
        ("We should ban whaling", "We should subsidize whaling"),
        ("nuclear power", "nuclear weapons"),
        ("gas", "gases in class"),
        ("being", "us"),  # words that say nothing are all there is
    ],
)
def test_other_topics_have_other_keys(one: str, other: str):
    assert topic_key(one) != topic_key(other)


def test_a_key_holds_the_content_words_alone():
    assert topic_key("The claim that this house would ban the keeping of foxes") == "ban fox keep"
    assert topic_key("We should") == "we should"


def test_texts_are_equal_without_regard_to_marks_and_case():
    assert text_key("We “will”,\n not go.") == text_key("we 'will' not go") == "we will not go"
    assert text_key("Nai\u0308ve\u200b plans\x00") == text_key("naïve plans")


@pytest.fixture
def row(make_record):
    def make(name: str, target: str, split: str = "train", text: str = "", stance: str = "favor"):
        text = text or f"Words of {name}."
        return make_record(id=name, text=text, target=target, split=split, stance=stance)

    return make


def test_a_topic_that_the_main_corpus_holds_out_is_not_trained_on(row):
    main = [
        row("a", "We should ban foxes", "test"),
        row("b", "parks", "dev"),
        row("c", "school uniforms", "golden"),
    ]
    more = [
        row("d", "this house would ban foxes"),
        row("e", "Parks"),
        row("f", "the school uniform"),
        row("g", "levies"),
    ]
    kept, removed = keep_topics_apart(more, main)
    assert kept == more[3:]
    assert removed == {"topic is in test": 1, "topic is in dev": 1, "topic is in golden": 1}


def test_a_topic_that_the_main_corpus_trains_on_as_well_stays(row):
    main = [row("a", "parks"), row("b", "Parks", "test")]
    assert keep_topics_apart([row("c", "the parks")], main) == ([row("c", "the parks")], {})


TWENTY = (
    "Rain falls here all day while we wait under that old bridge for some boat which never comes "
    "back to us"
)


@pytest.mark.parametrize("split", ["test", "golden", "dev"])
@pytest.mark.parametrize("near", [TWENTY.upper(), f"{TWENTY}. Truly.", TWENTY.replace("day", "n")])
def test_a_text_that_is_nearly_a_held_out_one_is_not_trained_on(row, split: str, near: str):
    main = [row("a", "rain", split, TWENTY), row("b", "snow")]
    kept, removed = keep_topics_apart([row("c", "other things", text=near)], main)
    assert kept == []
    assert removed == {f"text is nearly one of {split}": 1}


def test_a_text_is_left_out_though_the_main_corpus_trains_on_it_too(row):
    main = [row("a", "rain", text=TWENTY), row("b", "snow", "test", TWENTY)]
    assert keep_topics_apart([row("c", "ice", text=TWENTY)], main)[0] == []


def test_a_text_that_is_less_near_stays_and_so_does_one_of_train(row):
    other = " ".join(TWENTY.split()[:16])  # 16 of 20 words: not above 0.8
    main = [row("a", "rain", "test", TWENTY), row("b", "snow", "train", "Snow lies.")]
    more = [row("c", "ice", text=other), row("d", "hail", text="Snow lies!")]
    assert keep_topics_apart(more, main) == (more, {})


words = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12).map(" ".join)


@given(st.lists(words, max_size=8), st.lists(words, max_size=8), st.sampled_from([0.5, 0.6, 0.8]))
def test_the_first_near_text_is_that_of_comparing_all(texts, held, above):
    expected = {}
    for text in texts:
        for other in held:
            a, b = shingles(text), shingles(other)
            if text not in expected and len(a & b) / len(a | b) > above:
                expected[text] = other
    assert first_near(texts, held, above) == expected


def test_a_pair_is_kept_once_and_only_with_one_label(row):
    def said(name: str, target: str, stance: str = "favor"):
        return row(name, target, text="We say so.", stance=stance)

    main = {pair_of(said("a", "parks"))}
    earlier = {pair_of(said("b", "ferries"))}
    more = [
        said("c", "Parks"),
        said("d", "ferries", "against"),
        said("e", "bridges"),
        said("f", "Bridges"),
        said("g", "canals"),
        said("h", "canals", "neutral"),
        said("i", "canals"),
        row("j", "canals", text="We say more."),
    ]
    kept, removed = keep_pairs_once(more, main, earlier)
    assert [r.id for r in kept] == ["e", "j"]
    assert removed == {
        "pair is in the main corpus": 1,
        "pair is in an earlier addition": 1,
        "pair stands twice": 1,
        "pair has two labels": 3,
    }
