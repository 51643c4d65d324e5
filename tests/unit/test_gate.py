"""The promotion gate, with evaluations built to pass or to fail one check each."""

from pathlib import Path

import numpy as np
import pytest

from stancewire.errors import ConfigError, DataError
from stancewire.labels import INDEX, ORDER, Label
from stancewire.records import Record
from stancewire.training.evaluate import Evaluation
from stancewire.training.gate import Check, GateConfig, judge, load_config, lower_bound

REPOSITORY = Path(__file__).parents[2]
N = 120
GOLD = [ORDER[i % 3] for i in range(N)]
ONLY_CHAMPION = GateConfig(must_beat={}, may_tie={})


def records(gold=GOLD, statement=lambda i: i):
    return tuple(
        Record(
            id=f"r{i}", text=f"statement number {statement(i)}", target=f"target {i}", stance=label,
            source="test", licence="CC0-1.0", split="test", annotators=("a",),
        )
        for i, label in enumerate(gold)
    )  # fmt: skip


def evaluation(name, wrong=(), *, items=None, always=None):
    """Answers that are right except for the item numbers in `wrong`, or `always` one label."""
    items = items or records()
    right = [INDEX[r.stance] for r in items]
    answers = [(c + 1) % 3 if i in set(wrong) else c for i, c in enumerate(right)]
    if always is not None:
        answers = [INDEX[always]] * len(items)
    return Evaluation(name, items, 0.8 * np.eye(3)[answers] + 0.2 / 3, (False,) * len(items))


MAJORITY = evaluation("majority", always=Label.NEUTRAL)
TFIDF = evaluation("tfidf", wrong=range(60))
FROZEN = evaluation("frozen", wrong=range(40))
BASELINES = {"majority": MAJORITY, "tfidf": TFIDF, "frozen": FROZEN}


def failed(verdict):
    return [c.name for c in verdict.checks if not c.passed]


def test_a_candidate_better_than_everything_passes():
    verdict = judge(
        evaluation("c", wrong=range(20)), BASELINES, evaluation("ch", range(24)), GateConfig()
    )

    assert verdict.passed
    assert [c.name for c in verdict.checks] == ["majority", "tfidf", "frozen", "champion"]


def test_a_candidate_that_is_the_majority_is_refused():
    candidate = evaluation("c", always=Label.NEUTRAL)

    assert failed(judge(candidate, BASELINES, None, GateConfig())) == [
        "majority", "tfidf", "frozen",
    ]  # fmt: skip


def test_a_tie_with_tfidf_is_not_enough():
    config = GateConfig(may_tie={})

    assert failed(judge(evaluation("c", range(60)), BASELINES, None, config)) == ["tfidf"]
    assert judge(evaluation("c", range(59)), BASELINES, None, config).passed


def test_a_margin_over_a_baseline_counts():
    config = GateConfig(must_beat={"tfidf": 0.1}, may_tie={})

    assert not judge(evaluation("c", range(50)), BASELINES, None, config).passed
    assert judge(evaluation("c", range(40)), BASELINES, None, config).passed


def test_worse_than_frozen_is_refused_and_a_tie_is_enough():
    assert failed(judge(evaluation("c", range(41)), BASELINES, None, GateConfig())) == ["frozen"]
    assert judge(evaluation("c", range(40)), BASELINES, None, GateConfig()).passed
    assert judge(FROZEN, BASELINES, None, GateConfig()).passed
    assert judge(
        evaluation("c", range(41)), BASELINES, None, GateConfig(may_tie={"frozen": 0.02})
    ).passed


def test_an_equal_of_the_champion_passes_even_at_the_smallest_margin():
    config = GateConfig(must_beat={}, may_tie={}, champion_margin=1e-9)

    verdict = judge(evaluation("c", range(30)), {}, evaluation("ch", range(30)), config)

    assert verdict.passed
    assert verdict.checks[0].observed == 0.0


def test_clearly_worse_than_the_champion_is_refused():
    verdict = judge(evaluation("c", range(60)), {}, evaluation("ch", range(10)), ONLY_CHAMPION)

    assert failed(verdict) == ["champion"]
    assert verdict.checks[0].observed < -0.3
    assert verdict.checks[0].required == -0.03


def test_as_good_on_the_whole_but_on_other_items_is_not_shown_to_be_no_worse():
    # Both err on a quarter of the items, on different ones: the true difference is uncertain.
    candidate, champion = evaluation("c", range(30)), evaluation("ch", range(60, 90))

    assert failed(judge(candidate, {}, champion, ONLY_CHAMPION)) == ["champion"]


def test_without_a_champion_the_verdict_says_so():
    verdict = judge(FROZEN, {}, None, ONLY_CHAMPION, no_champion="its bundle is torn")

    assert verdict.checks == (
        Check("champion", True, None, None, "not compared: its bundle is torn"),
    )


@pytest.mark.parametrize("gold", [GOLD[:-1], [*GOLD[:-1], Label.FAVOR]])
def test_evaluations_on_other_records_are_an_error(gold):
    other = evaluation("tfidf", items=records(gold))

    with pytest.raises(DataError, match="candidate's records: tfidf"):
        judge(FROZEN, {**BASELINES, "tfidf": other}, None, GateConfig())
    with pytest.raises(DataError, match="champion"):
        judge(FROZEN, BASELINES, other, GateConfig())


def test_the_order_of_the_records_counts():
    with pytest.raises(DataError):
        judge(FROZEN, {}, evaluation("ch", items=records()[::-1]), ONLY_CHAMPION)


def test_a_baseline_that_was_not_evaluated_is_an_error():
    with pytest.raises(ConfigError, match="frozen"):
        judge(TFIDF, {"majority": MAJORITY, "tfidf": TFIDF}, None, GateConfig())


def test_pairs_of_one_statement_are_resampled_together():
    # The same answers, once over 120 statements, once over 12 of ten pairs that are right or
    # wrong together. Ten perfectly correlated pairs say no more than one: the bound is wider by
    # about the root of ten.
    gold = [ORDER[(i // 10) % 3] for i in range(N)]
    bounds = {}
    for name, statement in (("naive", lambda i: i), ("clustered", lambda i: i // 10)):
        items = records(gold, statement)
        candidate = evaluation("c", wrong=range(40, 50), items=items)
        champion = evaluation("ch", wrong=range(80, 90), items=items)
        bounds[name] = lower_bound(candidate, champion, ONLY_CHAMPION)

    assert bounds["clustered"] < 1.8 * bounds["naive"] < 0


def test_the_verdict_is_the_same_each_time():
    candidate, champion = evaluation("c", range(30)), evaluation("ch", range(25, 50))

    first, second = (judge(candidate, BASELINES, champion, GateConfig()) for _ in range(2))

    assert first.to_dict() == second.to_dict()


def test_the_verdict_as_data_and_for_people():
    verdict = judge(evaluation("version 7", range(41)), BASELINES, None, GateConfig())

    data, page = verdict.to_dict(), verdict.markdown()

    assert data["passed"] is False
    assert (data["pairs"], data["statements"]) == (N, N)
    assert set(data["macro_f1"]) == {"candidate", "majority", "tfidf", "frozen"}
    frozen = next(c for c in data["checks"] if c["name"] == "frozen")
    assert frozen["observed"] < frozen["required"]
    assert page.startswith("# version 7: refused\n")
    assert f"| frozen | **no** | {frozen['observed']:.4f} | {frozen['required']:.4f} |" in page
    assert "| tfidf | yes |" in page


def test_the_committed_config_is_the_default(tmp_path, monkeypatch):
    assert load_config(REPOSITORY / "experiments/gate.yaml") == GateConfig()
    monkeypatch.chdir(tmp_path)
    assert load_config() == GateConfig()


def test_the_config_of_the_working_folder_is_used(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/gate.yaml").write_text("champion_margin: 0.01\n")
    monkeypatch.chdir(tmp_path)

    assert load_config().champion_margin == 0.01


def test_every_fault_of_a_config_is_told(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("champion_margin: 0\nmust_beat: {bert: 0.0}\nsurprise: 1\n")

    with pytest.raises(ConfigError) as caught:
        load_config(path)

    assert {p.field.partition(".")[0] for p in caught.value.problems} == {
        "champion_margin", "must_beat", "surprise",
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"\xff", b"a: [", None])
def test_a_config_that_cannot_be_read_is_an_error(tmp_path, content):
    path = tmp_path / "gate.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match="cannot read"):
        load_config(path)
