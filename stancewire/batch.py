"""Scoring a file: every row goes in, every row comes out, with its stance or with its error."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Protocol, TextIO

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from tqdm import tqdm

from stancewire.errors import ConfigError, DataError, Problem
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Stance
from stancewire.records import Target, Text
from stancewire.rows import SUFFIXES, Row, RowWriter, chunks, read_rows, replacing, survey

RESULT_FIELDS = (
    "label", "score", "confidence", "p_favor", "p_against", "p_neutral", "abstained", "truncated",
)  # fmt: skip
LABEL_SET = "label_set"
ERROR = "error"
CHUNK = 256  # rows at once: as many items as one request to the service may hold
SHOWN = 5  # errors that a summary keeps


class Scorer(Protocol):
    """Answers pairs: `Predictor`, or `Remote` for a service."""

    def predict(self, pairs: Sequence[StancePair]) -> list[Stance]:
        """One stance per pair, in order; raises `DataError` for pairs that cannot be read."""


class _Item(BaseModel):
    text: Text
    target: Target


@dataclass
class Summary:
    """What became of a file's rows."""

    rows: int = 0
    scored: int = 0
    abstained: int = 0
    truncated: int = 0
    errors: int = 0
    lost_lines: int = 0
    """Of a CSV file, in rows that an unclosed quotation mark made one."""
    first_errors: list[Problem] = field(default_factory=list)
    """The first few, in the order of the rows."""

    def add(self, where: str, fields: Mapping[str, Any], lost_lines: int = 0) -> None:
        """Count one written row."""
        self.rows += 1
        self.lost_lines += lost_lines
        if ERROR in fields:
            self.errors += 1
            if len(self.first_errors) < SHOWN:
                self.first_errors.append(Problem(where, ERROR, fields[ERROR]))
        else:
            self.scored += 1
            self.abstained += fields["abstained"]
            self.truncated += fields["truncated"]


def score_file(
    scorer: Scorer, source: Path, out: Path | None, *, has_sets: bool = False
) -> Summary:
    """Score the rows of a CSV or JSONL file (fields `text` and `target`) into `out`.

    Every field is kept and `RESULT_FIELDS` are added, and `label_set` if `has_sets` says that the
    scorer gives one; a row that cannot be scored gets `error` instead. Without `out`, rows go to
    standard output in the format of `source`. Memory does not grow with the file. Progress is
    shown on standard error.
    Raises `DataError` before any work if the file cannot be read as a whole, and whatever
    `scorer` raises when it is out of order; then `out` is left as it was.
    """
    found = survey(source)
    added = [*RESULT_FIELDS, *([LABEL_SET] if has_sets else []), ERROR]
    _check(source, out, found.columns, added)
    suffix = (out or source).suffix
    summary = Summary()
    with (
        _stdout() if out is None else replacing(out) as stream,
        tqdm(total=found.rows, unit=" rows", file=sys.stderr, mininterval=0.5) as bar,
    ):
        writer = RowWriter(stream, suffix, [*found.columns, *added])
        for chunk in chunks(read_rows(source), "text", CHUNK):
            for row, answer in zip(chunk, _answers(scorer, chunk), strict=True):
                fields = row.fields | answer
                writer.write(fields)
                summary.add(f"{source}:{row.line}", fields, row.lost_lines)
            bar.update(len(chunk))
    return summary


def to_pair(fields: Mapping[str, Any]) -> StancePair:
    """Pair of a row's `text` and `target`.

    Raises `DataError` saying what is missing, empty or too long.
    """
    try:
        item = _Item.model_validate(fields)
    except ValidationError as error:
        listed = [f"{e['loc'][0]}: {_words(e)}" for e in error.errors()]
        raise DataError("; ".join(listed)) from error
    return StancePair(text=item.text, target=item.target)


def _words(detail: ErrorDetails) -> str:
    """Say in plain words what pydantic found."""
    limit = detail.get("ctx", {}).get("max_length")
    known = {
        "missing": "is missing",
        "string_too_short": "is empty",
        "string_type": "is not a string",
        "too_long": f"is longer than {limit} characters",
        "string_too_long": f"is longer than {limit} characters",
    }
    return known.get(detail["type"], detail["msg"].removeprefix("Value error, "))


def as_fields(stance: Stance) -> dict[str, Any]:
    """Lay a stance out as the `RESULT_FIELDS` of a row, and its label set if it has one."""
    has_set = stance.label_set is not None
    return {
        "label": stance.label.value,
        "score": stance.score,
        "confidence": stance.confidence,
        **{f"p_{label.value}": stance.probabilities[label] for label in Label},
        "abstained": stance.abstained,
        "truncated": stance.truncated,
        **({LABEL_SET: [label.value for label in stance.label_set or ()]} if has_set else {}),
    }


def _answers(scorer: Scorer, chunk: Sequence[Row]) -> list[dict[str, Any]]:
    """Find what to add to each row."""
    added: list[dict[str, Any]] = [{} for _ in chunk]
    pairs: dict[int, StancePair] = {}
    for index, row in enumerate(chunk):
        try:
            if row.error is not None:
                raise DataError(row.error)
            pairs[index] = to_pair(row.fields)
        except DataError as error:
            added[index] = {ERROR: error.summary}
    for index, answer in zip(pairs, _halving(scorer, list(pairs.values())), strict=True):
        added[index] = {ERROR: answer} if isinstance(answer, str) else as_fields(answer)
    return added


def _halving(scorer: Scorer, pairs: list[StancePair]) -> list[Stance | str]:
    """Stance of each pair, or why it has none.

    A refused list is asked again by halves, until the pairs at fault stand alone: an answer does
    not depend on what else is asked.
    """
    if not pairs:
        return []
    try:
        return list(scorer.predict(pairs))
    except DataError as error:
        if len(pairs) == 1:
            return [_reason(error)]
    middle = len(pairs) // 2
    return _halving(scorer, pairs[:middle]) + _halving(scorer, pairs[middle:])


def _reason(error: DataError) -> str:
    return "; ".join(f"{p.field}: {p.message}" for p in error.problems) or error.summary


def _check(source: Path, out: Path | None, columns: Sequence[str], added: Sequence[str]) -> None:
    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{out}: expected a name ending in {' or '.join(SUFFIXES)}")
    if out is not None and out.resolve() == source.resolve():
        # A row that cannot be read would be written without its content, over the only copy.
        raise ConfigError(f"{out} is the file that is read: give another name")
    if out is not None and not out.resolve().parent.is_dir():
        raise ConfigError(f"{out}: there is no such folder")
    missing = [name for name in ("text", "target") if name not in columns]
    if missing and columns:
        found = ", ".join(columns)
        raise DataError(f"{source}: no field {' and no field '.join(missing)}; found: {found}")
    taken = [name for name in added if name in columns]
    if taken:
        raise DataError(f"{source} has field(s) {', '.join(taken)} already: rename them first")


@contextmanager
def _stdout() -> Iterator[TextIO]:
    if isinstance(sys.stdout, TextIOWrapper):  # as a file is written: whatever the locale says
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    yield sys.stdout
    sys.stdout.flush()
