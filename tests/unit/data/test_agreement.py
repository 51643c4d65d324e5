from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.data.agreement import TagAgreement, alpha, by_pair, by_tag, percent, read_labels
from stancewire.errors import DataError

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units, nominal data with missing values; alpha = 0.743.
OBSERVERS = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}
# Section A of the same: two observers, ten units, binary; alpha = 0.095.
BINARY = {"A": "0 1 0 0 0 0 0 0 1 0", "B": "1 1 1 0 0 1 0 0 0 0"}


def units(observers: dict[str, str]) -> dict[str, dict[str, str]]:
    columns = zip(*(values.split() for values in observers.values()), strict=True)
    return {
        f"u{number}": {who: v for who, v in zip(observers, column, strict=True) if v != "."}
        for number, column in enumerate(columns)
    }


def test_alpha_is_the_textbooks() -> None:
    assert alpha(units(OBSERVERS)) == pytest.approx(0.743, abs=0.0005)
    assert alpha(units(BINARY)) == pytest.approx(0.095, abs=0.0005)


def test_alpha_is_none_where_it_says_nothing() -> None:
    assert alpha({}) is None
    assert alpha({"a": {"x": "favor"}, "b": {"y": "against"}}) is None
    assert alpha({"a": {"x": "favor", "y": "favor"}}) is None


def test_full_agreement_is_one_and_steady_contradiction_is_below_zero() -> None:
    same = {"a": {"x": "favor", "y": "favor"}, "b": {"x": "against", "y": "against"}}
    assert alpha(same) == 1.0
    swapped = {"a": {"x": "favor", "y": "against"}, "b": {"x": "against", "y": "favor"}}
    assert alpha(swapped) == pytest.approx(-0.5)


@given(st.dictionaries(st.text(), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("fan"))))
def test_alpha_stays_in_range_and_does_not_see_lone_labels(
    labels: dict[str, dict[str, str]],
) -> None:
    value = alpha(labels)
    assert value is None or -1 <= value <= 1
    assert alpha({i: given for i, given in labels.items() if len(given) > 1}) == value


def test_per_cent_counts_pairs_of_labels() -> None:
    assert percent({"a": {"x": "f", "y": "f", "z": "n"}, "b": {"x": "f"}}) == pytest.approx(100 / 3)
    assert percent({"b": {"x": "f"}}) is None


def test_each_pair_and_each_tag_has_its_own_figures() -> None:
    labels = {
        "a": {"x": "favor", "y": "favor", "z": "against"},
        "b": {"x": "against", "y": "against"},
        "c": {"x": "favor"},
    }
    pairs = by_pair(labels)
    assert pairs["x", "y"] == TagAgreement(items=2, alpha=1.0, percent=100.0)
    assert (pairs["x", "z"].items, pairs["x", "z"].percent) == (1, 0.0)
    tags = by_tag(labels, {"a": ["hard"], "b": ["easy", "long"], "c": ["long"], "d": ["none"]})
    assert list(tags) == ["easy", "hard", "long"]
    assert tags["easy"] == TagAgreement(items=1, alpha=None, percent=100.0)
    assert tags["hard"].percent == pytest.approx(100 / 3)
    assert tags["long"].items == 1


def test_labels_are_read_and_bad_rows_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"id": "a", "labels": {"x": "favor", "y": "neutral"}}\n')
    assert read_labels(path) == {"a": {"x": "favor", "y": "neutral"}}
    path.write_text('{"id": "a", "labels": {"x": "for"}}\n{"id": "b", "labels": {}}\n')
    with pytest.raises(DataError) as refused:
        read_labels(path)
    assert [p.field for p in refused.value.problems] == ["labels.x", "labels"]
    path.write_text(
        '{"id": "a", "labels": {" ": "favor"}}\n{"id": "b", "labels": {"\\ud800": "favor"}}'
    )
    with pytest.raises(DataError) as refused:
        read_labels(path)
    assert len(refused.value.problems) == 2
    str(refused.value).encode()
