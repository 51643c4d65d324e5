"""Reading a tool's file as JSON rows, each with its place."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stancewire.data.files import read_text, short, unique_keys
from stancewire.errors import DataError, Problem

Placed = tuple[str, dict[str, Any]]
"""Where a row stands, for messages, and the row."""


def json_rows(path: Path, problems: list[Problem]) -> Iterator[Placed]:
    """Objects of a JSON list (`.json`), or of lines (`.jsonl`); what is none becomes a problem.

    Raises `DataError` if the file is missing, not UTF-8 or not JSON at all.
    """
    text = read_text(path)
    if path.suffix == ".jsonl":
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        rows = [(f"{path}:{number}", _parsed(line, f"{path}:{number}")) for number, line in lines]
    else:
        document = _parsed(text, str(path))
        if not isinstance(document, list):
            raise DataError(f"{path}: expected a JSON list of tasks")
        rows = [(f"{path}[{index}]", row) for index, row in enumerate(document)]
    for where, row in rows:
        if isinstance(row, dict):
            yield where, row
        else:
            problems.append(Problem(where, "task", "expected a JSON object"))


def entries(value: Any, where: str, name: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """The objects of a list; None is an empty one, and anything else a problem."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    problems.append(Problem(where, name, f"expected a list of objects; found {short(value)}"))
    return []


def mapping(value: Any) -> dict[str, Any]:
    """The object itself, or an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def several(value: Any) -> list[Any]:
    """A list itself; None is an empty one, and anything else a list of itself."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def note(value: Any) -> Any:
    """The lines of a note as one string, or None; what is no text stays, to be refused."""
    lines = several(value)
    if not all(isinstance(line, str) for line in lines):
        return value
    return "\n".join(lines) or None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected JSON: {error}") from error
