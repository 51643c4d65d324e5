"""How a text is set: the capitals at the start of its sentences, and changes that mean nothing."""

import re
from collections.abc import Callable, Mapping

# The start of the text, after a stop (and a closing mark), and a quotation after a colon.
_START = re.compile(r"(^“?|[.!?]”?\s+“?|: “)(\w)")
_STOP = re.compile(r"\.(”?)$")


def capitalise(text: str) -> str:
    """Text with a capital at the start of each sentence; templates and fillings start small."""
    return _START.sub(lambda start: start[1] + start[2].upper(), text)


EDITS: Mapping[str, Callable[[str], str]] = {
    "as-is": lambda text: text,
    "no-stop": lambda text: _STOP.sub(r"\1", text),
    "exclamation": lambda text: _STOP.sub(r"!\1", text),
    "ellipsis": lambda text: _STOP.sub(r" …\1", text),
    "double-spaces": lambda text: text.replace(" ", "  "),
    "capitals": str.upper,
    "curly": lambda text: f"“{text}”",
    "straight": lambda text: f'"{text}"',
    "guillemets": lambda text: f"«{text}»",
    "german": lambda text: f"„{text}“",
    "single": lambda text: f"‘{text}’",
}
"""Changes of the setting by name; none of them may move a label."""
