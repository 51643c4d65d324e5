"""Judging answers, counting failures, comparing two predictors."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stancewire.backends import Flags, Logits
from stancewire.bundle import Bundle
from stancewire.calibration import Calibration
from stancewire.cli import main
from stancewire.errors import ConfigError
from stancewire.labels import INDEX, Label
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor, Stance
from stancewire.training.behaviour import show, track
from stancewire.training.behaviour.cases import MARGIN, Case, Kind
from stancewire.training.behaviour.compare import compare
from stancewire.training.behaviour.expand import expand
from stancewire.training.behaviour.groups import gaps
from stancewire.training.behaviour.report import Outcome, Report, run

FAVOR, AGAINST, NEUTRAL = Label.FAVOR, Label.AGAINST, Label.NEUTRAL


class Rule:
    """A backend that answers by a function of the pair; 4 logits above the others."""

    def __init__(self, rule: Callable[[StancePair], Label]) -> None:
        self.rule = rule

    def logits(self, pairs: list[StancePair]) -> tuple[Logits, Flags]:
        rows = np.zeros((len(pairs), 3), dtype=np.float32)
        for i, pair in enumerate(pairs):
            rows[i, INDEX[self.rule(pair)]] = 4
        return rows, np.zeros(len(pairs), dtype=np.bool_)


def predictor(rule: Callable[[StancePair], Label]) -> Predictor:
    return Predictor(Rule(rule), Calibration())  # type: ignore[arg-type]


def stance(label: Label, score: float = 0.0, *, abstained: bool = False) -> Stance:
    return Stance(label, score, 0.5, {}, abstained, truncated=False)


def case(kind: Kind, texts: str = "ab", **fields: object) -> Case:
    pairs = tuple(StancePair(text, "x") for text in texts)
    return Case("made", kind, "t", pairs, **fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return expand(per_capability=20)


def test_a_minimum_case_fails_on_the_wrong_label_alone():
    one = case(Kind.MINIMUM, "a", labels=(FAVOR,))
    assert not one.fails([stance(FAVOR, -1)])
    assert one.fails([stance(NEUTRAL, 1)])


@pytest.mark.parametrize(
    ("answers", "fails"),
    [((FAVOR, AGAINST), False), ((FAVOR, FAVOR), True), ((AGAINST, FAVOR), True)],
)
def test_a_swap_needs_every_label(answers: tuple[Label, ...], fails: bool):
    one = case(Kind.SWAP, labels=(FAVOR, AGAINST))
    assert one.fails([stance(label) for label in answers]) is fails


def test_variants_need_one_label_whichever():
    one = case(Kind.INVARIANCE, "abc")
    assert not one.fails([stance(AGAINST, s) for s in (-1, 0, -0.2)])
    assert one.fails([stance(AGAINST), stance(AGAINST), stance(NEUTRAL)])


@pytest.mark.parametrize(
    ("moves", "rise", "fails"),
    [
        ("up", MARGIN + 0.01, False), ("up", MARGIN - 0.01, True), ("up", -1.0, True),
        ("down", -MARGIN - 0.01, False), ("down", -MARGIN + 0.01, True), ("down", 1.0, True),
    ],
)  # fmt: skip
def test_a_score_must_move_the_right_way_and_far_enough(moves: str, rise: float, fails: bool):
    one = case(Kind.DIRECTION, moves=moves)
    assert one.fails([stance(NEUTRAL, 0.0), stance(NEUTRAL, rise)]) is fails


def test_a_model_that_always_says_neutral_fails_where_sides_are_asked(cases: list[Case]):
    found = {t.capability: t for t in run(predictor(lambda _: NEUTRAL), cases, name="n").tallies}
    for name in ("plain-stance", "target-swap", "claim-swap", "negation-added"):
        assert found[name].rate == 1, name
    for name in ("numbers-only", "irrelevant-target", "speaker-name", "country"):
        assert found[name].rate == 0, name
    assert found["plain-stance"].low > 0.8 and found["numbers-only"].high < 0.2


def test_a_model_that_knows_the_answers_fails_nothing(cases: list[Case]):
    known = {
        (pair.text, pair.target): label
        for one in cases
        for pair, label in zip(one.pairs, one.labels, strict=False)
    }
    for one in cases:
        if one.moves:
            ends = (AGAINST, FAVOR) if one.moves == "up" else (FAVOR, AGAINST)
            known |= {(p.text, p.target): e for p, e in zip(one.pairs, ends, strict=True)}
    # Texts of different capabilities can be the same; where they ask the same they must agree.
    right = run(predictor(lambda p: known.get((p.text, p.target), NEUTRAL)), cases, name="r")
    failed = {t.capability for t in right.tallies if t.failures}
    # A reported claim is neutral by itself, but the lower end of what its answer adds.
    assert failed <= {"reported-claim", "answer-added", "fact-without-verdict"}


def test_a_model_that_follows_the_speaker_is_seen(cases: list[Case]):
    def rule(pair: StancePair) -> Label:
        return AGAINST if "a bishop" in pair.text.casefold() else FAVOR

    report = run(predictor(rule), cases, name="b")
    by_name = {t.capability: t for t in report.tallies}
    assert by_name["speaker-role"].rate == 1 and by_name["speaker-name"].rate == 0
    roles = {one.group: one for one in report.leanings if one.capability == "speaker-role"}
    assert roles["church"].high < -1 and roles["church"].apart == 1
    assert roles["union"].low > 0 and roles["union"].apart == 0
    assert gaps(report.leanings)["speaker-role"] > 1.5
    assert gaps(report.leanings)["speaker-name"] == 0


def test_an_abstention_is_judged_by_its_guess_and_counted(cases: list[Case]):
    sure = case(Kind.MINIMUM, "a", labels=(FAVOR,))
    outcomes = (
        Outcome(sure, (stance(NEUTRAL, abstained=True),)),
        Outcome(sure, (stance(NEUTRAL),)),
        Outcome(sure, (stance(FAVOR, abstained=True),)),
    )
    (tally,) = Report("made", outcomes).tallies
    assert (tally.cases, tally.failures, tally.unsure) == (3, 2, 1)


def test_the_interval_is_wilsons():
    sure = case(Kind.MINIMUM, "a", labels=(FAVOR,))
    answers = [NEUTRAL] * 10 + [FAVOR] * 40
    (tally,) = Report("m", tuple(Outcome(sure, (stance(a),)) for a in answers)).tallies
    # Wilson for 10 of 50 at z = 1.96: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    assert (tally.low, tally.high) == pytest.approx((0.1124, 0.3304), abs=1e-4)


def test_examples_show_different_templates_first():
    outcomes = [
        Outcome(replace(case(Kind.MINIMUM, "a", labels=(FAVOR,)), template=t), (stance(NEUTRAL),))
        for t in ("one", "one", "two")
    ]
    shown = Report("made", tuple(outcomes)).examples("made", 3)
    assert [o.case.template for o in shown] == ["one", "two", "one"]
    assert len(Report("made", tuple(outcomes)).examples("made", 1)) == 1


def test_a_capability_that_broke_is_named_and_no_other(cases: list[Case]):
    numbers = {c.pairs[0].text for c in cases if c.capability == "numbers-only"}
    champion = run(predictor(lambda _: NEUTRAL), cases, name="a")
    broken = run(predictor(lambda p: FAVOR if p.text in numbers else NEUTRAL), cases, name="b")
    comparison = compare(broken.marks, champion.marks)
    assert comparison.worse == ["numbers-only"]
    (change,) = (c for c in comparison.changes if c.worse)
    assert (change.difference, change.only_candidate, change.only_champion) == (1, 20, 0)
    assert [c.capability for c in compare(champion.marks, broken.marks).changes if c.better] == [
        "numbers-only"
    ]
    assert compare(champion.marks, champion.marks).worse == []
    assert not compare(champion.marks, champion.marks).overall.better


def test_one_template_alone_is_no_proof(cases: list[Case]):
    champion = run(predictor(lambda _: NEUTRAL), cases, name="a")
    template = next(c.template for c in cases if c.capability == "undecided")
    lost = {c.pairs[0].text for c in cases if c.template == template}
    other = run(predictor(lambda p: FAVOR if p.text in lost else NEUTRAL), cases, name="b")
    (change,) = (
        c for c in compare(other.marks, champion.marks).changes if c.capability == "undecided"
    )
    assert change.difference > 0 and not change.worse


def test_reports_of_other_cases_are_not_compared(cases: list[Case]):
    neutral = predictor(lambda _: NEUTRAL)
    with pytest.raises(ConfigError, match="different cases"):
        compare(run(neutral, cases, name="a").marks, run(neutral, cases[1:], name="a").marks)


def test_what_is_logged_has_every_capability_and_is_finite(cases: list[Case], tmp_path: Path):
    report = run(predictor(lambda _: FAVOR), cases, name="f")
    figures = track.metrics(report)
    assert {f"behaviour/{t.capability}" for t in report.tallies} <= figures.keys()
    assert "behaviour_gap/country" in figures
    assert all(np.isfinite(value) for value in figures.values())
    track.write(report, tmp_path)
    written = json.loads((tmp_path / "behaviour.json").read_text())
    assert written == report.to_dict()
    assert len(written["capabilities"][0]["examples"]) == 3
    page = (tmp_path / "BEHAVIOUR.md").read_text()
    assert all(f"| {t.capability} |" in page for t in report.tallies)
    assert page == f"# Behaviour\n\n{show.markdown(report)}"


def ended(*argv: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    return int(stopped.value.code or 0)


def test_the_command_prints_and_writes_what_the_report_says(
    tfidf_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out.json"
    folder = str(tfidf_bundle.folder)
    options = ["--cases", "5", "--json", str(out), "--examples", "1", "--capability", "negation"]
    more = ["--capability", "country", "--against", folder]
    assert ended("behave", "--bundle", folder, *options, *more) == 0
    printed = capsys.readouterr().out
    assert "candidate against champion" in printed and "must" not in printed
    document = json.loads(out.read_text())
    asked = [c for c in expand(per_capability=5) if c.capability in ("negation", "country")]
    wanted = run(Predictor.load(tfidf_bundle), asked, name=tfidf_bundle.sha256)
    assert document["report"] == json.loads(wanted.to_json())
    assert document["against"] == document["report"]
    assert document["comparison"]["worse"] == []
    for tally in wanted.tallies:
        assert tally.capability in printed and f"{tally.rate:.1%}" in printed


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--capability", "telepathy"], 2, "no capability is named telepathy"),
        (["--json", "nowhere/out.json"], 2, "there is no folder nowhere"),
        (["--against", "nothing"], 3, "nothing"),
        (["--cases", "0"], 2, "--cases"),
    ],
)
def test_what_cannot_be_asked_is_told(
    tfidf_bundle: Bundle, options: list[str], code: int, said: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert ended("behave", "--bundle", str(tfidf_bundle.folder), *options) == code
    assert said in capsys.readouterr().err


def test_a_bundle_is_not_written_over(tfidf_bundle: Bundle, capsys: pytest.CaptureFixture[str]):
    manifest = tfidf_bundle.folder / "manifest.json"
    before = manifest.read_bytes()
    assert ended("behave", "--bundle", str(tfidf_bundle.folder), "--json", str(manifest)) == 2
    assert "is an input" in capsys.readouterr().err
    assert manifest.read_bytes() == before
