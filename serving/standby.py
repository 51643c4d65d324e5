"""The models that need no registry: the one installed here, and the release that comes with us."""

from pathlib import Path
from typing import Literal

from stancewire.bundle import MANIFEST
from stancewire.install import installed

Standby = Literal["installed", "release"]
RELEASE = Path(__file__).parent / "release"
"""Where `stancewire release build` writes; part of the package."""


def released() -> Path | None:
    """Folder of the release bundle, if this package has one."""
    return RELEASE if (RELEASE / MANIFEST).is_file() else None


def standbys(cache: Path, release: Path | None) -> list[tuple[Standby, Path]]:
    """What can be served without a registry, what was chosen by a person first."""
    found: list[tuple[Standby, Path | None]] = [
        ("installed", installed(cache)),
        ("release", release),
    ]
    return [(name, folder) for name, folder in found if folder is not None]
