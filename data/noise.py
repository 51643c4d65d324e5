"""Records whose label may be wrong, ranked, for a person to read again.

A model answers pairs that it was not fitted on, and confident learning (Northcutt et al., JAIR
2021, as in `cleanlab`) compares its probabilities with the given labels. A suspect is not yet a
mistake: it may be the model's. Nothing is changed here.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from stancewire.backends import terms
from stancewire.errors import DataError
from stancewire.labels import INDEX, ORDER
from stancewire.records import Record
from stancewire.text import normalise

NEAR = 5
"""Words before and after a word of the target that count as said near it."""
_WORD = re.compile(r"\w+")


class Suspect(NamedTuple):
    """A record whose given label the model does not expect."""

    id: str
    split: str
    given: str
    suggested: str
    given_probability: float
    """Out-of-fold probability of the given label; the list is ranked by it, least first."""
    suggested_probability: float
    target: str
    text: str


class Noise(NamedTuple):
    """The suspects, the likeliest mistake first, and how far the model can be trusted."""

    suspects: list[Suspect]
    accuracy: float
    """Share of given labels that the model gave too, out of fold: the lower, the more suspects
    are the model's own mistakes."""


def label_noise(
    records: Sequence[Record],
    answers: npt.NDArray[np.float64] | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
) -> Noise:
    """Likely label mistakes among `records`.

    `answers` are probabilities, shape (n, 3) with columns as in `labels.ORDER`, of a model that saw
    none of the records; without them a TF-IDF model is fitted, and no statement stands on both
    sides of a fold. Raises `DataError` if there are fewer than two stances or two statements.
    """
    present = [
        column for column, label in enumerate(ORDER) if any(r.stance is label for r in records)
    ]
    if len(present) < 2 or len({r.statement for r in records}) < 2:
        raise DataError("label noise needs records of at least two stances and two statements")
    if answers is None:
        answers = out_of_fold(records, folds=folds, seed=seed)
    shares = answers[:, present] + 1e-12  # cleanlab wants a class for every column
    shares /= shares.sum(axis=1, keepdims=True)
    gold = np.array([present.index(INDEX[r.stance]) for r in records])
    best = shares.argmax(axis=1)
    ranked = find_label_issues(
        gold,
        shares,
        filter_by="confident_learning",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    found = [
        Suspect(
            id=records[i].id,
            split=records[i].split,
            given=records[i].stance.value,
            suggested=ORDER[present[best[i]]].value,
            given_probability=float(shares[i, gold[i]]),
            suggested_probability=float(shares[i, best[i]]),
            target=records[i].target,
            text=records[i].text,
        )
        for i in ranked
        if best[i] != gold[i]
    ]
    return Noise(found, float((best == gold).mean()))


def out_of_fold(records: Sequence[Record], *, folds: int, seed: int) -> npt.NDArray[np.float64]:
    """Probabilities, shape (n, 3), of each record by a TF-IDF model that saw not its statement."""
    rows = [clues(r) for r in records]
    gold = np.array([INDEX[r.stance] for r in records])
    groups = [r.statement for r in records]
    answers = np.zeros((len(records), len(ORDER)))
    splitter = GroupKFold(min(folds, len(set(groups))), shuffle=True, random_state=seed)
    for train, held_out in splitter.split(rows, gold, groups):
        seen = np.unique(gold[train])
        if len(seen) == 1:  # the fold took all of the other stances: no model, one answer
            answers[held_out, seen[0]] = 1.0
            continue
        model = make_pipeline(
            DictVectorizer(),
            TfidfTransformer(sublinear_tf=True),
            LogisticRegression(C=3.0, max_iter=2000, random_state=seed),
        )
        model.fit([rows[i] for i in train], gold[train])
        answers[np.ix_(held_out, seen)] = model.predict_proba([rows[i] for i in held_out])
    return answers


def clues(record: Record) -> dict[str, float]:
    """Terms of the text and of the target, and the words said near the target's own words.

    The last tell apart two targets of one statement; without them all get one answer.
    """
    words = _WORD.findall(normalise(record.text).casefold())
    named = {w for w in _WORD.findall(normalise(record.target).casefold()) if len(w) > 3}
    places = [i for i, word in enumerate(words) if word in named]
    near = {j for i in places for j in range(max(0, i - NEAR), min(len(words), i + NEAR + 1))}
    counts = Counter(f"text {term}" for term in terms(record.text))
    counts.update(f"target {term}" for term in terms(record.target))
    counts.update(f"near {words[j]}" for j in near)
    counts["named" if places else "not named"] += 1
    return {name: float(count) for name, count in counts.items()}


def check_ending(path: Path) -> None:
    """Refuse a file that the list cannot be written to, before the work. Raises `DataError`."""
    if path.suffix not in (".json", ".csv"):
        raise DataError(f"{path}: expected a file ending in .json or .csv")


def write_suspects(path: Path, found: Sequence[Suspect]) -> None:
    """Write the list as `.json` or `.csv`, by the ending. Raises `DataError` for any other."""
    check_ending(path)
    rows: list[dict[str, Any]] = [
        {"rank": rank, **one._asdict()} for rank, one in enumerate(found, 1)
    ]
    if path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, ["rank", *Suspect._fields])
        writer.writeheader()
        writer.writerows(rows)
