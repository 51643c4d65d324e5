"""Slices: who is in which, how often the model is right there, and to which side it errs."""

import numpy as np
import pytest

from stancewire.data import speakers
from stancewire.labels import INDEX, ORDER, Label
from stancewire.records import Record
from stancewire.training.evaluate import Evaluation
from stancewire.training.fairness import MIN_PAIRS, by_speaker
from stancewire.training.slices import figures_by_slice, slices_of, speaker_slices


def record(i, **changes):
    fields = {
        "id": f"r{i}", "text": f"statement number {i // 3}", "target": f"target {i}",
        "stance": ORDER[i % 3], "source": "test", "licence": "CC0-1.0", "split": "test",
        "annotators": ("a",),
    }  # fmt: skip
    return Record.model_validate(fields | changes)


def evaluation(records, answer):
    """Answers by a function of the record."""
    answers = [INDEX[answer(r)] for r in records]
    return Evaluation("m", tuple(records), 0.7 * np.eye(3)[answers] + 0.1, (False,) * len(records))


@pytest.fixture(scope="module")
def model():
    """Right about ministries, and always for favor where a union speaks."""
    records = [
        record(i, tags=("kind:energy-ministry" if i < 60 else "kind:trade-union", "country:Peru"))
        for i in range(120)
    ]
    return evaluation(records, lambda r: r.stance if "ministry" in r.tags[0] else Label.FAVOR)


def test_a_leaning_is_predicted_less_gold(model):
    found = {one.name: one for one in by_speaker(model)}

    assert set(found) == {
        "country: Peru", "kind: energy-ministry", "kind: trade-union", "speaker: government",
        "speaker: labour-and-profession",
    }  # fmt: skip
    union, ministry = found["kind: trade-union"], found["kind: energy-ministry"]
    assert (union.pairs, union.statements) == (60, 20)
    assert union.accuracy.value == pytest.approx(1 / 3)
    assert union.favor.value == pytest.approx(2 / 3)
    assert union.against.value == pytest.approx(-1 / 3)
    # Every statement has each stance once, so whole statements drawn again change nothing.
    assert union.favor.low == union.favor.high == pytest.approx(2 / 3)
    assert ministry.accuracy == (1, 1, 1) and ministry.favor == (0, 0, 0)
    assert found["country: Peru"].favor.value == pytest.approx(1 / 3)
    low, high = found["country: Peru"].favor[1:]
    assert low < 1 / 3 < high


def test_a_slice_as_plain_data(model):
    one = figures_by_slice(model)[0].to_dict()

    assert set(one) == {"name", "pairs", "statements", "accuracy", "favor", "against"}
    assert len(one["favor"]) == 3


def test_speakers_too_few_to_tell_are_not_shown():
    few = [
        record(i, tags=("country:Peru",) if i < MIN_PAIRS else ("country:Chad",))
        for i in range(2 * MIN_PAIRS - 1)
    ]

    assert [one.name for one in by_speaker(evaluation(few, lambda r: r.stance))] == [
        "country: Peru"
    ]


def test_records_that_do_not_say_who_speaks_have_no_such_slice():
    assert by_speaker(evaluation([record(i) for i in range(60)], lambda r: r.stance)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tags": ("country:Chad", "kind:court")}, ("Chad", "court", "authority")),
        ({"tags": ("kind:unheard-of",)}, (None, "unheard-of", None)),
        (
            {"source": "us-briefings", "speaker": "DR. FAUCI"},
            ("United States", "health-adviser", "government"),
        ),
        (
            {"source": "us-briefings", "speaker": "SOMEBODY ELSE"},
            ("United States", "other-official", "government"),
        ),
        (
            {"source": "us-conferences", "speaker": "anyone"},
            ("United States", "presidency", "government"),
        ),
        ({}, (None, None, None)),
    ],
)
def test_who_speaks_is_in_the_tags_or_in_the_table(changes, expected):
    one = record(0, **changes)

    found = speakers.of(one)

    assert (found.country, found.kind, found.group) == expected
    assert len(speaker_slices(one)) == sum(part is not None for part in expected)
    assert set(speaker_slices(one)) <= slices_of(one)


def test_every_kind_of_the_press_corpus_has_one_group():
    from stancewire.data.corpus import load

    corpus = load("press")
    grouped = [kind for kinds in speakers.table().groups.values() for kind in kinds]
    assert len(grouped) == len(set(grouped))
    for one in [*corpus.records(), *corpus.golden]:
        assert speakers.of(one).group, one.id
    of_sources = [k for s in speakers.table().sources.values() for k in (s.kind, *s.kinds)]
    assert set(of_sources) <= set(grouped)
    for source in speakers.table().sources.values():
        names = [name for members in source.kinds.values() for name in members]
        assert len(names) == len(set(names))
