"""Whole benchmarks on a few records: rows, subsets, refusals, ablations, and the tables of them."""

import json

import pytest

from stancewire.bundle import CALIBRATION, TFIDF, write_bundle
from stancewire.data.corpus import Corpus
from stancewire.errors import BundleError
from stancewire.predictor import Predictor
from stancewire.training.benchmarks import page
from stancewire.training.benchmarks.measure import Entry, Settings, limited, measure
from stancewire.training.benchmarks.provenance import Seen, Sources, seen_by
from stancewire.training.benchmarks.sets import Family, Task

NOTHING = Seen(frozenset(), frozenset(), frozenset())
FAMILY = Family(
    "Set", "press", "A note.",
    (
        Task("all", "macro_f1"),
        Task("few", "accuracy", only_tag="few"),
        Task("none", "accuracy", only_tag="x"),
    ),
)  # fmt: skip
SIDES = Family("Sides", "ibm-claims", "A note.", (Task("all", "accuracy"),), two_label=True)


@pytest.fixture
def bundle(tmp_path, tfidf_bundle):
    """`bundle(seed)`: the model of `conftest.TABLE`: welcome is favor, reject is against."""

    def make(seed, **files):
        content = {name: tfidf_bundle.bytes(name) for name in (TFIDF, CALIBRATION)}
        made = {"seed": seed, "recipe": "small"}
        return write_bundle(
            tmp_path / f"s{seed}", content | files, {"family": "tfidf", "made": made}
        )

    return make


@pytest.fixture
def corpus(make_record):
    """Six train records, and two texts with four pairs as test."""

    def record(split, number, text, target, stance, tags=()):
        fields = {"text": text, "target": target, "stance": stance, "tags": tags}
        return make_record(id=f"{split}-{number}", split=split, source="set", **fields)

    train = [
        record("train", i, f"We {verb} plan {i} today.", f"plan {i % 2}", stance)
        for i, (verb, stance) in enumerate(
            [("welcome", "favor"), ("reject", "against"), ("mention", "neutral")] * 2
        )
    ]
    test = [
        record("test", 0, "We welcome the road.", "the road", "favor", ["few", "irony"]),
        record("test", 1, "We welcome the road.", "the bridge", "against", ["irony"]),
        record("test", 2, "We reject the levy.", "the levy", "against", ["few"]),
        record("test", 3, "We reject the levy.", "the port", "favor", ["field:ports"]),
    ]
    return Corpus("set", tuple(train), (), tuple(test))


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path / "cache")


def row(result, name):
    (found,) = [one for one in result.rows if one.name == name]
    return found


def test_every_figure_has_its_n_its_baselines_and_every_seed(corpus, bundle, settings):
    entry = Entry("small", (bundle(7), bundle(13)), NOTHING)

    result = measure(FAMILY, corpus, [entry], settings)

    assert [one.name for one in result.rows] == ["small", "majority", "text-only", "target-only"]
    assert dict(result.sizes) == {"all": (4, 2), "few": (2, 2)}  # nothing has the tag x
    ours = row(result, "small")
    assert ours.seeds == (7, 13)
    assert ours.scores["all", "three-way"].values == pytest.approx((1 / 3, 1 / 3))
    assert ours.scores["few", "three-way"].values == (1.0, 1.0)
    assert row(result, "majority").scores["all", "three-way"].values == pytest.approx((2 / 9,))
    assert ours.standing is not None and ours.standing.word == "zero-shot transfer"


def test_sets_of_two_labels_are_scored_with_and_without_the_neutral(corpus, bundle, settings):
    two = Corpus("set", corpus.train[:2] + corpus.train[3:5], (), corpus.test)

    result = measure(SIDES, two, [Entry("small", (bundle(7),), NOTHING)], settings)

    for one in result.rows:  # a train split without neutral has baselines, too
        assert {view for _, view in one.scores} == {"neutral masked", "three-way"}
    text = page.page([result], limit=None)
    assert "| **small**, neutral masked | zero-shot transfer | 7 |" in text
    assert "a neutral answer is an error" in text


def test_behaviours_are_tables_of_their_own(corpus, bundle, settings):
    family = Family("Set", "press", "A note.", FAMILY.tasks, by_tag=True)

    result = measure(family, corpus, [Entry("small", (bundle(7),), NOTHING)], settings)

    assert result.tags == ("few", "irony")
    text = page.page([result], limit=None)
    assert "| tag | n | texts | small | majority | text-only | target-only |" in text
    assert "| irony | 2 | 1 | 50.0 (50.0–50.0) |" in text


def test_a_model_that_saw_test_pairs_gets_no_figure(corpus, bundle, settings, make_run):
    stolen = corpus.test[0].model_copy(update={"id": "mine", "split": "train", "source": "mine"})
    thief = make_run("thief", [stolen])
    seen = seen_by(thief, Sources(None, settings.cache))
    entries = [Entry("thief", (thief,), seen), Entry("small", (bundle(7),), NOTHING)]

    result = measure(FAMILY, corpus, entries, settings)

    assert row(result, "thief").refused == "trained or chosen on 1 of its test pairs"
    assert not row(result, "thief").scores and row(result, "small").scores
    assert "| **thief** | REFUSED: trained or chosen on 1 of its test pairs | 13 | – | – |" in (
        page.page([result], limit=None)
    )


def test_a_limit_is_told_loudly(corpus, bundle, tmp_path):
    settings = Settings(cache=tmp_path, limit=2)

    result = measure(FAMILY, corpus, [Entry("small", (bundle(7),), NOTHING)], settings)

    assert (result.pairs, result.texts) == (2, 1)
    text = page.page([result], limit=2)
    assert text.startswith("**LIMITED TO ABOUT 2 PAIRS")
    assert "### Set (LIMITED)" in text


def test_what_is_left_of_a_limit_are_whole_texts(corpus):
    assert limited(corpus.test, None) == limited(corpus.test, 4) == list(corpus.test)
    kept = limited(corpus.test, 3)
    assert len(kept) == 2 and len({record.text for record in kept}) == 1
    assert limited(corpus.test, 3) == kept
    assert len(limited(corpus.test, 1)) == 2  # a text is never cut, and one is always there


def test_ablations_hide_one_side(corpus, bundle, tmp_path):
    settings = Settings(cache=tmp_path / "cache", ablations=True)

    result = measure(FAMILY, corpus, [Entry("small", (bundle(7),), NOTHING)], settings)

    names = [one.name for one in result.rows if one.kind == "ablation"]
    assert names == ["small, target hidden", "small, text hidden"]  # it has one graph only
    # The small model reads the text alone: without it, it says neutral.
    assert row(result, names[0]).scores == {
        ("all", "three-way"): row(result, "small").scores["all", "three-way"]
    }
    assert row(result, names[1]).scores["all", "three-way"].values == (0.0,)
    text = page.page([result], limit=None)
    assert "### Ablations" in text and "| small, text hidden | 0.0 (0.0–0.0) |" in text
    assert text.count("small, text hidden") == 1


def test_the_other_graph_is_asked_if_there_is_one(corpus, bundle, tmp_path, monkeypatch):
    asked = []
    load = Predictor.load

    def loading(one, *, precision, threads):
        asked.append(precision)
        return load(one, threads=threads)

    monkeypatch.setattr(Predictor, "load", loading)
    both = bundle(7, **{"model.onnx": b"a", "model.int8.onnx": b"b"})
    settings = Settings(cache=tmp_path / "cache", ablations=True)

    result = measure(FAMILY, corpus, [Entry("small", (both,), NOTHING)], settings)

    assert [one.name for one in result.rows][3] == "small, int8 instead of fp32"
    assert asked == ["fp32", "int8"]


def test_a_second_run_reads_what_the_first_one_kept(corpus, bundle, settings):
    small = bundle(7)
    first = measure(FAMILY, corpus, [Entry("small", (small,), NOTHING)], settings)
    (small.folder / TFIDF).unlink()

    again = measure(FAMILY, corpus, [Entry("small", (small,), NOTHING)], settings)

    assert page.plain(again) == page.plain(first)
    with pytest.raises(BundleError):
        other = Settings(cache=settings.cache / "elsewhere")
        measure(FAMILY, corpus, [Entry("small", (small,), NOTHING)], other)


def test_plain_data_holds_what_the_tables_show(corpus, bundle, settings):
    result = measure(FAMILY, corpus, [Entry("small", (bundle(7), bundle(13)), None)], settings)

    found = json.loads(json.dumps(page.plain(result)))

    small = found["rows"][0]
    assert small["seeds"] == [7, 13] and small["standing"] is None
    (few,) = [one for one in small["figures"] if one["task"] == "few"]
    assert few["metric"] == "accuracy" and few["by_seed"] == [1.0, 1.0] and few["sd"] == 0.0
    assert found["sizes"]["few"] == {"pairs": 2, "texts": 2}
    assert len(found["hashes"]["test"]) == 64
    assert "| **small** | not known | 7, 13 |" in page.page([result], limit=None)


def test_published_figures_stand_under_ours(corpus, bundle, settings):
    family = Family("GWSD", "gwsd", "A note.", FAMILY.tasks)
    vast = Family("VAST", "vast", "A note.", FAMILY.tasks)
    entries = [Entry("small", (bundle(7),), NOTHING)]

    text = page.page([measure(vast, corpus, entries, settings)], limit=None)
    assert "| TATA [its abstract, EMNLP 2023; few-shot and all: MPRF] |" in text
    text = page.page([measure(family, corpus, entries, settings)], limit=None)
    assert "No published figure was at hand" in text
