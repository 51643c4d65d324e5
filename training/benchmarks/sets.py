"""The benchmarks: data sets, the figures that their papers report, and what is asked for each.

One `Family` is one data set and one table; each of its `Task`s is one figure over some of the test
records. Metric definitions are those of the papers, as named in each family's `note`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stancewire.calibration import FloatArray
from stancewire.data.adapters.reading import LEAKED
from stancewire.errors import ConfigError, Problem
from stancewire.labels import INDEX, Label
from stancewire.pairs import StancePair
from stancewire.records import Record
from stancewire.training.benchmarks.scores import METRICS, Decisions
from stancewire.training.metrics import IntArray, gold_indices

View = Literal["three-way", "neutral masked", "directed"]
"""How three probabilities become a decision.

- three-way: the most probable of the three stances;
- neutral masked: the more probable of favor and against, for sets that know no neutral;
- directed: who speaks how of whom, five classes, from two questions (DSE).
"""
FAVOR, AGAINST, NEUTRAL = (INDEX[label] for label in (Label.FAVOR, Label.AGAINST, Label.NEUTRAL))
DIRECTED = 5
"""Classes of DSE: 0 neutral, 1 p→q positive, 2 q→p positive, 3 p→q negative, 4 q→p negative."""


@dataclass(frozen=True)
class Task:
    """One figure: a metric over the test records with a tag, without one, or of one target."""

    key: str
    """What it is called in tables, in JSON and in the published figures."""
    metric: str
    """Name in `scores.METRICS`."""
    only_tag: str | None = None
    without_tag: str | None = None
    target: str | None = None
    directed: bool = False

    def has(self, record: Record) -> bool:
        """Whether the figure is over this test record."""
        return (
            (self.only_tag is None or self.only_tag in record.tags)
            and self.without_tag not in record.tags
            and (self.target is None or self.target == record.target)
        )


@dataclass(frozen=True)
class Family:
    """A data set with its figures; the first task is its headline."""

    name: str
    source: str
    """As `data.corpus.load` knows it."""
    note: str
    tasks: tuple[Task, ...]
    two_label: bool = False
    """The set has no neutral: figures are given with the neutral masked, and without."""
    by_tag: bool = False
    """Also measured for each plain tag of the records, such as "negation"."""

    @property
    def is_others(self) -> bool:
        """Whether somebody else made and published it."""
        return self.source not in ("press", "real")

    def views(self, task: Task) -> tuple[View, ...]:
        """How answers are decided for one of its figures; the first is the headline."""
        if task.directed:
            return ("directed",)
        return ("neutral masked", "three-way") if self.two_label else ("three-way",)


_STANCE = (
    Task("macro-F1", "macro_f1"),
    Task("accuracy", "accuracy"),
    Task("F1 favor", "f1_favor"),
    Task("F1 against", "f1_against"),
    Task("F1 neutral", "f1_neutral"),
)

FAMILIES = (
    Family(
        "VAST",
        "vast",
        "Macro-F1 over pro, con and neutral; zero-shot: topics that are in no training record "
        "(`seen?` = 0), few-shot: the others (Allaway & McKeown, EMNLP 2020).",
        (
            Task("zero-shot", "macro_f1", only_tag="zero-shot"),
            Task("few-shot", "macro_f1", only_tag="few-shot"),
            Task("all", "macro_f1"),
            Task("zero-shot F1 pro", "f1_favor", only_tag="zero-shot"),
            Task("zero-shot F1 con", "f1_against", only_tag="zero-shot"),
            Task("zero-shot F1 neutral", "f1_neutral", only_tag="zero-shot"),
        ),
    ),
    Family(
        "SemEval-2016 Task 6",
        "semeval2016",
        "F_avg, the mean of F1(favor) and F1(against), pooled over the test tweets; A: five "
        "targets with training tweets, B: Donald Trump, without (Mohammad et al., SemEval 2016).",
        (
            Task("A", "f_avg", only_tag="task-a"),
            Task("B", "f_avg", only_tag="task-b"),
        ),
    ),
    Family(
        "P-Stance",
        "pstance",
        "F_avg for each target, and their unweighted mean (Li et al., Findings of ACL 2021).",
        (
            Task("mean", "f_avg_of_targets"),
            Task("Trump", "f_avg", target="Donald Trump"),
            Task("Biden", "f_avg", target="Joe Biden"),
            Task("Sanders", "f_avg", target="Bernie Sanders"),
        ),
        two_label=True,
    ),
    Family(
        "NewsMTSC",
        "newsmtsc-official",
        "Macro-F1 and accuracy over negative, neutral and positive; rw: real-world distribution, "
        "mt: two targets or more. The authors' whole evaluation sets, as their paper has them "
        "(Hamborg & Donnay, EACL 2021). Sentiment toward a person, not stance.",
        (
            Task("rw", "macro_f1", only_tag="rw"),
            Task("mt", "macro_f1", only_tag="mt"),
            Task("rw accuracy", "accuracy", only_tag="rw"),
            Task("mt accuracy", "accuracy", only_tag="mt"),
        ),
    ),
    Family(
        "DSE",
        "dse-official",
        "Three-way: stance of the holder whom the annotation names toward the other entity. Five "
        "classes, as published (Park et al., Findings of ACL 2021): who speaks well or ill of "
        "whom, micro-F1 and macro-F1; both entities are asked about, nothing says who the "
        "holder is, and a class's probability is that of one answer times that of the other being "
        "neutral. Clean: without the quarter of the official test whose sentence stands in train. "
        "8 of 1,623 rows are left out: their target is a punctuation mark.",
        (
            Task("clean, three-way", "macro_f1", without_tag=LEAKED),
            Task("official, three-way", "macro_f1"),
            Task("clean, micro", "accuracy", without_tag=LEAKED, directed=True),
            Task("clean, macro", "macro_f1", without_tag=LEAKED, directed=True),
            Task("official, micro", "accuracy", directed=True),
            Task("official, macro", "macro_f1", directed=True),
        ),
    ),
    Family(
        "GWSD",
        "gwsd",
        "Macro-F1 and accuracy over agree, disagree and neutral, on the 200 held-out sentences "
        "(Luo, Card & Jurafsky, Findings of EMNLP 2020).",
        (Task("macro-F1", "macro_f1"), Task("accuracy", "accuracy")),
    ),
    Family(
        "IBM claims",
        "ibm-claims",
        "Accuracy and macro-F1 over pro and con, 30 motions that are not in train (Bar-Haim et "
        "al., EACL 2017).",
        (Task("macro-F1", "f_avg"), Task("accuracy", "accuracy")),
        two_label=True,
    ),
    Family(
        "Press corpus",
        "press",
        "Macro-F1 over the three stances; targets that are in no training record.",
        _STANCE,
        by_tag=True,
    ),
    Family(
        "Real passages",
        "real",
        "Macro-F1 over the three stances; briefings and targets that are in no training record. "
        "Own: without the targets borrowed from other passages, which are mostly not spoken of.",
        (*_STANCE, Task("own, macro-F1", "macro_f1", without_tag="borrowed-target")),
    ),
)


def find(names: Sequence[str]) -> list[Family]:
    """Families by name or source, all if none is named. Raises `ConfigError` for another name."""
    found = []
    for name in names:
        for family in FAMILIES:
            if name.casefold() in (family.name.casefold(), family.source):
                found.append(family)
                break
        else:
            known = ", ".join(family.source for family in FAMILIES)
            raise ConfigError("unknown benchmark", [Problem(name, "name", f"expected {known}")])
    return found or list(FAMILIES)


def behaviours(records: Sequence[Record]) -> list[str]:
    """Plain tags of the records ("negation"), in alphabetical order; not "field:energy"."""
    return sorted({tag for record in records for tag in record.tags if ":" not in tag})


def reversed_pair(record: Record) -> StancePair | None:
    """The question the other way round, holder as target; none if the holder has no words."""
    return replace(record.pair, target=record.speaker) if record.speaker else None


def decide(
    task: Task,
    view: View,
    records: Sequence[Record],
    ask: Callable[[Sequence[StancePair]], FloatArray],
) -> Decisions:
    """What the model behind `ask` decides on a task's records.

    `ask` gives probabilities (n, 3) of pairs. Raises `DataError` if it cannot read one.
    """
    texts = [record.statement for record in records]
    is_by_target = METRICS[task.metric] is METRICS["f_avg_of_targets"]
    targets = [record.target if is_by_target else "all" for record in records]
    probabilities = ask([record.pair for record in records])
    if view == "directed":
        gold = np.array([_directed_gold(record) for record in records])
        other = _reverse(records, ask)
        predicted = directed(probabilities, other, _holder_is_q(records)).argmax(axis=-1)
        return Decisions(gold, predicted, texts, targets, DIRECTED)
    columns = 2 if view == "neutral masked" else 3
    gold = gold_indices([record.stance for record in records])
    predicted = probabilities[:, :columns].argmax(axis=-1)
    return Decisions(gold, np.asarray(predicted, dtype=np.int64), texts, targets)


def directed(
    toward_target: FloatArray, toward_holder: FloatArray, holder_is_q: IntArray
) -> FloatArray:
    """Probabilities of the five classes of DSE, shape (n, 5), from two answers (n, 3).

    The two directions are taken as independent, and at most one as not neutral: the annotation
    knows no row in which both speak of each other.
    """
    is_q = holder_is_q[:, None].astype(bool)
    of_q = np.where(is_q, toward_holder, toward_target)  # p → q
    of_p = np.where(is_q, toward_target, toward_holder)  # q → p
    found = np.stack(
        [
            of_q[:, NEUTRAL] * of_p[:, NEUTRAL],
            of_q[:, FAVOR] * of_p[:, NEUTRAL],
            of_p[:, FAVOR] * of_q[:, NEUTRAL],
            of_q[:, AGAINST] * of_p[:, NEUTRAL],
            of_p[:, AGAINST] * of_q[:, NEUTRAL],
        ],
        axis=-1,
    )
    result: FloatArray = found / np.maximum(found.sum(axis=-1, keepdims=True), 1e-300)
    return result


def _reverse(
    records: Sequence[Record], ask: Callable[[Sequence[StancePair]], FloatArray]
) -> FloatArray:
    """Answers toward the holder (n, 3): neutral where the holder has no words to be asked about."""
    pairs = [reversed_pair(record) for record in records]
    found = np.tile(np.eye(3)[NEUTRAL], (len(records), 1))
    asked = [i for i, pair in enumerate(pairs) if pair is not None]
    if asked:
        found[asked] = ask([pair for pair in pairs if pair is not None])
    return found


def _directed_gold(record: Record) -> int:
    """The class that DSE gave, from its tag "dse-3"."""
    return next(int(tag[4:]) for tag in record.tags if tag.startswith("dse-"))


def _holder_is_q(records: Sequence[Record]) -> IntArray:
    return np.array([_directed_gold(record) in (2, 4) for record in records], dtype=np.int64)
