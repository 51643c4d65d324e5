"""XNLI (Conneau et al., EMNLP 2018), English and Russian; validation read as dev.

`xnli_{validation,test}_{en,ru}.tar`, one unquoted table each. A pair has the same number in every
language, and its id ends with it: `xnli-test-en-00012` is `xnli-test-ru-00012` translated.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.claims import cell, pair
from stancewire.data.adapters.reading import Row, csv_rows, read_bytes, records
from stancewire.data.sources import Source
from stancewire.errors import DataError
from stancewire.records import Record, Split

LANGUAGES = ("en", "ru")
_SPLITS: dict[str, Split] = {"validation": "dev", "test": "test"}
_LABELS = {"0": "entailment", "1": "neutral", "2": "contradiction"}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """Records of both languages, tagged "lang:en" or "lang:ru"."""
    for published, split in _SPLITS.items():
        for language in LANGUAGES:
            text = _table(folder, f"xnli_{published}_{language}")
            rows = csv_rows(text, delimiter="\t", quoted=False)
            yield from _records(rows, source, split, language)


def _records(rows: Iterator[Row], source: Source, split: Split, language: str) -> Iterator[Record]:
    part = f"{split}-{language}"

    def make(row: Row) -> Row | None:
        number, label = int(cell(row, "id")), _LABELS[cell(row, "label")]
        fields = pair(
            cell(row, "premise"), cell(row, "hypothesis"), label, split, (f"lang:{language}",)
        )
        if fields is None:
            return None
        return fields | {"id": f"{source.name}-{part}-{number:05d}", "language": language}

    yield from records(source, part, rows, make)


def _table(folder: Path, name: str) -> str:
    content = read_bytes(folder, f"{name}.tar")
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.extractfile(f"{name}.tsv")
            if member is None:
                raise KeyError(f"{name}.tsv is no file")
            return member.read().decode("utf-8", errors="replace")
    except (KeyError, tarfile.TarError) as error:
        raise DataError(f"{folder / name}.tar does not hold {name}.tsv: {error}") from error
