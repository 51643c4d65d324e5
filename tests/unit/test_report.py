"""Tables and card of a run: the numbers shown are the numbers measured."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.calibration import Calibration
from stancewire.data.corpus import Corpus
from stancewire.data.mixture import Manifest
from stancewire.labels import ORDER
from stancewire.predictor import Predictor
from stancewire.records import Record
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.report import run
from stancewire.training.card import card, in_short
from stancewire.training.evaluate import Evaluation
from stancewire.training.recipe import Recipe
from stancewire.training.report import COLUMNS, refusal_tables, row, tables

NAMES = ("packed", "majority", "text-only", "target-only")
PARITY = {"parity_logit_difference": 2e-6, "parity_flips": 0.004, "parity_f1_drop": -0.001}


def items(split, n=12):
    return tuple(
        Record(
            id=f"{split}-{i}", text=f"statement {i // 2} of {split}", target=f"target {i % 2}",
            stance=ORDER[i % 3], source="test", licence="CC0-1.0", split=split, annotators=("a",),
        )
        for i in range(n)
    )  # fmt: skip


def evaluation(name, records, wrong):
    answers = [(i + (i < wrong)) % 3 for i in range(len(records))]
    abstained = tuple(i < 3 for i in range(len(records)))
    return Evaluation(name, records, 0.7 * np.eye(3)[answers] + 0.1, abstained)


@pytest.fixture
def result(tmp_path):
    return made(tmp_path / "result")


def made(tmp_path, sources=()):
    corpus = Corpus("press", items("train"), items("dev"), items("test"))
    files = {
        CALIBRATION: Calibration(temperature=1.5, abstain_below=0.4).model_dump_json().encode(),
        TFIDF: b"{}",
    }
    how = {"git": "abc123", "encoder": "tiny"}
    return SimpleNamespace(
        recipe=Recipe(name="press-packed", family="packed", seed=7),
        corpus=corpus,
        manifest=Manifest(
            {
                "sources": [
                    {
                        "source": "press",
                        "terms": "open",
                        "licence": "Apache-2.0",
                        "splits": {"train": {"pairs": 12}},
                    },
                    *sources,
                ],
            }
        ),
        bundle=write_bundle(tmp_path / "bundle", files, {"family": "tfidf", "made": how}),
        evaluations={
            split: [evaluation(n, getattr(corpus, split), 2 * i) for i, n in enumerate(NAMES)]
            for split in ("dev", "test")
        },
        parity=PARITY,
        behaviour=None,
        held_out=(),
        seconds=90.0,
        cpu_seconds=120.0,
    )


def text(table):
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(table)
    return console.export_text()


def test_each_split_shows_the_model_beside_its_baselines(result):
    dev, test, _ = (text(t) for t in tables(result))

    assert "dev: 12 pairs, 6 statements" in dev
    assert "test: 12 pairs, 6 statements" in test
    for page in (dev, test):
        positions = [page.index(name) for name in NAMES]
        assert positions == sorted(positions)


def test_a_row_shows_the_figures_of_its_model(result):
    model = result.evaluations["test"][1]

    cells = dict(zip(COLUMNS, row(model), strict=True))

    assert cells["model"] == "majority"
    assert cells["macro-F1"] == f"{100 * model.figures['macro_f1']:.1f}" != "100.0"
    low, high = model.interval()
    assert cells["95 %"] == f"{100 * low:.1f}–{100 * high:.1f}"
    assert cells["F1 against"] == f"{100 * model.figures['f1_against']:.1f}"
    assert cells["NLL"] == f"{model.figures['nll']:.3f}"
    assert cells["ECE"] == f"{model.figures['ece']:.3f}"
    assert cells["coverage"] == "75%"


def test_parity_is_shown_beside_what_is_allowed(result):
    page = text(tables(result)[-1])

    assert "2.0e-06" in page and "< 1e-03" in page
    assert "0.40%" in page and "≤ 1.00%" in page
    assert "-0.10" in page and "≤ 0.50" in page


def test_parity_without_int8_shows_the_graph_alone(result):
    result.parity = {"parity_logit_difference": 2e-6}

    page = text(tables(result)[-1])

    assert "2.0e-06" in page and "int8" not in page


def test_a_family_without_a_network_has_no_parity(result):
    result.parity = {}

    assert len(tables(result)) == 2


def test_the_card_says_what_was_measured_on_what(result):
    page = card(result)

    assert page.startswith("# press-packed, seed 7\n")
    assert result.bundle.sha256 in page and "abc123" in page and "Encoder: tiny" in page
    for digest in result.corpus.hashes().values():
        assert digest in page
    assert "| train | 12 | 6 | 2 |" in page
    assert (
        f"| packed | 1.000–1.000 | {result.evaluations['test'][0].figures['macro_f1']:.3f}" in page
    )
    assert "Temperature 1.500" in page and "answers 75% of the pairs" in page
    assert all(name in page for name in NAMES)


def test_the_card_names_restricted_data_and_only_then(result, tmp_path):
    closed = {"source": "debates", "terms": "not-stated", "licence": "none stated",
              "splits": {"train": {"pairs": 7}}}  # fmt: skip
    page = card(made(tmp_path / "mixed", [closed]))
    assert "| debates | not-stated | none stated | 7 |" in page
    assert "Restricted data" in page
    assert "debates (none stated)" in page
    assert "Restricted data" not in card(result)


def test_the_card_tells_of_speakers_and_where_it_leans(result):
    records = tuple(
        Record(
            id=f"t{i}", text=f"statement {i // 3}", target=f"target {i % 3}", stance=ORDER[i % 3],
            source="test", licence="CC0-1.0", split="test", annotators=("a",),
            tags=("country:Peru", "kind:court"),
        )
        for i in range(60)
    )  # fmt: skip
    always_favor = 0.7 * np.eye(3)[[0] * 60] + 0.1
    result.evaluations["test"][0] = Evaluation("packed", records, always_favor, (False,) * 60)

    page = card(result)

    assert "| country: Peru | 60 | 33.3 % (33.3–33.3) | **+67 (+67 to +67)** |" in page
    assert "| speaker: authority | 60 |" in page
    assert "Name swaps were not tested" in page
    assert "| kind: court | 60 | 33.3 % (33.3–33.3) |\n" in page  # among the slices


def test_the_card_tells_what_the_behaviour_tests_found(result, tfidf_bundle):
    assert "**Not tested**" in card(result)
    result.behaviour = run(Predictor.load(tfidf_bundle), expand(per_capability=3), name="b")
    tally = next(t for t in result.behaviour.tallies if t.capability == "target-swap")

    page = card(result)

    assert f"| target-swap | swap | 3 | {tally.failures} | {tally.rate:.1%} |" in page
    assert "| speaker-name | 3 |" in page
    assert f"It fails {result.behaviour.mean_rate:.0%} of them" in page


def test_the_card_tells_cost_and_what_was_assumed(result):
    page = card(result)

    assert "1.5 minutes on" in page and "2.0 minutes of processor time" in page
    # 120 s of one core at 10 W are a third of a watt hour, and that is 0.16 g at 480 g per kWh.
    assert "0.33 Wh and 0.16 g of CO2-equivalent, assuming 10 W" in page


def test_the_card_says_whether_training_saw_what_is_judged(result):
    one = {"corpus": "press", "split": "golden", "sha256": "0", "leaked": {}}
    result.held_out = (one,)
    assert "No training record shares a topic" in card(result)
    result.held_out = ({**one, "leaked": {"topic is in golden": 2}},)
    assert "give away the golden split of `press`**: topic is in golden: 2." in card(result)


def test_the_card_says_in_short_how_good_it_is(result):
    figures = result.evaluations["test"][0].figures

    assert f"macro-F1 is {100 * figures['macro_f1']:.1f} (95 %:" in in_short(result)
    assert in_short(result) in card(result)


def test_the_card_shows_errors_by_coverage(result):
    page = card(result)

    assert "| answered | 100% | 90% |" in page
    assert "gives no label sets" in page
    model = result.evaluations["test"][0]
    sets = {0.1: model.probabilities > 0.05}
    result.evaluations["test"][0] = Evaluation(
        "packed", model.records, model.probabilities, model.abstained, sets
    )
    assert "| 90% | 100.0 % (100.0–100.0) | 3.00 | 0% |" in card(result)


def test_the_card_shows_no_text_of_a_record(result):
    assert "statement 0 of" not in card(result)


def test_refusal_is_shown_as_errors_by_coverage_and_as_label_sets():
    # Right where sure: nine pairs at .9, three wrong ones at .5.
    records = items("test")
    gold = [ORDER.index(r.stance) for r in records]
    answers = [g if i < 9 else (g + 1) % 3 for i, g in enumerate(gold)]
    sure = np.array([0.85] * 9 + [0.25] * 3)
    rows = sure[:, None] * np.eye(3)[answers] + ((1 - sure) / 3)[:, None]
    sets = rows > 0.1
    model = Evaluation("packed", records, rows, (False,) * 12, {0.1: sets})

    risks, label_sets = (text(t) for t in refusal_tables(model))

    assert "25.0%" in risks and "0.0%" in risks
    assert "≥ 90%" in label_sets and "100.0%" in label_sets and "1.50" in label_sets
    assert model.figures["set90_coverage"] == 1.0
    assert model.figures["set90_size"] == pytest.approx(1.5)
    assert model.figures["set90_single"] == 0.75
    assert len(refusal_tables(Evaluation("old", records, rows, (False,) * 12))) == 1
