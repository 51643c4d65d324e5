"""A candidate that passes every check, to be spoilt one check at a time."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from stancewire.calibration import Calibration
from stancewire.data.mixture import Manifest
from stancewire.labels import INDEX, ORDER, Label
from stancewire.pairs import StancePair
from stancewire.records import Record
from stancewire.training.behaviour.cases import Case, Kind
from stancewire.training.behaviour.marks import Marks
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate.evidence import Cost, Evidence, Parity, Provenance

N = 120
GOLD = [ORDER[i % 3] for i in range(N)]
SHA = "5" * 64


def records(gold=GOLD, statement=lambda i: i):
    return tuple(
        Record(
            id=f"r{i}", text=f"statement number {statement(i)}", target=f"target {i}", stance=label,
            source="test", licence="CC0-1.0", split="test", annotators=("a",),
            tags=("country:Peru" if i < 30 else "country:Chad", "kind:court"),
        )
        for i, label in enumerate(gold)
    )  # fmt: skip


def evaluation(name, wrong=(), *, items=None, always=None, sure=0.87):
    """Answers that are right except for the item numbers in `wrong`, or `always` one label."""
    items = items or records()
    right = [INDEX[r.stance] for r in items]
    answers = [(c + 1) % 3 if i in set(wrong) else c for i, c in enumerate(right)]
    if always is not None:
        answers = [INDEX[always]] * len(items)
    rest = (1 - sure) / 2
    return Evaluation(name, items, (sure - rest) * np.eye(3)[answers] + rest, (False,) * len(items))


def marks(name, failing=()):
    """Marks of two capabilities with 20 cases each; `failing` fail whole."""
    cases = tuple(
        Case(capability, Kind.MINIMUM, f"template {i}", (StancePair(f"text {i}", "x"),),
             labels=(Label.FAVOR,))
        for capability in ("negation", "numbers-only")
        for i in range(20)
    )  # fmt: skip
    return Marks(name, cases, np.array([case.capability in failing for case in cases]))


def manifest(**changes):
    part = {
        "source": "press", "terms": "open", "licence": "Apache-2.0",
        "splits": {"train": {"pairs": 12}},
    }  # fmt: skip
    return Manifest(
        {
            "splits": {"train": {"sha256": "a"}, "dev": {"sha256": "b"}, "test": {"sha256": "c"}},
            "sources": [part | changes],
        }
    )


def provenance(told=None, **changes):
    told = told or manifest()
    fields = {
        "frozen": (),
        "judged_sha256": SHA,
        "manifest": told,
        "digest": told.digest,
        "made": {
            "recipe": "r", "settings": "s", "seed": 0, "git": "g",
            "data": {"train": "a", "dev": "b", "test": "c"},
        },
        "held_out": [
            {"corpus": "press", "split": "golden", "sha256": SHA, "leaked": {}},
            {"corpus": "other", "split": "test", "sha256": "0" * 64, "leaked": {"topic": 9}},
        ],
    }  # fmt: skip
    return Provenance(**(fields | changes))


@pytest.fixture(scope="session")
def make():
    """The makers of evidence above, by name."""
    makers = (records, evaluation, marks, manifest, provenance)
    return SimpleNamespace(**{maker.__name__: maker for maker in makers}, gold=GOLD, sha=SHA)


@pytest.fixture(scope="session")
def sound():
    """Evidence that passes every check of the default config."""
    return Evidence(
        candidate=evaluation("version 2", range(20)),
        baselines={
            "majority": evaluation("majority", always=Label.NEUTRAL),
            "tfidf": evaluation("tfidf", range(60)),
            "frozen": evaluation("frozen", range(50)),
        },
        champion=evaluation("version 1", range(40)),
        provenance=provenance(),
        calibration=Calibration(temperature=1.2, fitted_on={"n": 100}),
        behaviour=marks("two"),
        champion_behaviour=marks("one"),
        parity=Parity(flips=0.0, f1_drop=0.0),
        cost=Cost(40.0, 300.0, "the champion", False, 1.0, 1.0),
    )


@pytest.fixture(scope="session")
def but(sound):
    """`but(parity=...)`: the sound evidence with something changed."""
    return lambda **changes: replace(sound, **changes)
