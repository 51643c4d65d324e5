"""Guesses that do not read the pair: nothing to find in balanced data, much in data that leaks."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from stancewire.data.shortcuts import baselines, one_sided
from stancewire.records import Record

Make = Callable[..., Record]
STANCES = ("favor", "against", "neutral")
SPLITS = ("train", "dev", "test")


def square(make: Make, split: str, name: str) -> list[Record]:
    """Three statements by three targets; each row and each column has every stance once."""
    return [
        make(
            id=f"{split}-{name}-{row}-{column}",
            text=f"Statement {row} about {name} in {split} says a good deal of item{row}.",
            target=f"the {name} plan{column} of {split}",
            stance=STANCES[(row + column) % 3],
            split=split,
        )
        for row in range(3)
        for column in range(3)
    ]


def balanced(make: Make, squares: int = 4) -> dict[str, list[Record]]:
    names = ["harbour", "railway", "orchard", "customs", "museum", "river"][:squares]
    return {split: [r for name in names for r in square(make, split, name)] for split in SPLITS}


def leaking(make: Make, **fields: Callable[[str, int], Any]) -> dict[str, list[Record]]:
    """30 records a split, whose stance follows from each given field: `field(stance, number)`."""
    return {
        split: [
            make(
                **{
                    "id": f"{split}-{i}", "text": f"Notes on {split}{i} of {split}.",
                    "target": f"{split}{i} of {split}", "stance": stance, "split": split,
                }
                | {name: value(stance, i) for name, value in fields.items()}
            )
            for i in range(30)
            for stance in [STANCES[i % 3]]
        ]
        for split in SPLITS
    }  # fmt: skip


def test_balanced_data_give_exactly_the_majority_figure(make_record: Make):
    figures = baselines(**balanced(make_record))
    for name in ("text_only", "target_only"):
        assert figures[name] == figures["majority"] == pytest.approx(100 / 6)
        assert figures["accuracy"][name] == figures["accuracy"]["majority"]
    assert figures["chance"] == pytest.approx(100 / 3)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_balance_holds_though_dev_and_test_are_not_balanced(make_record: Make, share: float):
    splits = balanced(make_record)
    for split in ("dev", "test"):
        splits[split] = splits[split][: int(share * len(splits[split]))]
    figures = one_sided(**splits)
    assert figures["text_only"] == figures["target_only"] == figures["majority"]


PLANTED: dict[str, dict[str, Callable[[str, int], Any]]] = {
    "text_only": {"text": lambda stance, i: f"We {stance} whatever number{i} is."},
    "target_only": {"target": lambda stance, i: f"the {stance}ed number{i}"},
    "names": {"speaker": lambda stance, i: f"Ms {stance.title()}"},
    "field": {"tags": lambda stance, i: [f"field:{stance}"]},
    "country": {"tags": lambda stance, i: [f"country:{stance}"]},
    "kind": {"tags": lambda stance, i: [f"kind:{stance}"]},
    "length": {"target": lambda stance, i: " ".join(["thing"] * (1 + 9 * STANCES.index(stance)))},
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_shortcut_is_found_by_the_guess_that_may_see_it(make_record: Make, name: str):
    figures = baselines(**leaking(make_record, **PLANTED[name]))
    assert figures[name] > 95
    assert figures["accuracy"][name] > 95
    assert figures["majority"] == pytest.approx(100 / 6)
    blind = set(PLANTED) - {name, "length"} - ({"target_only"} if name == "length" else set())
    assert all(figures[other] < 60 for other in blind)


def test_the_organisation_tells_as_the_speaker_does(make_record: Make):
    splits = leaking(make_record, organisation=lambda stance, i: f"Bureau {stance} Unit")
    assert baselines(**splits)["names"] > 95


def test_noise_does_not_make_a_model_look_better_than_nothing(make_record: Make):
    """Words that tell nothing: dev's log-loss asks for the strongest regularisation."""
    words = ["ash", "elm", "fir", "oak", "yew"]
    splits = leaking(make_record, text=lambda stance, i: f"{words[i % 5]} {words[i * i % 5]}")
    for split in ("train", "dev", "test"):  # favor stands more often, everywhere alike
        splits[split] = [r for r in splits[split] if r.stance == "favor" or len(r.id) % 2]
    figures = one_sided(**splits)
    assert figures["text_only"].macro_f1 <= figures["majority"].macro_f1 + 8


def test_chance_is_that_of_guessing_by_the_shares_of_train(make_record: Make):
    def records(split: str, counts: Sequence[int]) -> list[Record]:
        return [
            make_record(id=f"{split}-{s}-{i}", stance=s, split=split)
            for s, n in zip(STANCES, counts, strict=True)
            for i in range(n)
        ]

    figures = baselines(
        records("train", [2, 1, 1]), records("dev", [1, 1, 1]), records("test", [4, 0, 0])
    )
    assert figures["chance"] == pytest.approx(100 * (2 * 0.5 * 1 / 1.5) / 3)
    assert figures["majority"] == pytest.approx(100 / 3)
    assert figures["accuracy"]["majority"] == 100


def test_one_stance_alone_or_targets_without_words_are_no_error(make_record: Make):
    one = {s: [make_record(id=s, split=s)] for s in SPLITS}
    figures = baselines(**one)
    assert figures["majority"] == figures["text_only"] == pytest.approx(100 / 3)
    short = leaking(make_record, target=lambda stance, i: "X")  # no word of two letters
    assert baselines(**short)["target_only"] == pytest.approx(100 / 6)


def test_the_figures_are_plain_data_and_the_same_each_time(make_record: Make):
    splits = leaking(make_record, **PLANTED["text_only"])
    assert json.loads(json.dumps(baselines(**splits))) == baselines(**splits)
