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

from stancewire.data.pool import Item, check_item
from stancewire.errors import Problem
from stancewire.labels import Label, NeutralKind
from stancewire.predictor import Predictor
from stancewire.text import normalise

CARRIED = "stancewire"
SHOWN = ("id", "text", "target", "speaker", "role", "organisation", "date")
"""Fields of an item that are also written where a person or a filter of the tool can see them."""


class Annotation(BaseModel):
    """One label that one person gave to one item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(min_length=1)]
    annotator: Annotated[str, StringConstraints(min_length=1)]
    stance: Label
    neutral_kind: NeutralKind | None = None
    note: str | None = None

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

    def add(self, where: str, item: Item, **label: Any) -> None:
        """Take one label in, or the reason why it is none."""
        if label.get("annotator") is None:
            message = "the file does not say who labelled; give the annotator"
            self.problems.append(Problem(where, "annotator", message))
            return
        try:
            self.annotations.append(Annotation.model_validate({"id": item.id, **label}))
        except ValidationError as error:
            self.refuse(where, error)

    def refuse(self, where: str, error: ValidationError) -> None:
        """Note everything that an item or label fails by."""
        for detail in error.errors():
            name = ".".join(map(str, detail["loc"])) or "label"
            found = repr(detail["input"])[:60]
            self.problems.append(Problem(where, name, f"{detail['msg']}; found {found}"))

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
            self.problems.append(Problem(where, CARRIED, f"expected an item as JSON: {error}"))
            return None
        for name, value in shown.items():
            if not isinstance(value, str) or normalise(value) != normalise(getattr(item, name)):
                message = f"was changed in the tool; item {item.id!r} has other words"
                self.problems.append(Problem(where, name, message))
                return None
        self.items.append(item)
        return item


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


def _carried(row: dict[str, Any]) -> Any:
    carried = row.get(CARRIED)
    if carried is None or carried == "":
        return {name: value for name, value in row.items() if value not in (None, "")}
    return json.loads(carried) if isinstance(carried, str) else carried
