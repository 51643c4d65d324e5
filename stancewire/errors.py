"""Everything that can go wrong on purpose, in one tree.

StancewireError
├── DataError        a record, pair, file or split that cannot be used      exit 2 / HTTP 422
│   └── ConfigError  a recipe or option that cannot be used                 exit 2
├── BundleError      a bundle that is missing, torn or not what it says     exit 3 / HTTP 503
├── ExportError      an exported graph that does not match its source       exit 3
├── GateRefused      a candidate that must not serve; carries the verdict   exit 4
├── RegistryError    a model registry that is away or holds nothing usable  exit 5
└── Overloaded       no room for the work now; carries when to retry        HTTP 503 + Retry-After

The numbers are applied in the outermost layers only: `stancewire.cli` and
`stancewire.serving.problems`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


class StancewireError(Exception):
    """Base of every error that Stancewire raises on purpose."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it is, which field, what was expected."""

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field}: {self.message}"

    def renumbered(self, places: Sequence[int]) -> "Problem":
        """The problem of "item N" as that of "item places[N]"; any other stays as it is.

        For callers that pass on a part of the items that they were given.
        """
        word, _, number = self.where.partition(" ")
        if word != "item" or not number.isdecimal() or int(number) >= len(places):
            return self
        return replace(self, where=f"item {places[int(number)]}")


def faults_of(error: "ValidationError", where: str) -> list[Problem]:
    """Every fault that pydantic found in settings from `where`, each with the value found."""
    return [
        Problem(where, ".".join(map(str, e["loc"])), f"{e['msg']}; found {e['input']!r}")
        for e in error.errors()
    ]


class DataError(StancewireError):
    """Raised when a record, pair, file or split cannot be used; lists every problem found."""

    exit_code = 2

    def __init__(self, summary: str, problems: Sequence[Problem] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n  ".join([summary, *map(str, self.problems)]))


class ConfigError(DataError):
    """Raised when a recipe or option is unknown, contradictory or out of range."""


class BundleError(StancewireError):
    """Raised when a bundle is missing, torn, of an unknown layout, or fails its hashes."""

    exit_code = 3


class ExportError(StancewireError):
    """Raised when an exported or quantised graph does not answer as the trained model does."""

    exit_code = 3


class GateRefused(StancewireError):
    """Raised when a candidate must not be promoted; `verdict` says why, as plain data."""

    exit_code = 4

    def __init__(self, message: str, verdict: dict[str, Any]) -> None:
        self.verdict = verdict
        super().__init__(message)


class RegistryError(StancewireError):
    """Raised when the model registry cannot be reached or holds no such version."""

    exit_code = 5


class Overloaded(StancewireError):
    """Raised when work is refused before it starts; retry after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)
