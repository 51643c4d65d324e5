"""Finding texts that are nearly the same, across groups that must not share any."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

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
        rare = sorted(one, key=lambda word: (frequency[word], word))
        prefix = rare[: len(one) - math.ceil(above * len(one)) + 1]
        for i in sorted({i for word in prefix for i in index[word] if groups[i] != groups[j]}):
            similarity = _jaccard(sets[i], one)
            if similarity > above:
                yield i, j, similarity
        for word in prefix:
            index[word].append(j)


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
