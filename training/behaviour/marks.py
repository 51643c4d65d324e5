"""Which cases a model fails: all that a comparison needs, without the answers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from stancewire.calibration import BoolArray
from stancewire.errors import DataError
from stancewire.training.behaviour.cases import Case, digest


@dataclass(frozen=True)
class Marks:
    """The cases of a suite in their order, and whether the model `name` fails each."""

    name: str
    cases: tuple[Case, ...] = field(repr=False)
    failed: BoolArray = field(repr=False)
    """Shape (n,)."""

    @cached_property
    def suite(self) -> str:
        """Which cases were asked: two models compare only if these are equal."""
        return digest(self.cases)

    def capabilities(self) -> Iterator[tuple[str, list[int]]]:
        """Name and case numbers of each capability, in the order of the suite."""
        found: dict[str, list[int]] = {}
        for number, case in enumerate(self.cases):
            found.setdefault(case.capability, []).append(number)
        yield from found.items()


def read(text: str, cases: Sequence[Case]) -> Marks:
    """Marks from a report's JSON (`Report.to_json`), which holds numbers of cases and no cases.

    Raises `DataError` if it is no report, or one of another suite than `cases`.
    """
    try:
        told = json.loads(text)
        numbers = {one["capability"]: set(one["failed_cases"]) for one in told["capabilities"]}
        name, suite = str(told["bundle"]), told["suite"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"this is no report of behaviour tests: {error!r}") from error
    blank = Marks(name, tuple(cases), np.zeros(len(cases), dtype=np.bool_))
    if suite != blank.suite:
        raise DataError(f"the behaviour tests are of suite {suite}; that of today is {blank.suite}")
    failed = blank.failed.copy()
    for capability, members in blank.capabilities():
        failed[members] = [i in numbers.get(capability, ()) for i in range(len(members))]
    return Marks(name, blank.cases, failed)
