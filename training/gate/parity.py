"""Parity: int8, where it is served, answers as fp32 does."""

from stancewire.bundle import MODEL, Bundle
from stancewire.predictor import Predictor
from stancewire.training.evaluate import Evaluation, evaluate
from stancewire.training.gate.config import ParityLimits
from stancewire.training.gate.evidence import Absent, Parity
from stancewire.training.gate.verdict import Check, at_most, cannot, not_asked
from stancewire.training.metrics import macro_f1

LABELS, F1 = "int8 labels", "int8 macro-F1"


def measure(bundle: Bundle, served: Evaluation, *, threads: int) -> Parity | None:
    """int8 against fp32 on the records of `served`; none if it was not int8 that answered them.

    Raises `BundleError` if there is no fp32 graph to compare with.
    """
    if bundle.manifest.family == "tfidf" or bundle.manifest.precision != "int8":
        return None
    predictor = Predictor.load(bundle, precision="fp32", threads=threads)
    fp32 = evaluate("fp32", predictor, served.records)
    before, after = (macro_f1(e.gold, e.predicted) for e in (fp32, served))
    return Parity(float((fp32.predicted != served.predicted).mean()), before - after)


def has_both(bundle: Bundle) -> bool:
    """Whether the bundle serves int8 and holds the fp32 graph that it was made from."""
    return bundle.manifest.precision == "int8" and MODEL["fp32"] in bundle.manifest.files


def checks(found: Parity | Absent | None, limits: ParityLimits) -> list[Check]:
    """One check of labels, one of macro-F1."""
    if found is None:
        return [not_asked("parity", name, "int8 is not served") for name in (LABELS, F1)]
    if isinstance(found, Absent):
        return [cannot("parity", LABELS, f"int8 cannot be compared with fp32: {found.why}")]
    return [
        at_most("parity", LABELS, found.flips, limits.max_flips,
                "share of the judged pairs whose label int8 changes"),
        at_most("parity", F1, found.f1_drop, limits.max_f1_drop,
                "fall of macro-F1 from fp32 to int8"),
    ]  # fmt: skip
