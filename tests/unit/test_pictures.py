"""The pictures are PNGs of the numbers given, and drawing them changes nothing global."""

import subprocess
import sys

import numpy as np
import pytest

from stancewire.labels import ORDER
from stancewire.records import Record
from stancewire.training.evaluate import Evaluation
from stancewire.training.pictures import (
    confusion_matrix,
    reliability_diagram,
    risk_coverage_curve,
)

PICTURES = [confusion_matrix, reliability_diagram, risk_coverage_curve]


def evaluation(answers):
    items = tuple(
        Record(
            id=f"r{i}", text=f"statement {i}", target="a target", stance=ORDER[i % 3],
            source="test", licence="CC0-1.0", split="test", annotators=("a",),
        )
        for i in range(len(answers))
    )  # fmt: skip
    return Evaluation("m", items, 0.7 * np.eye(3)[list(answers)] + 0.1, (False,) * len(answers))


@pytest.mark.parametrize("draw", PICTURES)
@pytest.mark.parametrize("answers", [[0, 1, 2, 0, 0, 0], [2], [1, 1, 1]])
def test_a_picture_is_a_png_of_a_readable_size(draw, answers):
    png = draw(evaluation(answers), "recipe, test")

    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(png[16:20]) >= 400 and int.from_bytes(png[20:24]) >= 350


@pytest.mark.parametrize("draw", PICTURES)
def test_other_answers_give_another_picture_and_the_same_give_the_same(draw):
    one, other = evaluation([0, 1, 2, 0, 1, 2]), evaluation([0, 1, 2, 1, 2, 0])

    assert draw(one, "t") == draw(one, "t") != draw(other, "t")


def test_pyplot_is_never_loaded():
    code = (
        "import sys; import stancewire.training.pictures; "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
