"""A bundle: the folder of plain files that training writes and serving reads, and nothing else.

`manifest.json` names every other file with its size and sha256. A file is hashed on the very bytes
that are used, so that what was checked is what runs. Nothing in a bundle is code, nothing is
unpickled.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from stancewire.calibration import Calibration
from stancewire.errors import BundleError
from stancewire.labels import ORDER
from stancewire.pairs import Encoding

MANIFEST = "manifest.json"
MODEL = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
TOKENIZER = "tokenizer.json"
LABELS = "labels.json"
CALIBRATION = "calibration.json"
TFIDF = "tfidf.json"

Precision = Literal["fp32", "int8"]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class FileEntry(BaseModel):
    """Size in bytes and sha256 of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = Field(ge=0)
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What is in a bundle and how to read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Literal[1] = 1
    family: Literal["packed", "frozen", "tfidf"]
    encoding: Encoding | None = None
    """How pairs become tokens; none for a family that reads no tokens."""
    precision: Precision = "fp32"
    """Which graph is served unless asked otherwise, and was measured."""
    made: dict[str, Any] = {}
    """For people: run id, data hashes, base model, versions."""
    files: dict[FileName, FileEntry]


class Bundle:
    """An opened bundle. Files are verified when read."""

    def __init__(self, folder: Path, manifest: Manifest, sha256: str) -> None:
        self.folder = folder
        self.manifest = manifest
        self.sha256 = sha256
        """Of the manifest, and through it of everything: the identity of the bundle."""

    @classmethod
    def open(cls, folder: Path | str) -> "Bundle":
        """Bundle in `folder`. Raises `BundleError` if it is none or of an unknown layout."""
        folder = Path(folder)
        raw = _read(folder / MANIFEST)
        try:
            manifest = Manifest.model_validate_json(raw)
        except ValidationError as error:
            raise BundleError(
                f"{folder / MANIFEST} is not a manifest of layout 1: {error}"
            ) from error
        bundle = cls(folder, manifest, hashlib.sha256(raw).hexdigest())
        if bundle.json(LABELS) != [label.value for label in ORDER]:
            raise BundleError(f"{folder / LABELS} does not hold the labels in their order")
        return bundle

    def bytes(self, name: str) -> bytes:
        """Content of one file, checked against the manifest."""
        entry = self.manifest.files.get(name)
        if entry is None:
            raise BundleError(f"{self.folder} has no {name}")
        content = _read(self.folder / name)
        if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise BundleError(f"{self.folder / name} is not the file that the manifest describes")
        return content

    def json(self, name: str) -> Any:
        """Content of one JSON file, checked against the manifest."""
        try:
            return json.loads(self.bytes(name))
        except (ValueError, RecursionError) as error:  # the latter: nested too deeply
            raise BundleError(f"{self.folder / name} is not JSON: {error}") from error

    def calibration(self) -> Calibration:
        """The fitted calibration."""
        try:
            return Calibration.model_validate_json(self.bytes(CALIBRATION))
        except ValidationError as error:
            where = self.folder / CALIBRATION
            raise BundleError(f"{where} is not a calibration: {error}") from error

    def verify(self) -> None:
        """Check every file; raises `BundleError` on the first that is missing or changed."""
        for name in self.manifest.files:
            self.bytes(name)


def write_bundle(folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Bundle:
    """Write `files` and a manifest that lists them, then open the result.

    `manifest` holds the manifest's other fields. The manifest is written last, so that a folder
    whose writing was cut short is not a bundle. Raises `BundleError`, before writing, for a name
    that is not a plain file name or a field that a manifest does not have.
    """
    everything = {LABELS: json.dumps([label.value for label in ORDER]).encode(), **files}
    try:  # before anything is written: a name must not lead out of the folder
        whole = Manifest(
            files={name: _entry(content) for name, content in everything.items()}, **manifest
        )
    except ValidationError as error:
        raise BundleError(f"{folder} would not be a bundle: {error}") from error
    if MANIFEST in everything:
        raise BundleError(f"{MANIFEST} is written last, from the others; it cannot be given")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, content in everything.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text(whole.model_dump_json(indent=2) + "\n")
    return Bundle.open(folder)


def _entry(content: bytes) -> FileEntry:
    return FileEntry(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}") from error
