"""Under which licence weights may be given away, by what they were trained on."""

from collections.abc import Sequence
from typing import Any

from stancewire.bundle import Bundle
from stancewire.data import corpus
from stancewire.data.mixture import Manifest
from stancewire.data.sources import Source, declared
from stancewire.errors import ConfigError

NOTICE = "LICENCE.md"
GIVEN_AWAY = frozenset({"open", "share-alike"})
"""Terms of sources that a released model may be trained on."""


def refuse_closed(manifest: Manifest) -> None:
    """Raise `ConfigError` naming every source whose terms forbid giving the weights away."""
    closed = [
        f"{part['source']} is {part['terms']} ({part['licence']})"
        for part in manifest.parts
        if not _terms(part) <= GIVEN_AWAY
    ]
    if closed:
        listed = "; ".join(dict.fromkeys(closed))
        raise ConfigError(f"only open and share-alike sources may be released: {listed}")


def licence(manifest: Manifest) -> str:
    """Licence of weights trained on these sources."""
    shared = any("share-alike" in _terms(part) for part in manifest.parts)
    return "CC BY-SA 4.0" if shared else "Apache-2.0"


def notice(manifest: Manifest, bundle: Bundle) -> str:
    """Markdown: the licence of the weights, why it is that, and whose work is in them."""
    given = licence(manifest)
    links = {
        "CC BY-SA 4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
        "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    }
    reason = (
        "Some of the sources below are share-alike: what is made of them is passed on under the "
        "same terms."
        if given == "CC BY-SA 4.0"
        else "All sources below are openly licensed and none asks for the same terms."
    )
    encoder = bundle.manifest.made.get("encoder", "not named")
    parts = {part["source"]: part for part in manifest.parts}
    return "\n".join(
        [
            "# Licence of this model",
            "",
            f"The files in this folder are licensed under [{given}]({links[given]}). {reason} The "
            "code of Stancewire is Apache-2.0.",
            "",
            f"Fine-tuned from the encoder `{encoder}`; all-MiniLM-L6-v2 and its tokenizer are "
            "Apache-2.0 (sentence-transformers; Wang et al., MiniLM, NeurIPS 2020). No text of the "
            "sources is in these files. Changes: labels were mapped to favor, against and neutral, "
            "and a network was trained on them.",
            "",
            "| source | work | licence |",
            "|---|---|---|",
            *[line for part in parts.values() for line in _lines(part)],
            "",
        ]
    )


def _lines(part: dict[str, Any]) -> list[str]:
    name = str(part["source"])
    sources: Sequence[Source] = corpus.declarations(name)
    if not sources and name in declared():
        sources = [declared()[name]]
    if not sources:
        return [f"| {name} | original text of this project | {part['licence']} |"]
    return [f"| {name} | {s.title}. {s.citation} | {s.licence} |" for s in sources]


def _terms(part: dict[str, Any]) -> set[str]:
    return set(str(part["terms"]).split(", "))
