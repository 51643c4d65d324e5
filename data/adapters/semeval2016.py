"""SemEval-2016 Task 6 (Mohammad et al., 2016): tweet → stance toward one of six targets.

Task A ("task-a") has five targets in train and test. Task B ("task-b") has Donald Trump in test
only. There is no dev set. Tab-separated, latin-1; quotation marks are part of the tweet. The marker
"#SemST", which the organisers put on every tweet, is taken off.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

MARKER = "#SemST"

_PARTS: tuple[tuple[str, Split, str, str], ...] = (
    ("train", "train", "task-a", "semeval2016-task6-trainingdata.txt"),
    ("test-a", "test", "task-a", "SemEval2016-Task6-subtaskA-testdata-gold.txt"),
    ("test-b", "test", "task-b", "SemEval2016-Task6-subtaskB-testdata-gold.txt"),
)
_LABELS = {"FAVOR": Label.FAVOR, "AGAINST": Label.AGAINST, "NONE": Label.NEUTRAL}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records: train, the test set of Task A, the test set of Task B."""
    for part, split, task, name in _PARTS:
        table = csv_rows(read_text(folder, name, encoding="latin-1"), delimiter="\t", quoted=False)

        def fields(row: Row, split: Split = split, task: str = task) -> Row:
            return {
                "text": row["Tweet"].replace(MARKER, "").strip(),
                "target": row["Target"],
                "stance": _LABELS[row["Stance"]],
                "split": split,
                "tags": (task,),
            }

        yield from records(source, part, table, fields)
