"""A corpus does not drift from itself; each kind of shift moves its own figure."""

import json
from collections.abc import Callable

import pytest

from stancewire.data.drift import drift, form
from stancewire.errors import DataError
from stancewire.records import Record

Make = Callable[..., Record]
STANCES = ("favor", "against", "neutral")


def records(
    make: Make, words: str = "port crane ship", count: int = 30, **fields: str
) -> list[Record]:
    """Statements over a few words, each with a number of its own."""
    few = words.split()
    return [
        make(
            **{
                "id": f"r{i}",
                "text": f"The {few[i % len(few)]} and the {few[i * i % len(few)]} of year {i}",
                "target": f"the {few[i % len(few)]}",
                "stance": STANCES[i % 3],
            }
            | fields
        )
        for i in range(count)
    ]


def test_a_corpus_does_not_drift_from_itself(make_record: Make):
    a = records(make_record)
    report = drift(a, a)
    json.dumps(report)  # plain data
    for name in ("labels", "target_forms", "vocabulary"):
        assert report[name]["divergence"] == pytest.approx(0, abs=1e-12)
    assert report["text_words"]["distance"] == report["target_words"]["distance"] == 0
    assert report["vocabulary"]["out_of_vocabulary"] == [0, 0]
    assert report["targets_shared"] == 3
    # Each statement stands on both sides of the question, and on one side of every fold.
    assert report["domain"]["auc"] == pytest.approx(0.5, abs=0.1)


def test_corpora_without_a_common_word_are_told_apart_by_it(make_record: Make):
    a = records(make_record)
    b = [r.model_copy(update={"text": f"Une banque {i} pour nous"}) for i, r in enumerate(a)]
    report = drift(a, b)
    assert report["domain"]["auc"] == 1.0
    of_a, of_b = report["domain"]["telling_words"]
    assert {"the", "year"} <= set(of_a) and {"banque", "pour"} <= set(of_b)
    assert report["vocabulary"]["divergence"] == pytest.approx(1.0)
    assert report["vocabulary"]["out_of_vocabulary"] == [1.0, 1.0]
    assert report["labels"]["divergence"] == pytest.approx(0, abs=1e-12)


def test_shares_of_labels_are_given_in_the_order_asked(make_record: Make):
    a, b = records(make_record), records(make_record, stance="favor")
    report = drift(a, b)["labels"]
    assert report["shares"]["favor"] == pytest.approx([1 / 3, 1])
    assert report["shares"]["neutral"] == pytest.approx([1 / 3, 0])
    # H(mean) − mean H = 1.2516… − 0.7925… bit, by hand from (2/3, 1/6, 1/6)
    assert report["divergence"] == pytest.approx(0.4591, abs=1e-3)
    assert drift(b, a)["labels"]["shares"]["favor"] == pytest.approx([1, 1 / 3])


def test_lengths_are_of_words(make_record: Make):
    a = records(make_record)
    b = [r.model_copy(update={"text": f"{r.text} and much more"}) for r in a]
    report = drift(a, b)["text_words"]
    assert report["median"] == [8, 11]
    assert report["mean"] == pytest.approx([8, 11])
    assert report["distance"] == 1


def test_out_of_vocabulary_is_a_share_of_running_words(make_record: Make):
    a = [make_record(text="one two")]
    b = [make_record(text="one three three four")]
    assert drift(a, b)["vocabulary"]["out_of_vocabulary"] == [0.5, 0.75]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("the claim that prices fell", "proposition"),
        ("That prices fell again", "proposition"),
        ("the European Court of Justice", "name"),
        ("COP28", "name"),
        ("5G", "name"),
        ("the levy", "short phrase"),
        ("a tax", "short phrase"),
        ("the levy on imported grain", "long phrase"),
        ("Ms Okoro's answer to the panel", "long phrase"),
    ],
)
def test_the_form_of_a_target(target: str, expected: str):
    assert form(target) == expected


def test_targets_named_in_the_text_are_counted(make_record: Make):
    a, b = [make_record(target="The Treaty")], [make_record(target="the levy")]
    assert drift(a, b)["target_named_in_text"] == [1, 0]


def test_few_statements_give_no_domain_figure_and_none_no_report(make_record: Make):
    a = records(make_record)
    assert drift(a, a[:4])["domain"] is None
    for pair in ((a, []), ([], a)):
        with pytest.raises(DataError, match="two corpora"):
            drift(*pair)
