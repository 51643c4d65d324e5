"""What holds of the templates and of everything that they expand to."""

import re
import string
from collections import Counter
from pathlib import Path

import pytest
import yaml

from stancewire.data import corpus
from stancewire.data.duplicates import first_near
from stancewire.errors import ConfigError
from stancewire.labels import Label
from stancewire.text import fingerprint
from stancewire.training.behaviour.cases import Case, Kind, digest
from stancewire.training.behaviour.expand import expand, names
from stancewire.training.behaviour.setting import EDITS, capitalise
from stancewire.training.behaviour.templates import FILES, FOLDER, load

SEEDS = (13, 1, 2)
NEAR = 0.75
"""Jaccard similarity of words from which two texts count as one."""
REQUIRED = {
    "negation", "double-negation", "rejected-accusation", "denial-cue", "reported-claim",
    "feeling-is-not-stance", "paraphrased-target", "irrelevant-target", "concession", "condition",
    "refusal-to-comment", "numbers-only", "past-against-present", "thanks-without-endorsement",
    "comparison", "rhetorical-question", "scare-quotes", "target-swap", "negation-added",
    "verb-flipped", "speaker-name", "speaker-gender", "speaker-role", "country", "outlet", "date",
    "punctuation", "quote-marks",
}  # fmt: skip


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [case for seed in SEEDS for case in expand(seed=seed)]


@pytest.fixture(scope="module")
def texts(cases: list[Case]) -> list[str]:
    return sorted({pair.text for case in cases for pair in case.pairs})


def test_every_capability_has_its_cases():
    counts = Counter(case.capability for case in expand())
    assert counts.keys() == names().keys() >= REQUIRED
    assert len(counts) >= 20
    assert min(counts.values()) >= 50


def test_no_case_is_asked_twice():
    cases = expand()
    assert len({(case.capability, case.pairs) for case in cases}) == len(cases)


def test_the_same_seed_gives_the_same_cases_and_another_seed_others():
    assert expand(seed=5) == expand(seed=5)
    assert digest(expand(seed=5)) != digest(expand(seed=6))


def test_every_template_and_every_policy_is_used(cases: list[Case]):
    suite = load()
    used = {case.template for case in cases}
    written = [
        t.text for part in (suite.minimum, suite.swap) for c in part.values() for t in c.templates
    ]
    written += [t.after for c in suite.direction.values() for t in c.templates]
    assert not set(written) - used
    asked = " ".join(pair.target for case in cases for pair in case.pairs)
    assert all(policy.the in asked for policy in suite.lexicon.policies)


def test_no_expansion_stands_in_what_models_are_trained_or_measured_on(
    cases: list[Case], texts: list[str]
):
    records = [r for source in corpus.OWN for r in corpus.read(source)]
    held = sorted({record.text for record in records})
    known = {fingerprint(text) for text in held}
    assert [text for text in texts if fingerprint(text) in known] == []
    assert first_near(texts, held, NEAR) == {}
    targets = {fingerprint(record.target) for record in records}
    asked = {pair.target for case in cases for pair in case.pairs}
    assert [target for target in asked if fingerprint(target) in targets] == []


def test_every_text_is_well_set(texts: list[str]):
    edited = "  ", "…", "““"  # what an edit makes on purpose
    for text in texts:
        if any(mark in text for mark in edited) or text.isupper():
            continue
        assert not set("{}") & set(text), text
        assert text[0] in string.ascii_uppercase + '“«„‘"', text
        assert text == text.strip() and not re.search(r" [.,;:?]|\.\.|,,|\ba [aeio]", text), text
        assert not re.search(r"[.?!] [a-z]|\b(\w+) \1\b", text), text
        assert text.count("“") == text.count("”") or "„" in text, text
        assert text.count("‘") == text.count("’"), text


def test_no_pair_has_two_labels(cases: list[Case]):
    labels: dict[tuple[str, str], Label] = {}
    for case in cases:
        for pair, label in zip(case.pairs, case.labels, strict=False):
            assert labels.setdefault((pair.text, pair.target), label) is label, pair


def test_a_swap_asks_for_several_labels_of_one_text(cases: list[Case]):
    for case in cases:
        if case.kind is Kind.SWAP:
            assert len({pair.text for pair in case.pairs}) == 1
            assert len(set(case.labels)) == len(case.pairs) > 1


def test_opposite_targets_never_get_the_same_side(cases: list[Case]):
    for case in cases:
        if case.capability in ("target-swap", "claim-swap"):
            assert set(case.labels) == {Label.FAVOR, Label.AGAINST}


def test_an_irrelevant_target_shares_no_field_with_the_text(cases: list[Case]):
    policies = {policy.the: policy for policy in load().lexicon.policies}
    for case in (c for c in cases if c.capability == "irrelevant-target"):
        (pair,) = case.pairs
        (spoken_of,) = (p for p in policies.values() if p.the.casefold() in pair.text.casefold())
        assert not set(spoken_of.fields) & set(policies[pair.target].fields)
        assert case.labels == (Label.NEUTRAL,)


def test_variants_differ_in_what_is_exchanged_alone(cases: list[Case]):
    variants = load().lexicon.variants
    for case in (c for c in cases if c.kind is Kind.INVARIANCE and c.groups):
        assert len({pair.target for pair in case.pairs}) == 1
        assert len(set(case.groups)) == len(case.pairs) == len({p.text for p in case.pairs}) > 1
        vary = load().invariance.capabilities[case.capability].vary
        if vary is None or vary in ("titles", "openings"):
            continue
        rests = []
        for pair, group in zip(case.pairs, case.groups, strict=True):
            words = pair.text.casefold()
            members = [v.text.casefold() for v in variants[vary] if v.group == group]
            rests.append({words.replace(member, "_") for member in members if member in words})
        assert set.intersection(*rests), case.pairs


def test_a_movement_has_one_target_and_two_texts(cases: list[Case]):
    for case in (c for c in cases if c.kind is Kind.DIRECTION):
        before, after = case.pairs
        assert before.target == after.target and before.text != after.text
        assert case.moves in ("up", "down")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("we agree. so do I.", "We agree. So do I."),
        ("the minister said: “we agree.”", "The minister said: “We agree.”"),
        ("“it is 9.4 million.” so said she.", "“It is 9.4 million.” So said she."),
        ("to be brief: we agree; they do not.", "To be brief: we agree; they do not."),
        ("", ""),
    ],
)
def test_sentences_start_with_a_capital(text: str, wanted: str):
    assert capitalise(text) == wanted


@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit != "as-is"])
def test_an_edit_changes_the_setting_and_no_word(edit: str):
    text = "We agree, “they do not.”"
    edited = EDITS[edit](text)
    assert edited != text
    assert re.findall(r"\w+", edited.casefold()) == re.findall(r"\w+", text.casefold())


def test_too_few_templates_are_told():
    with pytest.raises(ConfigError, match=r"'plain-stance' give \d+ cases, not 5000"):
        expand(per_capability=5000)


def copied(folder: Path, name: str, change: dict[str, object] | str) -> Path:
    for file in FILES:
        (folder / f"{file}.yaml").write_text((FOLDER / f"{file}.yaml").read_text())
    text = change if isinstance(change, str) else yaml.safe_dump(change)
    (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("negation: {says: x, templates: []}", "minimum.negation.templates"),
        ("negation: {says: x, templates: [{text: a, ask: {p: maybe}}]}", "minimum.negation"),
        ("negation: {says: x, extra: 1, templates: [{text: a, ask: {p: favor}}]}", "extra"),
        ("negation: [", "minimum.yaml cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, change: str, said: str):
    with pytest.raises(ConfigError, match=said):
        load(copied(tmp_path, "minimum", change))


@pytest.mark.parametrize("text", ["a {unknown}", "a {p.unknown}"])
def test_an_unknown_slot_or_target_is_told(tmp_path: Path, text: str):
    content = {"x": {"says": "x", "templates": [{"text": text, "ask": {"p": "favor"}}]}}
    with pytest.raises(ConfigError, match="unknown"):
        expand(load(copied(tmp_path, "minimum", content)))
    content = {"x": {"says": "x", "templates": [{"text": "a", "ask": {"nobody": "favor"}}]}}
    with pytest.raises(ConfigError, match="nobody"):
        load.cache_clear()
        expand(load(copied(tmp_path, "minimum", content)))


def test_the_page_lists_every_capability_as_it_is():
    page = (Path(__file__).parents[4] / "docs" / "behaviour.md").read_text(encoding="utf-8")
    kinds = {case.capability: case.kind.value for case in expand(per_capability=1)}
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.+) \|$", page, flags=re.M)
    wanted = [(name, kinds[name], says.rstrip(".")) for name, says in names().items()]
    assert [(n, k, says.replace(" · rule", "; rule")) for n, k, says in rows] == wanted
