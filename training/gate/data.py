"""Data checks: the split that is judged on, leaks, the manifest, licence terms."""

from collections.abc import Iterator

from stancewire.data.mixture import Manifest
from stancewire.training.gate.config import Data
from stancewire.training.gate.evidence import Absent, Provenance
from stancewire.training.gate.verdict import Check, at_most, cannot, not_asked

ORIGIN = ("recipe", "settings", "seed", "data", "git")
"""What a bundle must say of how it was made."""


def checks(found: Provenance, limits: Data) -> list[Check]:
    """One check each of the frozen split, leakage, the manifest and the licences."""
    return [_frozen(found), _leakage(found), _manifest(found), _licence(found, limits)]


def _frozen(found: Provenance) -> Check:
    told = "; ".join(problem.message for problem in found.frozen)
    words = told or "the split that is judged on is the one that was frozen"
    return at_most("data", "frozen split", len(found.frozen), 0, words)


def _leakage(found: Provenance) -> Check:
    if isinstance(found.held_out, Absent):
        words = f"it is not known what training saw: {found.held_out.why}"
        return cannot("data", "leakage", words)
    told = [one for one in found.held_out if one.get("sha256") == found.judged_sha256]
    if not told:
        return cannot("data", "leakage", "training was never compared with the split judged on")
    leaked: dict[str, int] = told[0]["leaked"]
    reasons = "; ".join(f"{reason} ({n})" for reason, n in leaked.items())
    words = reasons or "no training record shares a topic or nearly a text with the split judged on"
    return at_most("data", "leakage", sum(leaked.values()), 0, words)


def _manifest(found: Provenance) -> Check:
    if isinstance(found.manifest, Absent):
        return cannot("data", "manifest", f"there is no manifest: {found.manifest.why}")
    gaps = list(_gaps(found, found.manifest))
    words = "; ".join(gaps) or "it says which records, of which source and licence, were trained on"
    return at_most("data", "manifest", len(gaps), 0, words)


def _gaps(found: Provenance, manifest: Manifest) -> Iterator[str]:
    if missing := [name for name in ORIGIN if found.made.get(name) in (None, "")]:
        yield f"the bundle does not say its {', '.join(missing)}"
    if manifest.digest != found.digest:
        yield "it is not the manifest that the version was registered with"
    try:
        splits = {name: one["sha256"] for name, one in manifest.content["splits"].items()}
        for part in manifest.parts:
            if not (part["source"] and part["terms"] and part["licence"] and part["splits"]):
                yield f"a source is not fully described: {part['source'] or 'without a name'}"
    except (KeyError, TypeError, AttributeError) as error:
        yield f"it lacks {error}"
        return
    if splits != found.made.get("data"):
        yield "its records are not those that the bundle was made from"


def _licence(found: Provenance, limits: Data) -> Check:
    if isinstance(found.manifest, Absent):
        return not_asked("data", "licence", "there is no manifest to read the terms from")
    parts = found.manifest.content.get("sources") and found.manifest.parts
    accepted = ", ".join(limits.accept)
    refused = [
        f"{part.get('source')} is {part.get('terms')} ({part.get('licence')})"
        for part in parts or ()
        # Terms of several sets of one source are joined by commas.
        if not set(str(part.get("terms")).split(", ")) <= set(limits.accept)
    ]
    words = "; ".join(refused) or f"all training data is {accepted}"
    return at_most("data", "licence", len(refused), 0, f"{words}; accepted: {accepted}")
