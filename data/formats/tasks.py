"""What goes to an annotation tool (`Task`) and what comes back (`Annotation`), of any format.

Each tool has some field for metadata. The whole item travels there as one JSON string under the key
`CARRIED`: tools and spreadsheets change dates, empty cells and nested values, but not a string.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from stancewire.data.files import short, unique_keys
from stancewire.data.pool import Item, check_item
from stancewire.errors import Problem
from stancewire.labels import Label, NeutralKind
from stancewire.predictor import Predictor
from stancewire.records import Name, Plain
from stancewire.text import normalise

CARRIED = "stancewire"
SHOWN = ("id", "text", "target", "speaker", "role", "organisation", "date")
"""Fields of an item that are also written where a person or a filter of the tool can see them."""


class Annotation(BaseModel):
    """One label that one person gave to one item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(min_length=1)]
    annotator: Name
    stance: Label
    neutral_kind: NeutralKind | None = None
    note: Plain | None = None

    @model_validator(mode="after")
    def _neutral_has_its_kind(self) -> Self:
        if self.stance is not Label.NEUTRAL and self.neutral_kind is not None:
            raise ValueError("neutral_kind is only for stance neutral")
        return self


@dataclass(frozen=True)
class Suggestion:
    """What a model would answer: shown to the annotator as a label to confirm or to change."""

    label: Label
    confidence: float
    model: str


@dataclass(frozen=True)
class Task:
    """One item to label."""

    item: Item
    suggestion: Suggestion | None = None


@dataclass
class Returned:
    """What a file holds: its items in order, the labels given to them, and what is wrong."""

    items: list[Item] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        where: str,
        item: Item,
        *,
        annotator: Any,
        stance: Any,
        neutral_kind: Any = None,
        note: Any = None,
    ) -> None:
        """Take one label in, or the reason why it is none; where nothing is given there is none.

        Case and outer spaces of a label do not count.
        """
        label = {"stance": plain(stance), "neutral_kind": plain(neutral_kind), "note": bare(note)}
        given = [name for name, value in label.items() if value is not None]
        if not given:
            return
        if "stance" not in given:
            self.problem(where, given[0], "is given without a label")
        elif not bare(annotator):
            message = "the file does not say who labelled; give the annotator"
            self.problem(where, "annotator", message)
        else:
            self._check(where, {"id": item.id, "annotator": bare(annotator), **label})

    def problem(self, where: str, name: str, message: str) -> None:
        """Note one thing that is wrong."""
        self.problems.append(Problem(where, name, message))

    def refuse(self, where: str, error: ValidationError) -> None:
        """Note everything that an item or label fails by."""
        for detail in error.errors():
            name = ".".join(map(str, detail["loc"])) or "label"
            self.problem(where, name, f"{detail['msg']}; found {short(detail['input'])}")

    def take(self, where: str, row: dict[str, Any], shown: dict[str, Any]) -> Item | None:
        """The item that a row carries, or None with the reason noted.

        A row that we did not write has its fields in `row` itself. `shown` is what the annotator
        saw: if it was changed, the label is for other words than the item's, and is refused.
        """
        try:
            item = check_item(_carried(row))
        except ValidationError as error:
            self.refuse(where, error)
            return None
        except (ValueError, RecursionError) as error:
            self.problem(where, CARRIED, f"expected an item as JSON: {error}")
            return None
        for name, value in shown.items():
            if not isinstance(value, str) or normalise(value) != normalise(getattr(item, name)):
                self.changed(where, name, item)
                return None
        self.items.append(item)
        return item

    def changed(self, where: str, name: str, item: Item) -> None:
        """Note that the annotator saw other words than the item's."""
        self.problem(where, name, f"was changed in the tool; item {item.id!r} has other words")

    def _check(self, where: str, label: dict[str, Any]) -> None:
        try:
            self.annotations.append(Annotation.model_validate(label))
        except ValidationError as error:
            self.refuse(where, error)


@dataclass(frozen=True)
class Format:
    """One tool's files. `read` adds to what it is given; `annotator` is for files naming none."""

    write: Callable[[Path, Sequence[Task]], list[Path]]
    """Writes the tasks, and what sets the tool up beside them; gives the paths written."""
    read: Callable[[Path, str | None], Returned]
    suffixes: tuple[str, ...]


def prelabel(items: Sequence[Item], predictor: Predictor, model: str) -> list[Task]:
    """Tasks with what a bundle answers to each item, under the name `model`."""
    answers = predictor.predict([item.pair for item in items])
    return [
        Task(item, Suggestion(answer.label, answer.confidence, model))
        for item, answer in zip(items, answers, strict=True)
    ]


def carry(item: Item) -> str:
    """The item as the JSON string that `Returned.take` reads."""
    return item.model_dump_json(exclude_defaults=True)


def shown(item: Item) -> dict[str, str | None]:
    """What stands in the open, as strings; None for an empty field."""
    values = {name: getattr(item, name) for name in SHOWN}
    return {name: None if value is None else str(value) for name, value in values.items()}


def split_label(label: Any) -> tuple[Any, Any]:
    """("neutral", "mention") of "neutral/mention", which tools with one list of labels need."""
    if not isinstance(label, str):
        return label, None
    stance, _, kind = label.partition("/")
    return stance, kind or None


def bare(value: Any) -> Any:
    """A string without outer spaces, and None for an empty one; anything else as it is."""
    return value.strip() or None if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """The same in lower case: a label, however a person or a spreadsheet writes it."""
    value = bare(value)
    return value.casefold() if isinstance(value, str) else value


def without_leftover(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers of a form, less a kind that was chosen before the stance was changed.

    A form that hides the question, or whose questions do not depend on each other, still has it.
    """
    if plain(answers.get("stance")) in (None, "neutral"):
        return answers
    return {name: value for name, value in answers.items() if name != "neutral_kind"}


def _carried(row: dict[str, Any]) -> Any:
    carried = row.get(CARRIED)
    if carried is None or carried == "":
        return {name: value for name, value in row.items() if value not in (None, "")}
    if not isinstance(carried, str):
        return carried
    return json.loads(carried, object_pairs_hook=unique_keys)
