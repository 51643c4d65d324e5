import pytest

from stancewire.data.topics import Removed, keep_topics_apart, text_key, topic_key


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


def test_a_topic_that_one_set_holds_out_leaves_train_and_dev_of_the_others(make_record):
    def row(name: str, target: str, split: str):
        return make_record(id=name, text=f"Words of {name}.", target=target, split=split)

    first = [row("a", "We should ban foxes", "test"), row("b", "parks", "dev")]
    second = [
        row("c", "foxes should be banned", "train"),
        row("d", "this house would ban foxes", "dev"),
        row("e", "Parks", "train"),
        row("f", "parks", "dev"),
        row("g", "levies", "train"),
    ]
    kept, removed = keep_topics_apart({"first": first, "second": second})
    assert kept == {"first": first, "second": [second[3], second[4]]}
    assert removed == [
        Removed("second", 1, "topic of dev is in another's test"),
        Removed("second", 1, "topic of train is in another's dev"),
        Removed("second", 1, "topic of train is in another's test"),
    ]


def test_a_topic_that_a_set_trains_and_tests_on_is_not_held_out(make_record):
    both = [
        make_record(id="a", text="One.", target="parks", split="train"),
        make_record(id="b", text="Two.", target="parks", split="test"),
    ]
    other = [make_record(id="c", text="Three.", target="parks", split="train")]
    assert keep_topics_apart({"both": both, "other": other}) == ({"both": both, "other": other}, [])

    third = [make_record(id="d", text="Four.", target="parks", split="test")]
    kept, removed = keep_topics_apart({"both": both, "other": other, "third": third})
    assert kept == {"both": [both[1]], "other": [], "third": third}
    assert [(r.source, r.count) for r in removed] == [("both", 1), ("other", 1)]


def test_what_one_set_alone_holds_stays_as_published(make_record):
    own = [
        make_record(id="a", text="One text.", target="parks", split="train"),
        make_record(id="b", text="One text.", target="parks", split="test"),
    ]
    kept, removed = keep_topics_apart({"own": own, "other": [make_record(target="levies")]})
    assert kept["own"] == own
    assert removed == []


def test_a_text_that_another_set_holds_out_leaves_train(make_record):
    held = [
        make_record(id="a", text="Rain falls here.", target="rain", split="test"),
        make_record(id="b", text="Snow falls there.", target="snow", split="dev"),
    ]
    trained = [
        make_record(id="c", text="“Rain falls here”", target="weather", split="train"),
        make_record(id="d", text="SNOW falls there.", target="winter", split="train"),
        make_record(id="e", text="Rain falls here", target="clouds", split="dev"),
        make_record(id="f", text="Snow falls there", target="ice", split="dev"),
        make_record(id="g", text="Hail falls.", target="hail", split="train"),
    ]
    kept, removed = keep_topics_apart({"held": held, "trained": trained})
    assert kept == {"held": held, "trained": [trained[3], trained[4]]}
    assert removed == [
        Removed("trained", 1, "text of dev is in another's test"),
        Removed("trained", 1, "text of train is in another's dev"),
        Removed("trained", 1, "text of train is in another's test"),
    ]


def test_test_is_never_touched(make_record):
    one = [make_record(id="a", target="parks", split="test")]
    two = [make_record(id="b", target="parks", split="test")]
    assert keep_topics_apart({"one": one, "two": two}) == ({"one": one, "two": two}, [])
