"""The files of annotation tools: tasks go out, labels come back, and nothing of an item is lost."""

from collections.abc import Mapping

from stancewire.data.formats import argilla, doccano, label_studio, sheet
from stancewire.data.formats.tasks import Format

FORMATS: Mapping[str, Format] = {
    "csv": sheet.CSV,
    "jsonl": sheet.JSONL,
    "label-studio": label_studio.LABEL_STUDIO,
    "argilla": argilla.ARGILLA,
    "doccano": doccano.DOCCANO,
}
"""Name of a format → how it is written and read."""
