"""ArgKP-2021 (Friedman et al., ArgMining 2021): argument → pro or con a debate motion.

The file has a row for each argument and key point; here each (motion, argument) is one record, and
key points are not read. Splits are the shared task's, which set whole motions apart; the file does
not name them. Most arguments are also in IBM-ArgQ-Rank-30kArgs.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_LABELS = {"1": Label.FAVOR, "-1": Label.AGAINST}
_SPLITS: dict[str, Split] = {
    "We should abandon the use of school uniform": "dev",
    "We should abolish the right to keep and bear arms": "dev",
    "We should adopt an austerity regime": "dev",
    "We should end affirmative action": "dev",
    "Routine child vaccinations should be mandatory": "test",
    "Social media platforms should be regulated by the government": "test",
    "The USA is a good country to live in": "test",
}
"""Motions of the shared task's dev and test files; all others are train."""


def read(folder: Path, source: Source) -> Iterator[Record]:
    """One record for each distinct (motion, argument), in the order of the file."""
    seen: dict[tuple[str, str], Label] = {}

    def fields(row: Row) -> Row | None:
        pair, stance = (row["topic"], row["argument"]), _LABELS[row["stance"]]
        if pair not in seen:
            seen[pair] = stance
            return _fields(*pair, stance)
        if seen[pair] is not stance:
            raise ValueError("its argument has the other stance in an earlier row")
        return None

    table = csv_rows(read_text(folder, "ArgKP-2021_dataset.csv"))
    yield from records(source, "row", table, fields)


def _fields(topic: str, argument: str, stance: Label) -> Row:
    split = _SPLITS.get(topic, "train")
    return {"text": argument, "target": topic, "stance": stance, "split": split}
