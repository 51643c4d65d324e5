"""Stancewire: the stance of a quote toward a target. Import names from here."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stancewire.bundle import Bundle
    from stancewire.errors import BundleError, DataError, GateRefused, StancewireError
    from stancewire.labels import ORDER, Label
    from stancewire.pairs import StancePair
    from stancewire.predictor import Predictor, Stance
    from stancewire.records import Record
else:
    # Loaded on first use: `stancewire --help` must not wait for numpy and onnxruntime.
    _HOMES = {
        "ORDER": "labels", "Bundle": "bundle", "BundleError": "errors", "DataError": "errors",
        "GateRefused": "errors", "Label": "labels", "Predictor": "predictor", "Record": "records",
        "Stance": "predictor", "StancePair": "pairs", "StancewireError": "errors",
    }  # fmt: skip

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "ORDER", "Bundle", "BundleError", "DataError", "GateRefused", "Label",
    "Predictor", "Record", "Stance", "StancePair", "StancewireError",
]  # fmt: skip
