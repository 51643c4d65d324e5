"""Settings from YAML files: read, checked against their model, every fault told at once."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from stancewire.errors import ConfigError, faults_of

M = TypeVar("M", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """What a YAML file holds. Raises `ConfigError` if it cannot be read."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def checked(model: type[M], content: object, path: Path, what: str) -> M:
    """`content`, read from `path`, as `model`.

    Raises `ConfigError` that `path` is not `what`, listing every unknown key and every value out of
    range.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path} is not {what}", faults_of(error, str(path))) from error
