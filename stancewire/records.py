"""The one record: a labelled (quote, target) pair, checked on every read."""

import re
from datetime import date as Date
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from stancewire.labels import Label, NeutralKind
from stancewire.pairs import StancePair
from stancewire.text import fingerprint, normalise

MAX_TEXT = 10_000
"""Longest quote in characters that is accepted anywhere."""
MAX_TARGET = 300
"""Longest target in characters; a target is a name or one proposition, and is never truncated."""


def _has_words(value: str) -> str:
    if not any(c.isalnum() for c in normalise(value)):
        raise ValueError("holds no letter or digit")
    return value


def _is_unicode(value: str) -> str:
    # JSON can hold half of a surrogate pair, but no file of ours and no terminal can.
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError("holds a lone surrogate, which is no character")
    return value


def _is_day(value: object) -> object:
    # pydantic would read the number 0, or the text "0", as seconds since 1970.
    if value is None or type(value) is Date:
        return value
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        raise ValueError("expected a day as YYYY-MM-DD")
    return value


Words = Annotated[str, StringConstraints(min_length=1), AfterValidator(_has_words)]
Text = Annotated[Words, StringConstraints(max_length=MAX_TEXT)]
Target = Annotated[Words, StringConstraints(max_length=MAX_TARGET)]
Plain = Annotated[str, AfterValidator(_is_unicode)]
Name = Annotated[Plain, StringConstraints(pattern=r"\S")]
"""Of whoever gave a label: never blank."""
Split = Literal["train", "dev", "test", "golden"]


class Quoted(BaseModel):
    """A quote, a target, and where they come from: what labelled and unlabelled pairs share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
    text: Text
    target: Target
    speaker: Plain | None = None
    role: Plain | None = None
    organisation: Plain | None = None
    date: Annotated[Date | None, BeforeValidator(_is_day)] = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] = "en"
    source: Annotated[str, StringConstraints(min_length=1)]
    licence: Annotated[str, StringConstraints(min_length=1)]
    tags: tuple[Plain, ...] = ()

    @property
    def statement(self) -> str:
        """Id of the statement: equal for all pairs of the same words."""
        return fingerprint(self.text)

    @property
    def pair(self) -> StancePair:
        """What a model may see: the words and the target, never a label."""
        return StancePair(text=self.text, target=self.target, speaker=self.speaker, id=self.id)


class Record(Quoted):
    """One labelled pair and where it comes from. Several records may share one text."""

    stance: Label
    neutral_kind: NeutralKind | None = None
    split: Split
    annotators: Annotated[tuple[Name, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _neutral_has_its_kind(self) -> Self:
        if self.stance is not Label.NEUTRAL and self.neutral_kind is not None:
            raise ValueError("neutral_kind is only for stance neutral")
        return self
