from pathlib import Path

import pytest
from optuna.pruners import NopPruner, PercentilePruner

from stancewire.errors import ConfigError
from stancewire.training import recipe
from stancewire.training.search import config
from stancewire.training.search.config import Pruner, Sampler

EXAMPLE = Path(__file__).parents[4] / "experiments" / "search.yaml"
SPACE = "space: {head.dropout: {type: float, low: 0, high: 0.5}}\n"


def write(folder: Path, text: str, base: str = "name: base\nfamily: packed\n") -> Path:
    (folder / "base.yaml").write_text(base)
    (folder / "search.yaml").write_text(text)
    return folder / "search.yaml"


def test_the_example_is_a_search():
    search = config.load(EXAMPLE)
    assert search.base == recipe.load(EXAMPLE.with_name("press-packed.yaml"))
    middle = {path: one.probes[0] for path, one in search.config.space.items()}
    assert search.recipe_of({path: drawn_as(drawn) for path, drawn in middle.items()})


def drawn_as(value: object) -> object:
    """As Optuna draws it; choices go by their labels."""
    return "0.8" if value == 0.8 else value


def test_three_lines_are_a_search(tmp_path: Path):
    search = config.load(write(tmp_path, f"name: a\nextends: base.yaml\n{SPACE}"))
    assert search.config.trials == 20
    assert search.config.sampler == Sampler(seed=13, startup=8)
    assert search.config.pruner == Pruner(keep=0.5, startup=4, warmup=1)
    assert search.base == recipe.load(tmp_path / "base.yaml")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"extends: base.yaml\n{SPACE}", "name"),
        (f"name: a\n{SPACE}", "extends"),
        ("name: a\nextends: base.yaml\n", "space"),
        ("name: a\nextends: base.yaml\nspace: {}\n", "space"),
        (f"name: a b\nextends: base.yaml\n{SPACE}", "name"),
        (f"name: a\nextends: base.yaml\ntrails: 3\n{SPACE}", "trails"),
        (f"name: a\nextends: base.yaml\ntrials: 0\n{SPACE}", "trials"),
        (f"name: a\nextends: base.yaml\npruner: {{keep: 0}}\n{SPACE}", "pruner.keep"),
        (f"name: a\nextends: base.yaml\nsampler: {{seed: -1}}\n{SPACE}", "sampler.seed"),
        ("[]", ""),
    ],
)
def test_a_bad_file_is_refused_by_field(tmp_path: Path, text: str, where: str):
    with pytest.raises(ConfigError, match="is not a search") as fault:
        config.load(write(tmp_path, text))
    assert [problem.field for problem in fault.value.problems] == [where]


def test_a_bad_base_is_refused(tmp_path: Path):
    text = f"name: a\nextends: base.yaml\n{SPACE}"
    with pytest.raises(ConfigError, match=r"base\.yaml is not a recipe"):
        config.load(write(tmp_path, text, base="name: base\n"))
    with pytest.raises(ConfigError, match=r"cannot read .*none\.yaml"):
        config.load(write(tmp_path, f"name: a\nextends: none.yaml\n{SPACE}"))
    with pytest.raises(ConfigError, match="cannot read"):
        config.load(tmp_path / "nothing.yaml")


def test_what_is_given_on_the_command_line_is_the_bases(tmp_path: Path):
    file = write(tmp_path, f"name: a\nextends: base.yaml\n{SPACE}")
    search = config.load(file, {"data": {"mirror": "sets"}})
    assert search.base.data.mirror == Path("sets")
    assert search.recipe_of({"head.dropout": 0.2}).data.mirror == Path("sets")
    assert search.identity() == config.load(file).identity()


def test_where_the_space_begins_is_of_no_matter_to_the_sampler_but_how_far_it_came():
    first, again, second = (Sampler(seed=3).make(n) for n in (0, 0, 1))
    drawn = [one._rng.rng.random() for one in (first, again, second)]  # type: ignore[attr-defined]
    assert drawn[0] == drawn[1] != drawn[2]


def test_keeping_all_prunes_none():
    assert isinstance(Pruner(keep=1).make(), NopPruner)
    assert isinstance(Pruner(keep=0.5).make(), PercentilePruner)
