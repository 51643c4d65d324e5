import datetime
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from stancewire.labels import INDEX, ORDER, Label, NeutralKind
from stancewire.records import MAX_TARGET, MAX_TEXT, Record

Make = Callable[..., Record]


def test_the_order_of_labels_is_fixed():
    assert [label.value for label in ORDER] == ["favor", "against", "neutral"]
    assert [INDEX[label] for label in ORDER] == [0, 1, 2]


def test_a_full_record_is_read(make_record: Make):
    record = make_record(
        stance="neutral",
        neutral_kind="mention",
        date="2024-02-29",
        tags=["hedged"],
        speaker="A. B.",
    )
    assert record.stance is Label.NEUTRAL
    assert record.neutral_kind is NeutralKind.MENTION
    assert record.date == datetime.date(2024, 2, 29)
    assert Record.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "has space"),
        ("id", "../up"),
        ("id", "a\n"),
        ("id", "x" * 129),
        ("text", ""),
        ("text", " \u200b\n"),
        ("text", "…!?"),
        ("text", "x" * (MAX_TEXT + 1)),
        ("text", 5),
        ("text", "a \ud800 b"),
        ("target", "—"),
        ("target", "x" * (MAX_TARGET + 1)),
        ("stance", "favour"),
        ("stance", None),
        ("neutral_kind", "mention"),  # the stance is favor
        ("date", "2023-02-29"),
        ("date", "1 March 2024"),
        ("date", 0),
        ("date", "0"),
        ("date", "2024-03-01T10:00:00"),
        ("language", "English"),
        ("source", ""),
        ("licence", ""),
        ("split", "validation"),
        ("annotators", []),
        ("annotators", "tester"),
        ("speaker", "\ud800"),
        ("role", "a \udfff"),
        ("organisation", "\ud800 b"),
        ("sentiment", "good"),  # no such field
    ],
)
def test_a_bad_field_is_named(make_record: Make, field: str, value: Any):
    with pytest.raises(ValidationError) as caught:
        make_record(**{field: value})
    (error,) = caught.value.errors()
    # What concerns two fields at once has no place of its own; its message names the field.
    assert error["loc"] == (field,) or (error["loc"] == () and field in error["msg"])


@pytest.mark.parametrize(
    "field", ["id", "text", "target", "stance", "source", "licence", "split", "annotators"]
)
def test_a_missing_field_is_named(make_record: Make, field: str):
    fields = make_record().model_dump()
    del fields[field]
    with pytest.raises(ValidationError) as caught:
        Record.model_validate(fields)
    assert [e["loc"] for e in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    ("field", "value"),
    [("annotators", ""), ("annotators", " \t"), ("annotators", "\ud800"), ("tags", "\udcff")],
)
def test_a_bad_one_of_several_values_is_named(make_record: Make, field: str, value: str):
    with pytest.raises(ValidationError) as caught:
        make_record(**{field: ["fine", value]})
    assert [error["loc"] for error in caught.value.errors()] == [(field, 1)]


def test_longest_text_and_target_pass(make_record: Make):
    record = make_record(text="x" * MAX_TEXT, target="y" * MAX_TARGET)
    assert (len(record.text), len(record.target)) == (MAX_TEXT, MAX_TARGET)


def test_a_statement_is_its_words(make_record: Make):
    a = make_record(text="We’ll wait.", target="the vote")
    b = make_record(text="we'll  wait.", target="the levy")
    c = make_record(text="We'll not wait.")
    assert a.statement == b.statement != c.statement


def test_a_pair_does_not_carry_the_label(make_record: Make):
    record = make_record(speaker="A. B.", tags=["hard"])
    pair = record.pair
    assert vars(pair) == {
        "text": record.text, "target": record.target, "speaker": "A. B.", "id": "a",
    }  # fmt: skip


def test_a_record_does_not_change(make_record: Make):
    record = make_record()
    with pytest.raises(ValidationError):
        record.stance = Label.AGAINST
