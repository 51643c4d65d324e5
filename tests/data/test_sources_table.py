"""The table in `data/README.md` says what the adapters give."""

import re
from collections import Counter
from pathlib import Path

import pytest

from stancewire.data import corpus
from stancewire.data.readers import READERS

ROOT = Path(__file__).parents[2]
MIRROR = ROOT.parent / "shared" / "datasets"
ROW = re.compile(r"^\| ([a-z0-9-]+) \| " + r"(\d+) \| " * 6 + r"(\S+) \| (.*) \|$", re.MULTILINE)
ROWS = {row[0]: row for row in ROW.findall((ROOT / "data" / "README.md").read_text())}

needs_mirror = pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of public data sets here")


def test_every_public_set_has_a_row():
    assert set(ROWS) == set(READERS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_licences_are_those_declared(name: str):
    (source,) = corpus.declarations(name)
    assert ROWS[name][7:] == (source.terms, source.licence)


@needs_mirror
@pytest.mark.parametrize("name", sorted(ROWS))
def test_counts_are_those_of_the_adapter(name: str):
    records = corpus.read(name, mirror=MIRROR)
    splits = Counter(r.split for r in records)
    stances = Counter(r.stance.value for r in records)
    found = [splits[s] for s in ("train", "dev", "test")]
    found += [stances[s] for s in ("favor", "against", "neutral")]
    assert [int(n) for n in ROWS[name][1:7]] == found
    assert len({r.id for r in records}) == len(records)
