"""The release that this checkout keeps, where it keeps one: whole, small and labelled."""

from pathlib import Path

import pytest

from stancewire.bundle import Bundle
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor
from stancewire.sums import SUMS, check_sums, read_sums
from stancewire.training.artifacts import CARD
from stancewire.training.licences import NOTICE
from stancewire.training.release import MAX_BYTES

FOLDER = Path(__file__).parents[2] / "serving" / "release"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="this checkout keeps no release")


def test_every_file_is_listed_hashed_and_few_bytes():
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {*read_sums(FOLDER), SUMS}
    assert {CARD, NOTICE} < files
    check_sums(FOLDER)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MAX_BYTES


def test_it_answers_and_its_card_is_its_own():
    bundle = Bundle.open(FOLDER)
    bundle.verify()
    assert bundle.manifest.precision == "int8"
    assert bundle.sha256 in (FOLDER / CARD).read_text(encoding="utf-8")
    (stance,) = Predictor.load(bundle).predict([StancePair("We welcome the deal.", "the deal")])
    assert sum(stance.probabilities.values()) == pytest.approx(1)
