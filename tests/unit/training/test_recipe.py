from pathlib import Path

import pytest
from pydantic import ValidationError

from stancewire.errors import ConfigError
from stancewire.training.recipe import (
    Base,
    Head,
    Linear,
    Parity,
    Recipe,
    Schedule,
    dump,
    load,
)

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
OTHERS = ("gate.yaml", "search.yaml")
RECIPES = sorted(p for p in EXPERIMENTS.glob("*.yaml") if p.name not in OTHERS)


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_two_lines_are_a_recipe(tmp_path: Path):
    one = load(write(tmp_path, "a.yaml", "name: small\nfamily: packed\n"))
    assert one == Recipe(name="small", family="packed")
    assert one.data.source == "press"
    assert one.base == Base(path="minilm", attention="blocked")
    assert one.parity == Parity(
        int8=True, max_logit_difference=1e-3, max_flips=0.01, max_f1_drop=0.005, weight_bits=8
    )


def test_a_recipe_cannot_be_changed():
    one = Recipe(name="small", family="packed")
    with pytest.raises(ValidationError, match="frozen"):
        one.seed = 7


def test_extends_says_only_what_differs(tmp_path: Path):
    write(tmp_path, "base.yaml", "name: base\nfamily: packed\nschedule: {epochs: 9, quotes: 5}\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    write(inner, "mid.yaml", "extends: ../base.yaml\nname: mid\nschedule:\n  epochs: 2\n")
    one = load(write(tmp_path, "top.yaml", "extends: inner/mid.yaml\nname: top\nseed: 3\n"))
    assert (one.name, one.seed, one.family) == ("top", 3, "packed")
    assert one.schedule == Schedule(epochs=2, quotes=5)


@pytest.mark.parametrize("names", [["a.yaml"], ["a.yaml", "b.yaml", "c.yaml"]])
def test_a_circle_is_refused(tmp_path: Path, names: list[str]):
    for name, parent in zip(names, [*names[1:], names[0]], strict=True):
        write(tmp_path, name, f"extends: {parent}\nname: x\nfamily: packed\n")
    with pytest.raises(ConfigError, match=r"a\.yaml extends itself"):
        load(tmp_path / "a.yaml")


def test_every_fault_is_told_at_once_with_its_path(tmp_path: Path):
    content = "name: Bad Name\nfamily: packed\nepochs: 3\nschedule: {epochs: 0, speed: 9}\n"
    path = write(tmp_path, "bad.yaml", content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    problems = caught.value.problems
    assert {p.field for p in problems} == {"name", "epochs", "schedule.epochs", "schedule.speed"}
    assert {p.where for p in problems} == {str(path)}
    told = {p.field: p.message for p in problems}
    assert "not permitted" in told["epochs"]
    assert "greater than or equal to 1; found 0" in told["schedule.epochs"]
    assert str(caught.value).count(str(path)) == 5  # the summary and one line for each


def test_overrides_are_merged_and_checked(tmp_path: Path):
    path = write(tmp_path, "a.yaml", "name: a\nfamily: packed\nschedule: {epochs: 9, quotes: 5}\n")
    one = load(path, {"seed": 4, "schedule": {"epochs": 1}})
    assert one.seed == 4
    assert one.schedule == Schedule(epochs=1, quotes=5)
    with pytest.raises(ConfigError, match=r"schedule\.epoch"):
        load(path, {"schedule": {"epoch": 1}})


def test_a_number_as_people_write_it_is_a_number(tmp_path: Path):
    # YAML 1.1 reads 4e-5, without a point, as a string.
    content = "name: a\nfamily: packed\nschedule: {encoder_lr: 4e-5}\n"
    assert load(write(tmp_path, "a.yaml", content)).schedule.encoder_lr == 4e-5


@pytest.mark.parametrize("content", ["", "- a\n", "just words", "a: [1,", "a: !!python/name:os x"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, content: str):
    with pytest.raises(ConfigError, match=r"a\.yaml"):
        load(write(tmp_path, "a.yaml", content))


def test_a_missing_file_is_a_config_error(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot read .*none\.yaml"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"cannot read .*gone\.yaml"):
        load(write(tmp_path, "a.yaml", "extends: gone.yaml\n"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_recipe_of_the_project_loads_and_survives_its_dump(path: Path, tmp_path: Path):
    one = load(path)
    assert one.name == path.stem
    assert load(write(tmp_path, "again.yaml", dump(one))) == one


def test_there_are_recipes():
    assert {p.stem for p in RECIPES} >= {"press-tfidf", "press-frozen", "press-packed"}


def test_a_dump_shows_every_default(tmp_path: Path):
    one = Recipe(name="a", family="packed", data={"mirror": tmp_path / "é"})
    text = dump(one)
    for name in ("max_text_tokens: 256", "patience: 2", "weight_bits: 8", "é"):
        assert name in text
    assert load(write(tmp_path, "a.yaml", text)) == one


@pytest.mark.parametrize(
    ("family", "attention", "expected"),
    [
        ("packed", "blocked", "blocked"),
        ("packed", "joint", "joint"),
        ("frozen", "blocked", "separate"),
    ],
)
def test_the_encoding_follows_the_family(family: str, attention: str, expected: str):
    one = Recipe(name="a", family=family, base={"attention": attention, "max_text_tokens": 99})
    encoding = one.encoding(cls_id=5, sep_id=6, pad_id=7, position_offset=2)
    assert encoding.attention == expected
    assert encoding.max_text_tokens == 99
    assert (encoding.cls_id, encoding.sep_id, encoding.pad_id) == (5, 6, 7)
    assert encoding.position_offset == 2


def test_the_digest_is_of_what_decides_the_model():
    frozen = Recipe(name="a", family="frozen")
    assert frozen.digest() == Recipe(name="b", family="frozen", head=Head(hidden=8)).digest()
    assert frozen.digest() != Recipe(name="a", family="frozen", linear=Linear(c=2)).digest()
    packed = Recipe(name="a", family="packed")
    assert packed.digest() != Recipe(name="a", family="packed", head=Head(hidden=8)).digest()


STAGED = """
name: staged
family: packed
data: {source: vast, mirror: sets, accept: [open, not-stated]}
schedule: {epochs: 3, quotes: 8}
augment: {paraphrase: 0.2}
stages:
  - {name: claims, data: {source: lingnli}, schedule: {epochs: 1}}
  - {name: press, data: {source: press, accept: [open]}, augment: {paraphrase: 0.0}}
"""


def test_what_a_stage_does_not_say_is_as_in_the_recipe(tmp_path: Path):
    one = load(write(tmp_path, "a.yaml", STAGED), {"data": {"mirror": Path("elsewhere")}})
    claims, press = one.stages
    assert (claims.schedule.epochs, claims.schedule.quotes) == (1, 8)
    assert (press.schedule.epochs, press.schedule.quotes) == (3, 8)
    assert claims.data.mirror == press.data.mirror == Path("elsewhere")
    assert (claims.data.accept, press.data.accept) == (("open", "not-stated"), ("open",))
    assert (claims.augment.paraphrase, press.augment.paraphrase) == (0.2, 0.0)
    assert load(write(tmp_path, "b.yaml", dump(one))) == one


@pytest.mark.parametrize(
    ("stages", "field"),
    [
        ("[{name: a, data: {}}, {name: a, data: {}}]", ""),
        ("[{name: a}]", "stages.0.data"),
        ("[{name: a, data: {}, speed: 3}]", "stages.0.speed"),
        ("[3]", "stages.0.name"),
        ("3", "stages"),
    ],
)
def test_a_bad_stage_is_told(tmp_path: Path, stages: str, field: str):
    path = write(tmp_path, "a.yaml", f"name: a\nfamily: packed\nstages: {stages}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert field in {p.field for p in caught.value.problems}


def test_what_is_off_decides_nothing_and_what_is_on_does():
    plain = Recipe(name="a", family="packed")
    # Of a recipe as it was before there were stages: bundles made then bear it.
    assert plain.digest().startswith("2bca9a5eb0e41455")
    for on in (
        {"schedule": {"ema": 0.9}},
        {"augment": {"paraphrase": 0.1}},
        {"init": "runs/x"},
        {"stages": [{"name": "a", "data": {}}]},
    ):
        changed = Recipe.model_validate({"name": "a", "family": "packed", **on})
        assert changed.digest() != plain.digest()
        assert changed.decided() != plain.decided()
