"""Other words for the same question: targets reworded by rule, and names taken out.

Pure functions over strings. They change training words only (see `passes`), and only in ways that
keep every label: whoever is against a levy is against the support for it, and who speaks of whom
does not depend on what they are called.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence

from stancewire.training.passes import Vary
from stancewire.training.recipe import Augment

_CLAIM = ("the claim that", "the statement that", "the idea that")
_CLAIMED = re.compile(rf"(?:{'|'.join(_CLAIM)}|that) (?P<rest>\S.*)", re.IGNORECASE | re.DOTALL)
_SUPPORT = ("support for", "backing for")
_SUPPORTED = re.compile(rf"(?:{'|'.join(_SUPPORT)}) (?P<rest>\S.*)", re.IGNORECASE | re.DOTALL)
# A sentence is known by a verb that can hardly be anything else, after at least one word.
_SENTENCE = re.compile(
    r"(?!(?:how|that|to|what|when|where|whether|which|who|whose|why|if)\b)[\w\"'].*?\s"
    r"(?:is|are|was|were|has|have|had|does|do|did|should|must|will|would|can|cannot|could)\s+\S",
    re.IGNORECASE | re.DOTALL,
)
# A thing is known by its article; a clause behind it would be read with the support for it.
_THING = re.compile(r"(?:an?|the|this|these|our|its) (?:[\w'-]+ ?){1,6}", re.IGNORECASE)
_CLAUSE = re.compile(r"\b(?:that|which|who|whether|against|of|to)\b", re.IGNORECASE)
_STANCE = re.compile(
    r"\b(?:support|backing|opposition|claim|statement|idea|call|demand|criticism)s?\b",
    re.IGNORECASE,
)

_NAME = re.compile(r"\b[A-Z][\w]*(?:[-'’&.]?[A-Za-z]\w*)*(?: [A-Z][\w]*(?:[-'’&.]?[A-Za-z]\w*)*)*")
_START = re.compile(r"(?:^|[.!?:;]\s|[\"“‘(\[]\s?|[.!?][\"”’)]\s)$")
_CALENDAR = re.compile(  # no names, though they are written as such
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|i(?:['’](?:m|ve|ll|d))?|english",
    re.IGNORECASE,
)
_COMMON = re.compile(
    r"an?|the|this|these|those|our|its|we|they|people|it|there|all|no|every", re.IGNORECASE
)


def paraphrases(target: str) -> list[str]:
    """Other wordings of a target with the same answer; none if no rule is sure of itself.

    "the claim that X", "the statement that X" and "X" for a sentence X; "support for X" and "X" for
    a thing X.
    """
    plain = " ".join(target.split())
    if claimed := _CLAIMED.fullmatch(plain):
        rest = claimed["rest"]
        wordings = [*(f"{opening} {rest}" for opening in _CLAIM), rest]
    elif supported := _SUPPORTED.fullmatch(plain):
        rest = supported["rest"]
        wordings = [*(f"{opening} {rest}" for opening in _SUPPORT), rest]
    elif _SENTENCE.match(plain):
        bare = _lower_first(plain.rstrip(" .!"))
        wordings = [f"{opening} {bare}" for opening in _CLAIM]
    elif _THING.fullmatch(plain) and not (_CLAUSE.search(plain) or _STANCE.search(plain)):
        wordings = [f"{opening} {_lower_first(plain)}" for opening in _SUPPORT]
    else:
        wordings = []
    return [one for one in dict.fromkeys(wordings) if one.casefold() != plain.casefold()]


def mask_names(text: str, targets: Sequence[str]) -> tuple[str, list[str]]:
    """Text and targets with every name replaced by "Name A", "Name B", …, alike in all of them.

    A name is a run of capitalised words that does not merely begin a sentence; part of a longer
    name ("Merkel") is that name. Of words that are all in capitals, none can be told to be a name.
    """
    whole = [text, *targets]
    if any(one.isupper() and len(one.split()) > 3 for one in whole):
        return text, list(targets)
    known = _names(whole)
    if not known:
        return text, list(targets)
    longest = sorted(known, key=lambda name: (-len(name), name))
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
    masked = [pattern.sub(lambda found: known[found[0]], one) for one in whole]
    return masked[0], masked[1:]


def vary_by(augment: Augment | None) -> Vary | None:
    """What `passes.Passes` rewords a pass with, by the chances given; none if nothing is to be."""
    if augment is None or augment == Augment():
        return None

    def vary(text: str, targets: Sequence[str], rng: random.Random) -> tuple[str, list[str]]:
        said = list(targets)
        if rng.random() < augment.mask_names:
            text, said = mask_names(text, said)
        return text, [_reworded(one, augment.paraphrase, rng) for one in said]

    return vary


def _reworded(target: str, chance: float, rng: random.Random) -> str:
    if rng.random() >= chance:
        return target
    wordings = paraphrases(target)
    return rng.choice(wordings) if wordings else target


def _names(texts: Sequence[str]) -> dict[str, str]:
    """Each name, in order of appearance, with what stands for it; parts share their whole's."""
    runs = list(dict.fromkeys(run for text in texts for run in _runs(text)))
    known: dict[str, str] = {}
    wholes: list[str] = []
    for run in sorted(runs, key=lambda one: -len(one.split())):  # stable: then as they appear
        words = set(run.split())
        if not any(words <= set(one.split()) for one in wholes):
            wholes.append(run)
    order = sorted(wholes, key=lambda one: min(runs.index(r) for r in runs if _is_part(r, one)))
    stands = {whole: f"Name {_letters(number)}" for number, whole in enumerate(order)}
    for run in runs:
        known[run] = next(stands[whole] for whole in wholes if _is_part(run, whole))
    return known


def _runs(text: str) -> list[str]:
    """Runs of capitalised words; one that begins a sentence loses its first word if in doubt."""
    elsewhere = Counter(
        word
        for found in _NAME.finditer(text)
        for i, word in enumerate(found[0].split())
        if i or not _START.search(text[: found.start()])
    )
    runs = []
    for found in _NAME.finditer(text):
        words = found[0].split()
        begins = bool(_START.search(text[: found.start()]))
        if begins and not (words[0] in elsewhere or (words[0].isupper() and len(words[0]) > 1)):
            words = words[1:]
        words = [word for word in words if not _CALENDAR.fullmatch(word)]
        if words and " ".join(words) in found[0]:
            runs.append(" ".join(words))
    return runs


def _is_part(run: str, whole: str) -> bool:
    return set(run.split()) <= set(whole.split())


def _letters(number: int) -> str:
    """A, B, …, Z, AA, AB, …: one for each name, however many there are."""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else _letters(number // 26 - 1) + letter


def _lower_first(words: str) -> str:
    """Without the capital that only begins a sentence; a name or acronym keeps its own."""
    first, _, rest = words.partition(" ")
    common = _COMMON.fullmatch(first)
    return f"{first.lower()} {rest}" if common and rest else words
