"""ValueEval'23 arguments (Mirzakhmedova et al., 2023): premise → for or against a conclusion.

Tags name where an argument came from, by the first letter of its id: "argq" (A, also in
IBM-ArgQ-Rank-30kArgs), "ideas" (D, Group Discussion Ideas, India), "europe" (E, Conference on the
Future of Europe). No neutral. The value labels, the task's own subject, are not read.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, csv_rows, read_text, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record, Split

_FILES: dict[Split, str] = {
    "train": "arguments-training.tsv",
    "dev": "arguments-validation.tsv",
    "test": "arguments-test.tsv",
}
_LABELS = {
    "in favor of": Label.FAVOR,
    "in favour of": Label.FAVOR,  # the spelling of other releases
    "against": Label.AGAINST,
}
_PARTS = {"A": "argq", "D": "ideas", "E": "europe"}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """All records, train first."""
    for split, name in _FILES.items():

        def fields(row: Row, split: Split = split) -> Row:
            return {
                "text": row["Premise"],
                "target": row["Conclusion"],
                "stance": _LABELS[row["Stance"]],
                "split": split,
                "tags": (_PARTS[row["Argument ID"][:1]],),
            }

        table = csv_rows(read_text(folder, name), delimiter="\t", quoted=False)
        yield from records(source, split, table, fields)
