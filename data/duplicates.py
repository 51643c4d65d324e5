"""Finding texts that are nearly the same, where none may be."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from stancewire.text import normalise

_WORD = re.compile(r"\w+")


def shingles(text: str) -> frozenset[str]:
    """Set of the text's words, case-folded and without punctuation.

    Single words, not word pairs: in a statement of twenty words one swapped word leaves 0.9 of the
    words but only 0.8 of the pairs; and "we back A, not B" is too near to "we back B, not A".
    """
    return frozenset(_WORD.findall(normalise(text).casefold()))


def near_duplicates(
    texts: Sequence[str], groups: Sequence[str], above: float
) -> Iterator[tuple[int, int, float]]:
    """Pairs (i, j, similarity), i < j, of different groups with a Jaccard similarity > `above`.

    Exact, by prefix filtering (Chaudhuri et al., ICDE 2006): two sets that similar share one of
    their rarest words, so that only the few texts behind a rare word are compared.
    """
    sets = [shingles(text) for text in texts]
    frequency = Counter(word for one in sets for word in one)
    index: dict[str, list[int]] = defaultdict(list)
    for j, one in enumerate(sets):
        prefix = _rarest(one, frequency, above)
        for i in sorted({i for word in prefix for i in index[word] if groups[i] != groups[j]}):
            similarity = _jaccard(sets[i], one)
            if similarity > above:
                yield i, j, similarity
        for word in prefix:
            index[word].append(j)


def first_near(texts: Iterable[str], held: Sequence[str], above: float) -> dict[str, str]:
    """Texts with a Jaccard similarity > `above` to one of `held`, each with the first such one.

    Exact, as `near_duplicates` is; the texts are not compared with each other.
    """
    sets = [shingles(text) for text in held]
    frequency = Counter(word for one in sets for word in one)
    index: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(sets):
        for word in _rarest(one, frequency, above):
            index[word].append(i)
    found: dict[str, str] = {}
    for text in texts:
        words = shingles(text)
        behind = {i for word in _rarest(words, frequency, above) for i in index.get(word, ())}
        near = (i for i in sorted(behind) if _jaccard(sets[i], words) > above)
        if (first := next(near, None)) is not None:
            found[text] = held[first]
    return found


def _rarest(words: frozenset[str], frequency: Counter[str], above: float) -> list[str]:
    """As many of the rarest words as any set that similar shares at least one of."""
    rare = sorted(words, key=lambda word: (frequency[word], word))
    return rare[: len(words) - math.ceil(above * len(words)) + 1]


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
