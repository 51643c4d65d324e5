"""The stance and sentiment sets as published, read from the folder of sets beside the project.

The expected counts are those of the `README.md` that lies in each set's folder, not of the
adapters; where an adapter leaves rows out, how many and why is asserted.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from stancewire.data.adapters.reading import csv_rows, read_text
from stancewire.data.readers import READERS
from stancewire.data.sources import find
from stancewire.records import Record
from stancewire.text import normalise

MIRROR = Path(__file__).parents[2].parent / "shared" / "datasets"

pytestmark = pytest.mark.skipif(not MIRROR.is_dir(), reason="no folder of public data sets")

# Rows (favor, against, neutral) of each split.
PUBLISHED = {
    "vast": {
        "train": (5327, 5595, 2555),
        "dev": (681, 684, 697),
        "test": (944, 1018, 1044),
    },
    "semeval2016": {"train": (731, 1342, 741), "test": (304 + 148, 715 + 299, 230 + 260)},
    "pstance": {
        "train": (2937 + 2552 + 2858, 3425 + 3254 + 2198, 0),
        "dev": (374 + 328 + 350, 440 + 417 + 284, 0),
        "test": (352 + 337 + 343, 425 + 408 + 292, 0),
    },
    "newsmtsc": {
        "train": (2395, 3316, 3028),
        "dev": (73 + 89, 134 + 136, 136 + 217),
        "test": (189 + 157, 295 + 346, 319 + 531),
    },
    "newsmtsc-official": {"train": (2395, 3316, 3028), "test": (262 + 246, 429 + 482, 455 + 748)},
    "ibm-claims": {"train": (625, 414, 0), "test": (700, 655, 0)},
    "perspectrum": {"train": (3599, 3379, 0), "dev": (1047, 1024, 0), "test": (1471, 1302, 0)},
    "ibm-argq": {"train": (10648, 10326, 0), "dev": (1622, 1586, 0), "test": (3178, 3137, 0)},
    "rusentne": {"train": (856, 1007, 4774), "dev": (362, 438, 2045)},
    "valueeval": {"train": (2898, 2495, 0), "dev": (1058, 838, 0), "test": (868, 708, 0)},
}

# Sets without a published split, or whose splits' labels are not told: (favor, against, neutral).
WHOLE = {
    "gwsd": (701 + 76, 361 + 39, 788 + 85),
    "basil": (311, 1415, 0),
    "sentfin": (5074, 3814, 5517),
    "polstance": (525, 197, 178),
    "argkp": (3801, 3437, 0),
}
NAMES = [*PUBLISHED, *WHOLE, "mtsd", "dse", "dse-official"]


@cache
def read(name: str) -> tuple[Record, ...]:
    source = find(name.removesuffix("-official"))
    return tuple(READERS[name](MIRROR / source.folder, source))


def stances(name: str, keep: Callable[[Record], bool] = lambda _: True) -> tuple[int, int, int]:
    found = Counter(r.stance.value for r in read(name) if keep(r))
    return found["favor"], found["against"], found["neutral"]


def tags(name: str, split: str) -> Counter[str]:
    return Counter(tag for r in read(name) if r.split == split for tag in r.tags)


def sizes(name: str) -> Counter[str]:
    return Counter(r.split for r in read(name))


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_split_has_the_published_labels(name: str):
    assert sizes(name) == {split: sum(told) for split, told in PUBLISHED[name].items()}
    for split, told in PUBLISHED[name].items():
        assert stances(name, lambda r, split=split: r.split == split) == told


@pytest.mark.parametrize("name", WHOLE)
def test_a_set_as_a_whole_has_the_published_labels(name: str):
    assert stances(name) == WHOLE[name]


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_their_own_and_the_source_is_named(name: str):
    source = find(name.removesuffix("-official"))
    assert len({r.id for r in read(name)}) == len(read(name))
    assert {(r.source, r.licence) for r in read(name)} == {(source.name, source.licence)}
    assert {r.language for r in read(name)} == set(source.languages)
    assert source.has_neutral == any(r.stance.value == "neutral" for r in read(name))


def test_vast_tells_zero_shot_from_few_shot():
    assert tags("vast", "train") == {}
    assert tags("vast", "dev") == {"zero-shot": 1019, "few-shot": 1043}
    assert tags("vast", "test") == {"zero-shot": 1460, "few-shot": 1546}
    assert {r.neutral_kind for r in read("vast") if r.stance.value == "neutral"} == {"unrelated"}


def test_semeval_tells_its_tasks_apart_and_drops_the_marker():
    assert tags("semeval2016", "test") == {"task-a": 1249, "task-b": 707}
    second = {r.target for r in read("semeval2016") if "task-b" in r.tags}
    assert second == {"Donald Trump"}
    assert stances("semeval2016", lambda r: "task-b" in r.tags) == (148, 299, 260)
    abortion = "Legalization of Abortion"
    assert stances("semeval2016", lambda r: r.target == abortion and r.split == "test") == (
        46,
        189,
        45,
    )
    assert not [r.id for r in read("semeval2016") if "#SemST" in r.text]


def test_pstance_targets_and_leaks():
    trump = lambda r: r.target == "Donald Trump" and r.split == "train"  # noqa: E731
    assert stances("pstance", trump) == (2937, 3425, 0)
    assert tags("pstance", "test") == {"leaked": 0 + 3 + 1}


def test_mtsd_rows_and_test_labels():
    assert sizes("mtsd") == {"train": 6238, "dev": 892, "test": 1780}
    told = {
        "Hillary Clinton": (101, 359, 167),
        "Donald Trump": (258, 188, 172),
        "Ted Cruz": (68, 119, 76),
        "Bernie Sanders": (127, 79, 66),
    }
    for target, labels in told.items():
        keep = lambda r, target=target: r.split == "test" and r.target == target  # noqa: E731
        assert stances("mtsd", keep) == labels


def test_newsmtsc_halves_make_up_the_official_sets():
    assert tags("newsmtsc", "dev") & Counter(rw=9999, mt=9999) == {"rw": 343, "mt": 442}
    assert tags("newsmtsc", "test") & Counter(rw=9999, mt=9999) == {"rw": 803, "mt": 1034}
    official = tags("newsmtsc-official", "test")
    assert (official["rw"], official["mt"]) == (1146, 1476)
    for kind in ("rw", "mt"):
        halves, whole = (
            Counter((normalise(r.text), r.target, r.stance) for r in read(name) if kind in r.tags)
            for name in ("newsmtsc", "newsmtsc-official")
        )
        assert halves == whole


def test_newsmtsc_tags_the_sentences_that_stand_in_train():
    for kind, told in (("rw", 4), ("mt", 2)):
        leaked = {r.text for r in read("newsmtsc-official") if {kind, "leaked"} <= {*r.tags}}
        assert len(leaked) == told


# Published label counts 0 … 4, and how many targets were a mere punctuation mark: all neutral.
DSE = {
    "train": ((8589, 1341, 265, 2562, 387), 62),
    "dev": ((955, 149, 29, 285, 43), 3),
    "test": ((1060, 166, 33, 316, 48), 8),
}


@pytest.mark.parametrize("split", DSE)
def test_dse_leaves_out_only_targets_without_a_letter_or_digit(split: str):
    (neutral, *others), wordless = DSE[split]
    found = tags("dse-official", split)
    assert [found[f"dse-{n}"] for n in range(5)] == [neutral - wordless, *others]


def test_dse_leaves_the_leaked_rows_out():
    # 401 of test and 394 of dev, of which one each has a punctuation mark for a target.
    assert (tags("dse-official", "test")["leaked"], tags("dse-official", "dev")["leaked"]) == (
        401 - 1,
        394 - 1,
    )
    clean = tags("dse", "test")
    # 899 clean neutral rows, of which seven have a punctuation mark for a target.
    assert [clean[f"dse-{n}"] for n in range(5)] == [899 - 7, 99, 26, 170, 28]
    assert not clean["leaked"] + tags("dse", "dev")["leaked"]
    assert sizes("dse")["train"] == sizes("dse-official")["train"]


def test_dse_has_no_brackets_and_whole_names():
    assert not [r.id for r in read("dse-official") if set("[]") & {*r.text, *r.target}]
    targets = Counter(r.target for r in read("dse"))
    assert targets["Congress"] and targets["the United States"]
    assert not targets["Congre"] + targets["the United State"]
    assert not [t for t in targets if t.endswith(("’", "'s", "’s"))]


def test_gwsd_drops_the_screening_rows_and_holds_out_the_same_test():
    rows = list(csv_rows(read_text(MIRROR / "gwsd", "GWSD.tsv"), delimiter="\t"))
    assert len(rows) - len(read("gwsd")) == 250
    assert stances("gwsd", lambda r: r.split == "test") == (76, 39, 85)
    assert sizes("gwsd")["train"] + sizes("gwsd")["dev"] == 1850
    assert 0.07 < sizes("gwsd")["dev"] / 1850 < 0.13


def test_ibm_claims_with_a_semicolon_are_whole():
    assert len({r.target for r in read("ibm-claims") if r.split == "train"}) == 25
    assert len({r.target for r in read("ibm-claims") if r.split == "test"}) == 30
    cut = [r.text for r in read("ibm-claims") if ";" in r.text]
    assert len(cut) == 4
    assert not [text for text in cut if ';"' in text or '";' in text]


def test_ibm_argq_topics_are_in_one_split():
    topics = {s: {r.target for r in read("ibm-argq") if r.split == s} for s in sizes("ibm-argq")}
    assert {s: len(found) for s, found in topics.items()} == {"train": 49, "dev": 7, "test": 15}
    assert len(set.union(*topics.values())) == 71


def test_basil_aims_and_quotes():
    found = tags("basil", "train") + tags("basil", "dev") + tags("basil", "test")
    aims = {"aim-dir": 1517, "aim-ind_anti": 74, "aim-ind_general": 35, "aim-ind_pro": 100}
    assert found == {**aims, "in-quote": 722}
    assert stances("basil", lambda r: "in-quote" in r.tags) == (157, 565, 0)
    speakers = Counter(r.speaker for r in read("basil"))
    assert sum(speakers.values()) - speakers[None] == 722 - (200 + 77 + 65)  # "other anti", …
    assert not [r.id for r in read("basil") if r.speaker and "in-quote" not in r.tags]


@pytest.mark.parametrize("name", ["basil", "sentfin", "polstance"])
def test_a_drawn_split_keeps_one_text_together(name: str):
    shares = {s: n / len(read(name)) for s, n in sizes(name).items()}
    assert 0.7 < shares["train"] < 0.9
    assert min(shares["dev"], shares["test"]) > 0.05
    splits: dict[str, set[str]] = {}
    for record in read(name):
        splits.setdefault(record.statement, set()).add(record.split)
    assert {len(found) for found in splits.values()} == {1}


def test_sentfin_entities_are_in_their_headlines():
    within = [r for r in read("sentfin") if r.target.lower() in r.text.lower()]
    assert len(within) >= 14_386  # the others differ in their spelling


def test_polstance_leaves_out_what_is_no_quote():
    rows = csv_rows(
        read_text(MIRROR / "polstance-da", "quote_db.csv", encoding="utf-16"), delimiter=";"
    )
    assert len(list(rows)) - len(read("polstance")) == 326
    found = Counter(tag for r in read("polstance") for tag in r.tags)
    assert found == {"national": 795, "european": 105}
    assert all(r.speaker and r.organisation for r in read("polstance"))
    assert {r.date.year for r in read("polstance") if r.date} == {2018}


def test_polstance_parties_bear_the_targets_out():
    """The direction of "for" is inferred; were it wrong, these parties would be the other way."""

    def share(party: str, tag: str) -> float:
        favor, against, _ = stances(
            "polstance", lambda r: r.organisation == party and tag in r.tags
        )
        return favor / (favor + against)

    assert share("Dansk Folkeparti", "national") > 0.9
    assert share("Radikale Venstre", "national") < 0.2
    assert share("Dansk Folkeparti", "european") < 0.3
    assert share("Radikale Venstre", "european") > 0.9


def test_argkp_has_each_argument_once_and_the_shared_task_split():
    rows = list(csv_rows(read_text(MIRROR / "argkp-2021", "ArgKP-2021_dataset.csv")))
    assert len(rows) == 27_519
    assert Counter(row["stance"] for row in rows) == {"1": 14_934, "-1": 12_585}
    assert sizes("argkp") == {"train": 5583, "dev": 932, "test": 723}
    topics = Counter(split for split, _ in {(r.split, r.target) for r in read("argkp")})
    assert topics == {"train": 24, "dev": 4, "test": 3}


def test_valueeval_parts():
    told = {"train": (4576, 226, 591), "dev": (1526, 90, 280), "test": (1266, 83, 227)}
    for split, parts in told.items():
        found = tags("valueeval", split)
        assert (found["argq"], found["ideas"], found["europe"]) == parts
