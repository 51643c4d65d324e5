from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from stancewire.errors import ConfigError
from stancewire.training.search import config
from stancewire.training.search.config import Search
from stancewire.training.search.space import changed

BASE = """
name: base
family: {family}
data: {{also: [{{source: drills}}]}}
schedule: {{epochs: 3}}
stages: [{{name: first, data: {{source: drills}}}}]
"""


def load(folder: Path, space: str, family: str = "packed") -> Search:
    """The search over `space`, written as YAML lines, of a recipe of that family."""
    (folder / "base.yaml").write_text(BASE.format(family=family))
    lines = "\n".join(f"  {line}" for line in space.splitlines())
    (folder / "search.yaml").write_text(f"name: a\nextends: base.yaml\nspace:\n{lines}\n")
    return config.load(folder / "search.yaml")


def refused(folder: Path, space: str, family: str = "packed") -> list[tuple[str | None, str]]:
    with pytest.raises(ConfigError) as fault:
        load(folder, space, family)
    return [(problem.field, problem.message) for problem in fault.value.problems]


def test_each_type_is_optunas(tmp_path: Path):
    search = load(
        tmp_path,
        "schedule.encoder_lr: {type: float, low: 1.0e-5, high: 1e-3, log: true}\n"
        "head.dropout: {type: float, low: 0, high: 0.3, step: 0.1}\n"
        "schedule.quotes: {type: int, low: 4, high: 32, log: true}\n"
        "schedule.targets: {type: categorical, choices: [null, 8]}\n",
    )
    assert search.distributions == {
        "schedule.encoder_lr": FloatDistribution(1e-5, 1e-3, log=True),
        "head.dropout": FloatDistribution(0, 0.3, step=0.1),
        "schedule.quotes": IntDistribution(4, 32, log=True),
        "schedule.targets": CategoricalDistribution(["null", "8"]),
    }


def test_what_is_drawn_becomes_a_recipe(tmp_path: Path):
    search = load(
        tmp_path,
        "schedule.encoder_lr: {type: float, low: 1.0e-5, high: 1.0e-3}\n"
        "schedule.targets: {type: categorical, choices: [null, 8]}\n"
        "data.also.0.weight: {type: float, low: 0.5, high: 2}\n"
        "stages.0.schedule.epochs: {type: int, low: 1, high: 2}\n",
    )
    made = search.recipe_of(
        {
            "schedule.encoder_lr": 2e-4,
            "schedule.targets": "8",
            "data.also.0.weight": 1.5,
            "stages.0.schedule.epochs": 1,
        }
    )
    assert (made.schedule.encoder_lr, made.schedule.targets) == (2e-4, 8)
    assert made.data.also[0].weight == 1.5
    # What the stage does not say is as in the recipe, also where that is searched.
    assert (made.stages[0].schedule.epochs, made.stages[0].schedule.encoder_lr) == (1, 2e-4)
    assert search.base.schedule.encoder_lr == 5e-5
    assert search.best({"schedule.targets": "null"}).schedule.targets is None
    assert search.best({}).name == "a-best"


def test_a_choice_may_be_a_whole_part_of_a_recipe(tmp_path: Path):
    search = load(
        tmp_path, "data.also: {type: categorical, choices: [[], [{source: drills, weight: 2}]]}\n"
    )
    (distribution,) = search.distributions.values()
    assert isinstance(distribution, CategoricalDistribution)
    nothing, drills = distribution.choices
    assert search.recipe_of({"data.also": nothing}).data.also == ()
    assert search.recipe_of({"data.also": drills}).data.also[0].weight == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("schedule.epoch: {type: int, low: 1, high: 2}", "Extra inputs"),
        ("scedule.epochs: {type: int, low: 1, high: 2}", "no part of a recipe"),
        ("schedule.epochs.x: {type: int, low: 1, high: 2}", "no place"),
        ("data.also.1.weight: {type: float, low: 1, high: 2}", "no place"),
        ("stages.first.augment.paraphrase: {type: float, low: 0, high: 1}", "no place"),
        ("head.dropout: {type: float, low: 0.1, high: 1.0}", "less than 1; found 1.0"),
        ("schedule.encoder_lr: {type: float, low: 0, high: 1}", "greater than 0"),
        ("schedule.epochs: {type: int, low: 0, high: 2}", "greater than or equal to 1; found 0"),
        ("schedule.epochs: {type: float, low: 1, high: 3}", "valid integer"),
        ("base.attention: {type: categorical, choices: [joint, full]}", "found 'full'"),
        ("seed: {type: int, low: 1, high: 9}", "luck"),
        ("name: {type: categorical, choices: [x, y]}", "not for a search"),
        ("data.source: {type: categorical, choices: [press, vast]}", "one dev split"),
        ("data: {type: categorical, choices: [{source: press}, {source: vast}]}", "one dev split"),
        ("data.accept.0: {type: categorical, choices: [open, not-stated]}", "licence"),
        ("parity.weight_bits: {type: int, low: 6, high: 8}", "no part of a recipe"),
        ("linear.c: {type: float, low: 0.1, high: 1}", "no part of a recipe that decides a packed"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_named(tmp_path: Path, line: str, said: str):
    found = refused(tmp_path, line)
    assert found
    for field, message in found:
        assert field == f"space.{line.partition(':')[0]}"
        assert said in message


def test_every_fault_is_told_at_once(tmp_path: Path):
    found = refused(
        tmp_path,
        "schedule.epochs: {type: int, low: 0, high: 2}\n"
        "head.dropout: {type: float, low: -1, high: 2}\n"
        "seed: {type: int, low: 1, high: 2}\n",
    )
    assert [field for field, _ in found] == [
        "space.schedule.epochs", "space.head.dropout", "space.head.dropout", "space.seed",
    ]  # fmt: skip


def test_a_part_and_what_is_in_it_are_not_searched_both(tmp_path: Path):
    space = (
        "data.also: {type: categorical, choices: [[], [{source: drills}]]}\n"
        "data.also.0.weight: {type: float, low: 1, high: 2}\n"
    )
    assert refused(tmp_path, space) == [
        ("space.data.also.0.weight", "data.also is searched as a whole")
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("head.dropout: {type: float, low: 0.3, high: 0.1}", "low must be below high"),
        ("head.dropout: {type: float, low: 0, high: 0.1, log: true}", "begin above 0"),
        ("head.dropout: {type: float, low: 0.1, high: 1, log: true, step: 0.1}", "has no step"),
        ("schedule.quotes: {type: int, low: 4, high: 8, log: true, step: 2}", "has no step"),
        ("schedule.quotes: {type: int, low: 4, high: 8.5}", "integer"),
        ("head.dropout: {type: float, low: 0, high: .inf}", "finite"),
        ("head.dropout: {type: uniform, low: 0, high: 1}", "'float', 'int', 'categorical'"),
        ("head.dropout: {type: float, low: 0, hihg: 1}", "Extra inputs"),
        ("schedule.targets: {type: categorical, choices: [8]}", "at least 2"),
        ("schedule.targets: {type: categorical, choices: [8, 8]}", "two choices are the same"),
    ],
)
def test_a_dimension_must_make_sense(tmp_path: Path, line: str, said: str):
    assert said in str(refused(tmp_path, line))


def test_a_linear_family_is_searched_over_what_decides_it(tmp_path: Path):
    line = "linear.c: {type: float, low: 0.001, high: 1, log: true}"
    found = load(tmp_path, line, family="tfidf").recipe_of({"linear.c": 0.1})
    assert found.linear.c == 0.1
    assert refused(tmp_path, "head.dropout: {type: float, low: 0, high: 0.5}", family="tfidf")


def test_settings_are_changed_in_a_copy():
    settings: dict[str, Any] = {"data": {"also": [{"source": "a"}]}}
    made = changed(settings, {"data.also.0.weight": 2, "head.dropout": 0.5})
    assert made == {
        "data": {"also": [{"source": "a", "weight": 2}]}, "head": {"dropout": 0.5},
    }  # fmt: skip
    assert settings == {"data": {"also": [{"source": "a"}]}}
