"""The benchmarks on the real sets: majorities equal the published ones, so data and metric do too.

Expected figures are the sets' own: official majorities where there are any, else counted in the
files by other code. Skipped where no folder of public data sets lies beside the repository.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from stancewire.data import corpus
from stancewire.data.corpus import Corpus
from stancewire.training.benchmarks.measure import Settings, measure
from stancewire.training.benchmarks.sets import FAMILIES

MIRROR = Path(__file__).parents[2].parent / "shared" / "datasets"

pytestmark = pytest.mark.skipif(not MIRROR.is_dir(), reason="no folder of public data sets")

BY_SOURCE = {family.source: family for family in FAMILIES}


@cache
def data(source: str) -> Corpus:
    return corpus.load(source, mirror=MIRROR, needed=("train", "test"))


def figures(tmp_path: Path, source: str, baseline: str = "majority") -> dict[str, float]:
    """Task → figure of a baseline, in percent."""
    result = measure(BY_SOURCE[source], data(source), [], Settings(cache=tmp_path))
    (row,) = [one for one in result.rows if one.name == baseline]
    headline = {(task.key, result.family.views(task)[0]) for task in result.family.tasks}
    return {about[0]: 100 * s.mean for about, s in row.scores.items() if about in headline}


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    """`only("target-only")`: fit no baseline but the majority and this one."""
    module = "stancewire.training.benchmarks.measure.BASELINES"
    kept = {"target-only": ("target",)}
    return lambda *names: monkeypatch.setattr(module, {name: kept[name] for name in names})


def test_vast(tmp_path: Path, only: Callable[..., None]):
    only()

    found = figures(tmp_path, "vast")

    expected = {"zero-shot": 16.8, "few-shot": 17.0, "all": 16.9}
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=0.05)


def test_semeval_by_target_is_the_official_majority(tmp_path: Path, only: Callable[..., None]):
    """The target-only baseline gives each target its majority; on B, all is against."""
    only("target-only")

    assert figures(tmp_path, "semeval2016", "target-only")["A"] == pytest.approx(65.22, abs=0.005)
    assert figures(tmp_path, "semeval2016")["B"] == pytest.approx(29.72, abs=0.005)


def test_gwsd(tmp_path: Path, only: Callable[..., None]):
    only()

    expected = {"macro-F1": 19.9, "accuracy": 42.5}
    assert figures(tmp_path, "gwsd") == pytest.approx(expected, abs=0.05)


def test_newsmtsc(tmp_path: Path, only: Callable[..., None]):
    only()

    found = figures(tmp_path, "newsmtsc-official")

    assert (found["rw"], found["mt"]) == pytest.approx((18.2, 16.4), abs=0.05)


def test_dse(tmp_path: Path, only: Callable[..., None]):
    """1,052 neutral rows of the 1,615 that can be asked; 892 of 1,215 are clean."""
    only()

    found = figures(tmp_path, "dse-official")

    assert found["official, micro"] == pytest.approx(100 * 1052 / 1615)
    assert found["clean, micro"] == pytest.approx(100 * 892 / 1215)
    f1 = 2 * 1052 / (1052 + 1615)
    assert found["official, macro"] == pytest.approx(100 * f1 / 5)
    assert found["official, three-way"] == pytest.approx(100 * f1 / 3)


def test_the_two_label_sets(tmp_path: Path, only: Callable[..., None]):
    """Both sides of IBM's motions: 700 pro of 1,355; the answers of a two-label train split."""
    only("target-only")
    result = measure(BY_SOURCE["ibm-claims"], data("ibm-claims"), [], Settings(cache=tmp_path))
    majority = result.rows[0].scores
    assert majority["accuracy", "neutral masked"].mean == pytest.approx(700 / 1355)
    for row in result.rows:  # what never saw a neutral never says it
        masked, plain = (row.scores["accuracy", v].mean for v in ("neutral masked", "three-way"))
        assert masked == plain


def test_every_task_has_records():
    for family in FAMILIES:
        if family.source in ("vast", "pstance"):
            continue  # minutes of reading; the other tests read vast
        records = data(family.source).test
        for task in family.tasks:
            assert any(task.has(record) for record in records), (family.name, task.key)
