"""The templates and what they are filled with, read from the YAML files beside this module."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from stancewire.data.sources import Frozen
from stancewire.errors import ConfigError, Problem
from stancewire.labels import Label

FOLDER = Path(__file__).parent
FILES = ("lexicon", "minimum", "swap", "direction", "invariance")


class Policy(Frozen):
    """A measure that is in force and may stay or go; `lexicon.yaml` says what each form is for."""

    fields: tuple[str, ...] = Field(min_length=1)
    the: str
    drop: str
    para: str
    accuse: str
    bad: str
    not_bad: str
    good: str
    not_good: str
    fact: str
    number: str
    pretty: str


class Variant(Frozen):
    """One thing that an invariance test may put in the place of another."""

    group: str
    text: str
    pronoun: str = ""


class Questions(Frozen):
    """A text, and the right label for each target asked of it (by its name in the lexicon)."""

    text: str
    ask: Mapping[str, Label] = Field(min_length=1)


class Movement(Frozen):
    """Two texts; the second one's score lies on the named side of the first one's."""

    before: str
    after: str
    target: str
    moves: Literal["up", "down"]


class Statement(Frozen):
    """A text and the target that is asked of it."""

    text: str
    ask: str


class Wording(Frozen):
    """Texts that say the same."""

    texts: tuple[str, ...] = Field(min_length=2)
    ask: str


class Labelled(Frozen):
    """A capability whose cases have right answers."""

    says: str
    templates: tuple[Questions, ...] = Field(min_length=1)


class Directional(Frozen):
    """A capability whose cases move a score."""

    says: str
    templates: tuple[Movement, ...] = Field(min_length=1)


class Invariant(Frozen):
    """A capability whose cases must not move a label: frames with `vary` or `edits`, or `texts`."""

    says: str
    vary: str | None = None
    frames: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    texts: tuple[Wording, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> "Invariant":
        ways = [self.vary is not None, bool(self.edits), bool(self.texts)]
        if sum(ways) != 1 or bool(self.frames) == bool(self.texts):
            raise ValueError("needs frames with either vary or edits, or texts alone")
        return self


class Lexicon(Frozen):
    """What templates are filled with."""

    policies: tuple[Policy, ...] = Field(min_length=2)
    phrases: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, tuple[Variant, ...]]
    targets: Mapping[str, str]


class _InvarianceFile(Frozen):
    statements: tuple[Statement, ...] = Field(min_length=1)
    capabilities: Mapping[str, Invariant]


class Suite(Frozen):
    """All templates; the capabilities by kind, each by its name."""

    lexicon: Lexicon
    minimum: Mapping[str, Labelled]
    swap: Mapping[str, Labelled]
    direction: Mapping[str, Directional]
    invariance: _InvarianceFile


@cache
def load(folder: Path = FOLDER) -> Suite:
    """The suite in `folder`. Raises `ConfigError` naming every key that is unknown or missing."""
    content: dict[str, Any] = {}
    for name in FILES:
        try:
            content[name] = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(
                f"the behaviour templates {name}.yaml cannot be read: {error}"
            ) from error
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        problems = [
            Problem(str(folder), ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()
        ]
        raise ConfigError("the behaviour templates cannot be used", problems) from error
