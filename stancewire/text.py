"""One normal form for quotes and targets, used before training, serving, hashing and caching."""

import hashlib
import re
import unicodedata

_QUOTES = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"',
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "‹": "'", "›": "'",
        "\u2010": "-", "\u2011": "-", "\u2012": "-",
    }
)  # fmt: skip
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Text in NFC with straight quotation marks, single spaces and no invisible characters.

    Typography must not move a stance: the same words set by two newsrooms are one text.
    Case and punctuation stay. The result may be empty; it is its own normal form.
    """
    # Control, format and unassigned characters go (zero-width joints, bidi marks, lone surrogates);
    # line breaks and tabs are separators and become spaces first.
    spaced = _SPACE.sub(" ", text)
    visible = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn"))
    composed = unicodedata.normalize("NFC", visible.translate(_QUOTES))
    return _SPACE.sub(" ", composed).strip()


def fingerprint(text: str) -> str:
    """First 16 hex digits of the sha256 of the normalised, case-folded text: a statement's id."""
    return hashlib.sha256(normalise(text).casefold().encode()).hexdigest()[:16]
