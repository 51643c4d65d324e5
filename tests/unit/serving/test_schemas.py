import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from stancewire import records
from stancewire.labels import Label
from stancewire.predictor import Stance
from stancewire.serving.schemas import (
    ITEM_EXAMPLES,
    StanceItem,
    StanceRequest,
    StanceResponse,
    StanceResult,
)


def test_examples_follow_their_own_schema():
    assert len(StanceRequest.model_validate({"items": ITEM_EXAMPLES}).items) == 2
    (example,) = StanceResponse.model_config["json_schema_extra"]["examples"]
    for result in StanceResponse.model_validate(example).results:
        p = result.probabilities
        assert p.favor + p.against + p.neutral == pytest.approx(1)
        assert result.score == pytest.approx(p.favor - p.against)
        assert result.confidence == max(p.favor, p.against, p.neutral)
        assert getattr(p, result.label) == result.confidence


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n—"}, "text"),
        ({"text": "a" * (records.MAX_TEXT + 1)}, "text"),
        ({"text": 1}, "text"),
        ({"target": "\u200b"}, "target"),
        ({"target": "a" * (records.MAX_TARGET + 1)}, "target"),
        ({"speaker": "a" * 201}, "speaker"),
        ({"id": 7}, "id"),
        ({"stance": "favor"}, "stance"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_field(change, field):
    with pytest.raises(ValidationError) as caught:
        StanceItem.model_validate({"text": "We agree.", "target": "it"} | change)
    assert [e["loc"] for e in caught.value.errors()] == [(field,)]


def test_longest_texts_are_accepted():
    StanceItem(text="a" * records.MAX_TEXT, target="b" * records.MAX_TARGET)


@given(st.text(max_size=20))
def test_what_a_record_takes_as_words_the_api_takes(text):
    def accepts(adapter):
        try:
            adapter.validate_python(text)
        except ValidationError:
            return False
        return True

    record = TypeAdapter(records.Words)
    api = TypeAdapter(StanceItem.model_fields["text"].rebuild_annotation())
    assert accepts(record) == accepts(api)


def test_a_result_carries_the_id_and_every_figure():
    stance = Stance(
        label=Label.AGAINST,
        score=-0.5,
        confidence=0.6,
        probabilities={Label.FAVOR: 0.1, Label.AGAINST: 0.6, Label.NEUTRAL: 0.3},
        abstained=True,
        truncated=True,
    )
    item = StanceItem(text="a", target="b", id="x", speaker="nobody")
    assert StanceResult.of(item, stance).model_dump() == {
        "id": "x",
        "label": "against",
        "score": -0.5,
        "confidence": 0.6,
        "probabilities": {"favor": 0.1, "against": 0.6, "neutral": 0.3},
        "abstained": True,
        "truncated": True,
    }
