"""The whole gate, with evidence built to fail each check, and that one alone."""

import json
from dataclasses import replace

import pytest

from stancewire.calibration import Calibration
from stancewire.errors import DataError, Problem
from stancewire.labels import Label
from stancewire.training.gate.config import GateConfig
from stancewire.training.gate.evidence import Absent, Cost, Parity
from stancewire.training.gate.judge import judge
from stancewire.training.gate.page import page

CONFIG = GateConfig(rounds=300)  # bounds of a test need not be exact
NAMES = [
    "frozen split", "leakage", "manifest", "licence", "majority", "tfidf", "frozen", "worst slice",
    "temperature", "ece", "behaviour", "int8 labels", "int8 macro-F1", "latency", "memory",
    "latency against its peer", "memory against its peer", "not worse", "better",
]  # fmt: skip
COST = Cost(40.0, 300.0, "the champion", False, 1.0, 1.0)
OWN = Cost(40.0, 300.0, "its own fp32 graph", True, 1.2, 1.0)
LEAKED = {"corpus": "press", "split": "golden", "sha256": "5" * 64, "leaked": {"topic": 3}}


def of_data(told=None, **changes):
    return lambda make, sound: {
        "provenance": make.provenance(told and make.manifest(**told), **changes)
    }


def baseline(name, wrong):
    def changed(make, sound):
        better = make.evaluation(name, range(wrong))
        return {"baselines": {**sound.baselines, name: better}}

    return changed


def without_encoder(make, sound):
    return {"baselines": {**sound.baselines, "frozen": Absent("no encoder")}}


def one_sided(make, sound):
    """All that it gets wrong is about one country, and it is as unsure as that."""
    return {
        "candidate": make.evaluation("version 2", range(30), sure=0.76),
        "champion": make.evaluation("version 1", range(60)),
    }


def of_made(**changes):
    return lambda make, sound: {
        "provenance": make.provenance(made={**sound.provenance.made, **changes})
    }


def constant(**changes):
    return lambda make, sound: changes


SPOILT = {
    "a split that was changed": (
        "frozen split", of_data(frozen=(Problem("frozen.json", "golden", "has changed"),)),
    ),
    "a topic trained on": ("leakage", of_data(held_out=[LEAKED])),
    "never compared with this split": ("leakage", of_data(held_out=[])),
    "nothing known of its data": ("leakage", of_data(held_out=Absent("no report"))),
    "another manifest": ("manifest", of_data(digest="0" * 64)),
    "no manifest": ("manifest", of_data(manifest=Absent("gone"))),
    "records of another bundle": ("manifest", of_made(data={"train": "other"})),
    "a bundle of unknown code": ("manifest", of_made(git="")),
    "a source without a licence": ("manifest", of_data({"licence": ""})),
    "closed data": ("licence", of_data({"terms": "non-commercial, share-alike"})),
    "less than majority": ("majority", baseline("majority", 10)),
    "equal to counting words": ("tfidf", baseline("tfidf", 20)),
    "less than the frozen encoder": ("frozen", baseline("frozen", 19)),
    "a baseline that cannot be had": ("frozen", without_encoder),
    "wrong about one country": ("worst slice", one_sided),
    "never calibrated": ("temperature", constant(calibration=Calibration())),
    "too sure": ("ece", lambda make, sound: {
        "candidate": make.evaluation("version 2", range(20), sure=0.99),
    }),
    "worse at negation": ("behaviour", lambda make, sound: {
        "behaviour": make.marks("two", ["negation"]),
    }),
    "no behaviour tests": ("behaviour", constant(behaviour=Absent("no report"))),
    "int8 that changes labels": ("int8 labels", constant(parity=Parity(0.03, 0.0))),
    "int8 that costs macro-F1": ("int8 macro-F1", constant(parity=Parity(0.0, 0.02))),
    "int8 of unknown origin": ("int8 labels", constant(parity=Absent("no fp32 graph"))),
    "slow": ("latency", constant(cost=replace(COST, latency_ms=501.0))),
    "large": ("memory", constant(cost=replace(COST, memory_mib=701.0))),
    "slower than the champion": (
        "latency against its peer", constant(cost=replace(COST, latency_ratio=1.6)),
    ),
    "int8 slower than fp32": ("latency against its peer", constant(cost=OWN)),
    "larger than the champion": (
        "memory against its peer", constant(cost=replace(COST, memory_ratio=1.6)),
    ),
    "cost unknown": ("latency", constant(cost=Absent("no /proc"))),
    "not better, and no reason": ("better", lambda make, sound: {
        "champion": make.evaluation("version 1", range(20)),
    }),
}  # fmt: skip


def failed(verdict):
    return [check.name for check in verdict.failed]


def test_a_sound_candidate_passes_every_check(sound):
    verdict = judge(sound, CONFIG)

    assert verdict.passed and verdict.champion == "version 1"
    assert [check.name for check in verdict.checks] == NAMES
    assert {check.verdict for check in verdict.checks} == {"passed"}
    assert all(check.words for check in verdict.checks)


@pytest.mark.parametrize(("check", "changes"), SPOILT.values(), ids=SPOILT)
def test_each_fault_fails_by_its_own_check_and_no_other(make, sound, but, check, changes):
    verdict = judge(but(**changes(make, sound)), CONFIG)

    assert failed(verdict) == [check]
    assert not verdict.passed


def test_every_check_has_evidence_that_fails_it():
    with_reason = {"not worse"}  # below: a reason is needed for that one to fail alone
    assert {check for check, _ in SPOILT.values()} | with_reason == set(NAMES)


def test_a_worse_candidate_is_refused_whatever_the_reason(make, but):
    found = but(champion=make.evaluation("version 1"))

    assert failed(judge(found, CONFIG, reason="smaller")) == ["not worse"]
    assert failed(judge(found, CONFIG)) == ["not worse", "better"]


def test_a_reason_stands_for_better_and_is_recorded(make, but):
    found = but(champion=make.evaluation("version 1", range(20)))

    verdict = judge(found, CONFIG, reason=" half the size ")

    assert verdict.passed and verdict.reason == "half the size"
    assert "half the size" in verdict.checks[-1].words
    assert not judge(found, CONFIG, reason="  ").passed


def test_one_failing_check_does_not_hide_another(but):
    found = but(parity=Parity(1.0, 1.0), calibration=Calibration(), behaviour=Absent("none"))

    verdict = judge(found, CONFIG)

    assert failed(verdict) == ["temperature", "behaviour", "int8 labels", "int8 macro-F1"]
    assert len(verdict.checks) == len(NAMES)


def test_the_first_model_has_nothing_to_be_compared_with(but):
    none = Absent("there is no champion yet")
    found = but(champion=none, champion_behaviour=none, parity=None, cost=Cost(40.0, 300.0))

    verdict = judge(found, CONFIG)

    assert verdict.passed and verdict.champion is None
    assert [c.name for c in verdict.checks if c.verdict == "not asked"] == [
        "behaviour", "int8 labels", "int8 macro-F1", "latency against its peer",
        "memory against its peer", "not worse", "better",
    ]  # fmt: skip
    assert "no champion yet" in verdict.checks[-1].words


@pytest.mark.parametrize("gold", ["short", "changed"])
def test_evaluations_on_other_records_are_an_error(make, sound, but, gold):
    gold = make.gold[:-1] + ([Label.FAVOR] if gold == "changed" else [])
    other = make.evaluation("tfidf", items=make.records(gold))

    with pytest.raises(DataError, match="candidate's records: tfidf"):
        judge(but(baselines={**sound.baselines, "tfidf": other}), CONFIG)
    with pytest.raises(DataError, match="champion"):
        judge(but(champion=other), CONFIG)


def test_the_order_of_the_records_counts(make, but):
    with pytest.raises(DataError):
        judge(but(champion=make.evaluation("ch", items=make.records()[::-1])), CONFIG)


def test_the_verdict_is_the_same_each_time(sound):
    first, second = (judge(sound, CONFIG) for _ in range(2))

    assert first.to_dict() == second.to_dict()


def test_the_verdict_as_data(but):
    verdict = judge(but(parity=Parity(0.5, 0.0)), CONFIG, mode="dry-run")

    data = json.loads(verdict.to_json())

    assert data["passed"] is False and data["mode"] == "dry-run"
    assert (data["pairs"], data["statements"]) == (120, 120)
    assert set(data["macro_f1"]) == {"candidate", "majority", "tfidf", "frozen", "champion"}
    (labels,) = (c for c in data["checks"] if c["name"] == "int8 labels")
    assert (labels["family"], labels["verdict"]) == ("parity", "failed")
    assert (labels["measured"], labels["limit"]) == (0.5, 0.02)
    assert GateConfig.model_validate(data["config"]) == CONFIG


def test_the_page_says_what_the_data_say_and_escapes_it(make, but):
    found = but(parity=Parity(0.5, 0.0), champion=make.evaluation("<b>old</b>", range(20)))
    verdict = judge(found, CONFIG, mode="dry-run", reason="<script>alert(1)</script>")

    shown = page(verdict)

    assert "<h1>version 2: refused</h1>" in shown
    assert "Refused by 1 of 19 checks: int8 labels." in shown and "dry run" in shown
    assert '<td class="n">0.5000</td><td class="n">0.0200</td>' in shown
    assert "<script" not in shown and "<b>old" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    for check in verdict.checks:
        assert f">{check.name}</td>" in shown
    assert "<h1>version 2: passed</h1>" in page(judge(but(), CONFIG))
