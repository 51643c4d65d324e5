"""Perspectrum (Chen et al., NAACL 2019): perspective → supports or undermines a claim.

A claim has clusters of perspectives of like meaning, and a label for each cluster: one record for
each perspective. A few perspectives stand twice under a claim, in two clusters of one label, and
are kept, as the counts of the authors have them. No neutral.
"""

from collections.abc import Iterator
from pathlib import Path

from stancewire.data.adapters.reading import Row, read_json, records
from stancewire.data.sources import Source
from stancewire.labels import Label
from stancewire.records import Record

_LABELS = {"SUPPORT": Label.FAVOR, "UNDERMINE": Label.AGAINST}
_SPLITS = {"train": "train", "dev": "dev", "test": "test"}


def read(folder: Path, source: Source) -> Iterator[Record]:
    """One record for each (claim, perspective) pair."""
    claims = read_json(folder, "perspectrum_with_answers_v1.0.json")
    pool = read_json(folder, "perspective_pool_v1.0.json")
    splits = read_json(folder, "dataset_split_v1.0.json")
    texts = {row["pId"]: row["text"] for row in pool}

    def fields(row: Row) -> Row:
        return {
            "text": texts[row["pid"]],
            "target": row["claim"],
            "stance": _LABELS[row["label"]],
            "split": _SPLITS[splits[str(row["cid"])]],
        }

    yield from records(source, "perspective", _pairs(claims), fields)


def _pairs(claims: list[Row]) -> Iterator[Row]:
    for claim in claims:
        for cluster in claim["perspectives"]:
            for pid in cluster["pids"]:
                yield {
                    "cid": claim["cId"],
                    "claim": claim["text"],
                    "pid": pid,
                    "label": cluster["stance_label_3"],
                }
