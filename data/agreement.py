"""How far annotators agree: Krippendorff's alpha and per cent, by pair of annotators and by tag.

Source: K. Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011), nominal data. Written
here in its few lines because the package of that name is under the GPL, and this project is not.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stancewire.data.files import read_as
from stancewire.labels import Label
from stancewire.records import Name

Labels = Mapping[str, Mapping[str, str]]
"""Item → annotator → label."""


@dataclass(frozen=True)
class TagAgreement:
    """Agreement on the items of one tag, or of one pair of annotators."""

    items: int
    """Items with two labels or more; all that is said here is about them."""
    alpha: float | None
    """1 is full agreement, 0 what chance gives, below 0 is worse than chance."""
    percent: float | None
    """Share of pairs of labels that are equal, 0 to 100; None without such an item."""


class LabelRow(BaseModel):
    """All single labels of one item, disputed or not: a line of `labels.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    labels: dict[Name, Label] = Field(min_length=1)


def read_labels(path: Path | str) -> dict[str, dict[str, str]]:
    """Item → annotator → label, of a file of rows `{"id": …, "labels": {annotator: label}}`.

    Raises `DataError` listing every bad line; also if an id stands twice.
    """
    rows = read_as(LabelRow.model_validate, path, identity=lambda row: row.id)
    return {row.id: {who: label.value for who, label in row.labels.items()} for row in rows}


def alpha(labels: Labels) -> float | None:
    """Krippendorff's alpha for nominal labels; annotators may have left items out.

    None when it is undefined: no item has two labels, or all labels are the same one.
    """
    weighted: dict[tuple[str, str], float] = defaultdict(float)
    for values in _paired(labels):
        counts = Counter(values)
        for a, of_a in counts.items():
            for b, of_b in counts.items():
                weighted[a, b] += of_a * (of_b - (a == b)) / (len(values) - 1)
    totals: dict[str, float] = defaultdict(float)
    for (a, _), weight in weighted.items():
        totals[a] += weight
    n = sum(totals.values())
    expected = n * n - sum(total * total for total in totals.values())
    if len(totals) < 2:
        return None
    observed = sum(weight for (a, b), weight in weighted.items() if a != b)
    return 1 - (n - 1) * observed / expected


def percent(labels: Labels) -> float | None:
    """Share of equal ones among pairs of labels of one item, 0 to 100; None without any pair."""
    pairs = [a == b for values in _paired(labels) for a, b in combinations(values, 2)]
    return 100 * sum(pairs) / len(pairs) if pairs else None


def of(labels: Labels) -> TagAgreement:
    """Alpha, per cent and the number of items that they rest on."""
    return TagAgreement(len(_paired(labels)), alpha(labels), percent(labels))


def by_tag(labels: Labels, tags_of: Mapping[str, Sequence[str]]) -> dict[str, TagAgreement]:
    """Agreement within each tag, by name; an item counts for each of its tags."""
    grouped: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
    for item, given in labels.items():
        for tag in tags_of.get(item, ()):
            grouped[tag][item] = given
    return {tag: of(grouped[tag]) for tag in sorted(grouped)}


def by_pair(labels: Labels) -> dict[tuple[str, str], TagAgreement]:
    """Agreement of every two annotators who share an item, on the items they share."""
    grouped: dict[tuple[str, str], dict[str, dict[str, str]]] = defaultdict(dict)
    for item, given in labels.items():
        for a, b in combinations(sorted(given), 2):
            grouped[a, b][item] = {a: given[a], b: given[b]}
    return {pair: of(grouped[pair]) for pair in sorted(grouped)}


def report(labels: Labels, tags_of: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """All figures as plain data, for a table or JSON."""
    everyone = {who for given in labels.values() for who in given}
    found: dict[str, Any] = {
        "labelled items": len(labels),
        "annotators": sorted(everyone),
        "all": vars(of(labels)),
        "pairs": {" / ".join(pair): vars(figures) for pair, figures in by_pair(labels).items()},
    }
    if tags_of is not None:
        found["tags"] = {tag: vars(figures) for tag, figures in by_tag(labels, tags_of).items()}
    return found


def _paired(labels: Labels) -> list[list[str]]:
    return [list(given.values()) for given in labels.values() if len(given) > 1]
