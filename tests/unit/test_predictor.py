import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.bundle import CALIBRATION, MANIFEST, TFIDF, Bundle, write_bundle
from stancewire.calibration import Calibration
from stancewire.errors import BundleError, ConfigError
from stancewire.labels import Label
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor, Stance

WORDS = st.sampled_from(["we", "welcome", "reject", "treaty", "the", "levy", "“no”"])
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
PAIRS = st.lists(st.builds(StancePair, text=TEXTS, target=TEXTS), min_size=1, max_size=8)

WELCOME = StancePair("We welcome the treaty.", "the treaty")
REJECT = StancePair("“We reject” the treaty.", "the treaty")
NOTHING = StancePair("It rains.", "the levy")


@pytest.fixture
def predictor(tfidf_bundle: Bundle) -> Predictor:
    return Predictor.load(tfidf_bundle)


@pytest.fixture(scope="module")
def one_predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """For properties: they ask one predictor many times."""
    table = {
        "text": {
            "terms": ["welcome", "reject"],
            "idf": [1, 2],
            "weights": [[2, -1, 0], [-3, 2, 0]],
        },
        "target": {"terms": ["treaty"], "idf": [1], "weights": [[0, 0, 0.5]]},
        "bias": [0, 0, 0.25],
    }
    files = {TFIDF: json.dumps(table).encode(), CALIBRATION: b'{"abstain_below": 0.6}'}
    folder = tmp_path_factory.mktemp("bundle")
    return Predictor.load(write_bundle(folder, files, {"family": "tfidf"}))


def test_the_answers_follow_the_reckoning(predictor: Predictor):
    # welcome: [2, -1, 0]; treaty as target: [0, 0, .5]; bias: [0, 0, .25]; temperature 1.5
    powers = [math.exp(x / 1.5) for x in (2.0, -1.0, 0.75)]
    favor, against, neutral = (p / sum(powers) for p in powers)
    (stance,) = predictor.predict([WELCOME])
    assert stance.label is Label.FAVOR
    assert stance.probabilities == pytest.approx(
        {Label.FAVOR: favor, Label.AGAINST: against, Label.NEUTRAL: neutral}
    )
    assert stance.score == pytest.approx(favor - against)
    assert stance.confidence == pytest.approx(favor)
    assert not stance.abstained
    assert not stance.truncated


def test_the_order_of_the_pairs_is_kept(predictor: Predictor):
    labels = [s.label for s in predictor.predict([REJECT, NOTHING, WELCOME, REJECT])]
    assert labels == [Label.AGAINST, Label.NEUTRAL, Label.FAVOR, Label.AGAINST]


def test_nothing_asked_nothing_answered(predictor: Predictor):
    assert predictor.predict([]) == []


@given(pairs=PAIRS)
def test_every_answer_is_well_formed(one_predictor: Predictor, pairs: list[StancePair]):
    for stance in one_predictor.predict(pairs):
        values = stance.probabilities
        assert list(values) == [Label.FAVOR, Label.AGAINST, Label.NEUTRAL]
        assert sum(values.values()) == pytest.approx(1.0, abs=1e-9)
        assert stance.confidence == max(values.values()) == values[stance.label]
        assert -1 <= stance.score <= 1
        assert stance.score == pytest.approx(values[Label.FAVOR] - values[Label.AGAINST])
        assert stance.abstained == (stance.confidence < 0.6)


@given(pairs=PAIRS, data=st.data())
def test_a_batch_equals_its_singles_in_any_order(
    one_predictor: Predictor, pairs: list[StancePair], data: st.DataObject
):
    order = data.draw(st.permutations(range(len(pairs))))
    batch = one_predictor.predict([pairs[i] for i in order])
    singles = [one_predictor.predict([pairs[i]])[0] for i in order]
    assert batch == singles


def test_speaker_and_id_do_not_move_a_stance(predictor: Predictor):
    named = StancePair(WELCOME.text, WELCOME.target, speaker="A. B.", id="7")
    assert predictor.predict([named]) == predictor.predict([WELCOME])


def confidence_of(bundle: Bundle) -> float:
    return Predictor.load(bundle).predict([WELCOME])[0].confidence


@pytest.mark.parametrize(("above", "abstained"), [(-1e-6, False), (0.0, False), (1e-6, True)])
def test_under_the_threshold_it_abstains(tfidf_bundle: Bundle, above: float, abstained: bool):
    threshold = confidence_of(tfidf_bundle) + above
    calibration = Calibration(temperature=1.5, abstain_below=threshold)
    files = {
        TFIDF: tfidf_bundle.bytes(TFIDF),
        CALIBRATION: calibration.model_dump_json().encode(),
    }
    bundle = write_bundle(tfidf_bundle.folder.parent / "other", files, {"family": "tfidf"})
    (stance,) = Predictor.load(bundle).predict([WELCOME])
    assert stance.abstained is abstained
    assert stance.label is Label.FAVOR  # the guess is still told


def test_logits_are_before_calibration(predictor: Predictor):
    logits, truncated = predictor.logits([WELCOME])
    np.testing.assert_allclose(logits, [[2.0, -1.0, 0.75]], rtol=1e-6)
    assert truncated.tolist() == [False]


def test_threads_get_their_own_answers(predictor: Predictor):
    batches = [[WELCOME], [REJECT, NOTHING], [NOTHING, WELCOME, REJECT]] * 20
    alone: list[list[Stance]] = [predictor.predict(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(predictor.predict, batches))
    assert together == alone


def test_it_loads_from_a_path(tfidf_bundle: Bundle):
    for folder in (tfidf_bundle.folder, str(tfidf_bundle.folder)):
        assert Predictor.load(folder).predict([WELCOME])[0].label is Label.FAVOR


@pytest.mark.parametrize("name", [TFIDF, CALIBRATION, MANIFEST])
def test_a_harmed_bundle_does_not_load(tfidf_bundle: Bundle, name: str):
    (tfidf_bundle.folder / name).write_bytes(b"{}")
    with pytest.raises(BundleError, match=name):
        Predictor.load(tfidf_bundle.folder)


def test_a_network_needs_an_encoding(tfidf_bundle: Bundle):
    files = {CALIBRATION: tfidf_bundle.bytes(CALIBRATION), "model.onnx": b""}
    bundle = write_bundle(tfidf_bundle.folder.parent / "other", files, {"family": "packed"})
    with pytest.raises(BundleError, match="no encoding"):
        Predictor.load(bundle)


def test_a_broken_table_is_not_a_sure_answer(tfidf_bundle: Bundle):
    table = tfidf_bundle.json(TFIDF) | {"bias": [math.nan, 0, 0]}
    files = {
        CALIBRATION: tfidf_bundle.bytes(CALIBRATION),
        TFIDF: json.dumps(table).encode(),
    }
    bundle = write_bundle(tfidf_bundle.folder.parent / "other", files, {"family": "tfidf"})
    with pytest.raises(BundleError, match="not a number"):
        Predictor.load(bundle).predict([WELCOME])


def calibrated(bundle: Bundle, **fields: object) -> Predictor:
    calibration = Calibration(temperature=1.5, abstain_below=0.5, **fields)
    files = {
        TFIDF: bundle.bytes(TFIDF),
        CALIBRATION: calibration.model_dump_json().encode(),
    }
    other = write_bundle(bundle.folder.parent / "calibrated", files, {"family": "tfidf"})
    return Predictor.load(other)


SCORES = {"nonconformity": tuple(i / 20 for i in range(20))}


def test_label_sets_are_those_of_the_calibration(tfidf_bundle: Bundle):
    predictor = calibrated(tfidf_bundle, **SCORES)
    pairs = [WELCOME, REJECT, NOTHING]
    plain = predictor.predict(pairs)
    assert [s.label_set for s in plain] == [None] * 3
    for alpha in (0.05, 0.3, 0.6):
        limit = predictor.calibration.quantile(alpha)
        found = predictor.predict(pairs, alpha=alpha)
        assert found == predictor.with_label_sets(plain, alpha)
        for stance, before in zip(found, plain, strict=True):
            likely = {k for k, p in stance.probabilities.items() if 1 - p <= limit}
            assert set(stance.label_set or ()) == likely | {stance.label}
            assert stance.probabilities == before.probabilities


def test_an_alpha_that_cannot_be_served_is_refused_before_any_work(tfidf_bundle: Bundle):
    unset, calibrated_ = Predictor.load(tfidf_bundle), calibrated(tfidf_bundle, **SCORES)
    for predictor, alpha in ((unset, 0.1), (calibrated_, 0.0), (calibrated_, 1.0)):
        with pytest.raises(ConfigError, match="label set"):
            predictor.predict([], alpha=alpha)
        with pytest.raises(ConfigError, match="label set"):
            predictor.with_label_sets([], alpha)


def test_a_domain_moves_probabilities_and_no_label_or_set(tfidf_bundle: Bundle):
    predictor = calibrated(tfidf_bundle, domain_temperatures={"briefings": 6.0}, **SCORES)
    pairs = [WELCOME, REJECT, NOTHING]
    shared, own, unknown = (
        predictor.predict(pairs, alpha=0.5, domain=d) for d in (None, "briefings", "blogs")
    )
    assert unknown == shared
    assert [s.label for s in own] == [s.label for s in shared]
    assert [s.label_set for s in own] == [s.label_set for s in shared]
    assert all(a.confidence < b.confidence for a, b in zip(own, shared, strict=True))
