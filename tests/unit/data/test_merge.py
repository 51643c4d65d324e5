from collections.abc import Callable
from itertools import permutations

import pytest

from stancewire.data.formats.tasks import Annotation
from stancewire.data.merge import HARD, merge, single_labels
from stancewire.data.pool import PoolItem
from stancewire.errors import ConfigError, DataError
from stancewire.labels import Label, NeutralKind
from stancewire.records import Record

ITEM = PoolItem(id="q1", text="We said so.", target="it", source="desk", licence="own", tags=("t",))


def said(who: str, label: str, item: str = "q1") -> Annotation:
    stance, _, kind = label.partition("/")
    row = {"id": item, "annotator": who, "stance": stance, "neutral_kind": kind or None}
    return Annotation.model_validate(row)


def test_what_all_say_becomes_a_record_of_all_of_them() -> None:
    merged = merge([said("ana", "favor"), said("ben", "favor")], [ITEM])
    assert merged.records == [ITEM.labelled(Label.FAVOR, None, ["ana", "ben"])]
    assert (merged.disputes, merged.hard, merged.unlabelled) == ([], [], [])
    assert merged.labels == {"q1": {"ana": "favor", "ben": "favor"}}


def test_without_a_rule_every_dispute_is_listed_and_nothing_merged() -> None:
    other = ITEM.model_copy(update={"id": "q2"})
    kinds = [said("ana", "neutral/mention", "q2"), said("ben", "neutral/unrelated", "q2")]
    labels = [said("ana", "favor"), said("ben", "against"), *kinds]
    with pytest.raises(DataError) as refused:
        merge(labels, [ITEM, other])
    assert [p.where for p in refused.value.problems] == ["q1", "q2"]
    assert "ana: favor; ben: against" in refused.value.problems[0].message
    assert "neutral/mention" in refused.value.problems[1].message


def test_a_majority_decides_whatever_the_order_and_says_so() -> None:
    labels = [said("ana", "favor"), said("ben", "against"), said("cleo", "against")]
    for order in permutations(labels):
        merged = merge(order, [ITEM], "majority")
        assert [r.stance for r in merged.records] == [Label.AGAINST]
        assert set(merged.records[0].annotators) == {"ben", "cleo"}
        assert merged.labels == {"q1": {"ana": "favor", "ben": "against", "cleo": "against"}}
        (dispute,) = merged.disputes
        assert (dispute.decision, dispute.labels["ana"]) == ("against", ["favor"])


def test_the_most_votes_are_no_majority() -> None:
    labels = [said("a", "favor"), said("b", "favor"), said("c", "against"), said("d", "neutral")]
    with pytest.raises(DataError, match="rule majority does not decide"):
        merge(labels, [ITEM], "majority")
    merged = merge(labels, [ITEM], "majority", set_aside=True)
    assert merged.records == []
    assert merged.hard == [ITEM.model_copy(update={"tags": ("t", HARD)})]
    assert merged.report()["disputes"][0]["decision"] is None


def test_unanimous_sets_disputes_aside() -> None:
    other = ITEM.model_copy(update={"id": "q2"})
    labels = [said("ana", "favor"), said("ben", "against"), said("ana", "favor", "q2")]
    merged = merge(labels, [ITEM, other], "unanimous")
    assert [r.id for r in merged.records] == ["q2"]
    assert [item.id for item in merged.hard] == ["q1"]
    assert merged.labels["q1"] == {"ana": "favor", "ben": "against"}


def test_an_expert_decides_only_what_they_labelled_and_only_disputes() -> None:
    other = ITEM.model_copy(update={"id": "q2"})
    agreed = [said("ana", "neutral", "q2"), said("ben", "neutral", "q2")]
    dispute = [said("ana", "favor"), said("ben", "against")]
    merged = merge([*dispute, *agreed], [ITEM, other], "expert:ben")
    assert [r.stance for r in merged.records] == [Label.AGAINST, Label.NEUTRAL]
    with pytest.raises(DataError, match="expert:cleo"):
        merge(dispute, [ITEM], "expert:cleo")


@pytest.mark.parametrize("rule", [None, "majority", "expert:ana"])
def test_whoever_says_two_things_decides_nothing(rule: str | None) -> None:
    labels = [said("ana", "favor"), said("ana", "against"), said("ben", "against")]
    with pytest.raises(DataError) as refused:
        merge(labels, [ITEM], rule)
    assert "ana: favor and against" in str(refused.value.problems[0])


def test_an_existing_label_is_a_vote_and_is_never_overwritten_silently(
    make_record: Callable[..., Record],
) -> None:
    record = make_record(id="q1", annotators=["writer-01"])
    with pytest.raises(DataError) as refused:
        merge([said("ana", "against")], [record], "majority")
    assert "the record has favor" in str(refused.value.problems[0])
    merged = merge([said("ana", "against"), said("ben", "against")], [record], "majority")
    assert merged.records[0].stance is Label.AGAINST
    assert merged.records[0].annotators == ("ana", "ben")
    assert (merged.disputes[0].was, merged.disputes[0].decision) == ("favor", "against")


def test_records_nobody_labelled_again_stay_as_they_are(make_record: Callable[..., Record]) -> None:
    record = make_record(stance="neutral", neutral_kind="unrelated", annotators=["a", "b"])
    merged = merge([said("ana", "favor")], [record, ITEM, ITEM.model_copy(update={"id": "q9"})])
    assert merged.records[0] == record
    assert [r.id for r in merged.records] == ["a", "q1"]
    assert merged.unlabelled == ["q9"]


def test_a_kind_of_neutral_that_one_left_open_is_the_others() -> None:
    merged = merge([said("ana", "neutral"), said("ben", "neutral/mention")], [ITEM])
    assert merged.records[0].neutral_kind is NeutralKind.MENTION
    assert merged.disputes == []


def test_a_record_names_only_those_who_gave_its_label() -> None:
    said_of_kind = [
        said("ana", "neutral/mention"), said("ben", "neutral"), said("cleo", "neutral/unrelated"),
        said("dora", "favor"), said("emil", "neutral/mention"), said("emil", "favor"),
    ]  # fmt: skip
    merged = merge(said_of_kind, [ITEM], "expert:ana")
    assert merged.records == [ITEM.labelled(Label.NEUTRAL, NeutralKind.MENTION, ["ana", "ben"])]


def test_merging_into_merged_records_gives_the_overruled_no_second_label() -> None:
    labels = [said("ana", "favor"), said("ben", "against"), said("cleo", "against")]
    first = merge(labels, [ITEM], "majority")
    again = merge(labels, first.records, "majority")
    assert again.records == first.records
    assert again.disputes[0].labels == first.disputes[0].labels


def test_labels_of_unknown_items_and_unknown_rules_are_refused() -> None:
    with pytest.raises(DataError, match="not there") as refused:
        merge([said("ana", "favor", "zz")], [ITEM])
    assert refused.value.problems[0].where == "zz"
    with pytest.raises(DataError, match="twice"):
        merge([], [ITEM, ITEM])
    for rule in ("most", "expert:", ""):
        with pytest.raises(ConfigError):
            merge([], [ITEM], rule)


def test_single_labels_name_who_contradicts_themselves() -> None:
    assert single_labels([said("ana", "favor"), said("ana", "favor")]) == {"q1": {"ana": "favor"}}
    with pytest.raises(DataError) as refused:
        single_labels([said("ana", "favor"), said("ana", "against")])
    assert str(refused.value.problems[0]).startswith("q1: ana: labelled it twice")
