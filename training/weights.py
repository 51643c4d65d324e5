"""A classifier's weights as one safetensors file: what a run leaves and another begins with."""

import hashlib
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model, save_model

from stancewire.errors import ConfigError
from stancewire.training.model import PackedClassifier

WEIGHTS = "weights.safetensors"
"""Name of the file in a run's folder and in that of a stage."""


def write(classifier: PackedClassifier, path: Path, *, identity: str) -> str:
    """Write the weights with the `identity` of what they were trained by; gives their sha256.

    The file is there as a whole or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    save_model(classifier, str(partial), metadata={"identity": identity})
    os.replace(partial, path)
    return sha256(path)


def read(classifier: PackedClassifier, path: Path) -> str:
    """Load weights into the classifier; gives their sha256.

    Raises `ConfigError` if there are none or they are those of another network.
    """
    try:
        load_model(classifier, str(path))
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"cannot begin with the weights in {path}: {reason}") from error
    return sha256(path)


def identity(path: Path) -> str | None:
    """Of what the weights were trained by; none if there is no such file or it does not say."""
    try:
        with safe_open(str(path), framework="pt") as file:
            return (file.metadata() or {}).get("identity")
    except (OSError, SafetensorError):
        return None


def find(init: str) -> Path:
    """The weights that `init` of a recipe names: a file, a run's folder, or its bundle's.

    Raises `ConfigError` if there are none. A bundle holds graphs, so its run's weights are taken.
    """
    given = Path(init)
    for path in (given, given / WEIGHTS, given.parent / WEIGHTS):
        if path.is_file() and (given.is_file() or path.parent == given or given.name == "bundle"):
            return path
    raise ConfigError(f"init: {init} is no weights file and no folder of a packed run ({WEIGHTS})")


def sha256(path: Path) -> str:
    """Of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
