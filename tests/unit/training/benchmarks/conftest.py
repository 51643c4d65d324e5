"""A run as `stancewire train` leaves it, of a few records and the smallest family of model."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from stancewire.bundle import TFIDF, write_bundle
from stancewire.data import mixture
from stancewire.data.files import write_records
from stancewire.data.mixture import Mixture


@pytest.fixture
def make_run(tmp_path: Path, tfidf_bundle, pairs):
    """`make_run("x", records)`: a run trained on them; gives its bundle.

    A split that they lack is filled up with records of no other set.
    """

    def make(name, records, *, also=(), made=None, told=True, seed=13):
        corpus = tmp_path / f"{name}.jsonl"
        lacking = {"train", "dev", "test"} - {record.split for record in records}
        filler = [one for split in sorted(lacking) for one in pairs(split, 1, of="filler")]
        write_records(corpus, [*records, *filler])
        extra = []
        for number, more in enumerate(also):
            path = tmp_path / f"{name}-{number}.jsonl"
            write_records(path, more)
            extra.append({"source": str(path)})
        config = Mixture.model_validate({"source": str(corpus), "also": extra})
        _, manifest = mixture.build(config)
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / mixture.MANIFEST).write_text(manifest.to_json())
        (folder / "training.json").write_text("{}")
        (folder / "recipe.yaml").write_text(yaml.safe_dump({"name": name}))
        says = {"recipe": name, "seed": seed, "data": {"train": manifest.digest}}
        if told:
            says["manifest"] = manifest.digest
        files = {file: tfidf_bundle.bytes(file) for file in (TFIDF, "calibration.json")}
        bundle = write_bundle(
            folder / "bundle", files, {"family": "tfidf", "made": says | (made or {})}
        )
        report = {"bundle": bundle.sha256, "manifest": manifest.digest}
        (folder / "report.json").write_text(json.dumps(report))
        return bundle

    return make


def words(name):
    """A text that is nearly no other one."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    return f"{name} " + " ".join(digits[i : i + 4] for i in range(0, 40, 4))


@pytest.fixture
def pairs(make_record):
    """`pairs("test", 4)`: records of one split, a text and a target each."""

    def make(split, count, *, of="set", start=0, **changes):
        return [
            make_record(
                id=f"{of}-{split}-{i}", split=split, source=of, target=f"{of} {split} topic {i}",
                text=words(f"{of} {split} {i}"), **changes,
            )
            for i in range(start, start + count)
        ]  # fmt: skip

    return make
