"""Reading a tool's file as JSON rows, each with its place."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, line ends as they are. Raises `DataError` if it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected UTF-8; byte {error.start} is not") from error


def entries(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever stands there."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """The object itself, or an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected JSON: {error}") from error
