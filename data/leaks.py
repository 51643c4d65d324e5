"""Whether anything trained on gives away the splits that a gate judges on."""

from collections.abc import Sequence
from typing import Any

from stancewire.data import corpus
from stancewire.data.corpus import Corpus
from stancewire.data.files import content_hash
from stancewire.data.frozen import judged
from stancewire.data.topics import keep_topics_apart
from stancewire.records import Record


def leaks(trained: Sequence[Record], data: Corpus) -> list[dict[str, Any]]:
    """For each split that a gate could judge on: what of `trained` must not be there, counted.

    Looked at are the run's own corpus `data` and the press corpus. A training record leaks if its
    topic is one of the split's, or its text is nearly one (`topics.keep_topics_apart`). No text is
    told: a split goes by its content hash.
    """
    whole = [data] if data.name == "press" else [data, corpus.load("press")]
    return [_leaks(trained, one) for one in whole]


def _leaks(trained: Sequence[Record], one: Corpus) -> dict[str, Any]:
    split = judged(one)
    held = getattr(one, split)
    _, removed = keep_topics_apart(trained, held)
    return {
        "corpus": one.name,
        "split": split,
        "sha256": content_hash(held),
        "leaked": dict(removed),
    }
