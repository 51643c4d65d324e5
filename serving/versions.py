"""Registered versions kept on disk, and which one served last: shared by services, needs no MLflow.

    CACHE/versions/<name>-<version>-<origin>/bundle/   a verified bundle
    CACHE/last-good-<follows>.json                     what `<follows>` served last

Services that share a cache share the versions; each thing followed has a last-good of its own.
Folders and files appear by renaming, whole or not at all.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from stancewire.bundle import Bundle
from stancewire.errors import BundleError

KEPT = 3
"""Versions of a model that stay on disk: the present one and two to go back to."""


class Version(BaseModel):
    """A version in the cache."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    run_id: str | None
    folder: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Name of its folder under `versions`."""


class Report(BaseModel):
    """One line from the child that asks the registry to the service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["version", "unchanged", "alive", "registry", "bundle", "cache"]
    """`alive` only says so; the last three are failures: of the registry, of the bundle it holds,
    of the folder to keep it in."""
    version: Version | None = None


class VersionCache:
    """The cache of one service."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._versions = root / "versions"

    def bundle_folder(self, version: Version) -> Path:
        """Where the bundle of `version` lies, if it is there."""
        return self._versions / version.folder / "bundle"

    def holds(self, version: Version) -> bool:
        """Whether the bundle of `version` is there and whole; marks it as used just now."""
        try:
            Bundle.open(self.bundle_folder(version)).verify()
        except (BundleError, OSError):
            return False
        with contextlib.suppress(OSError):  # a cache that is read-only or another's still serves
            os.utime(self._versions / version.folder)
        return True

    def adopt(self, version: Version, bundle: Bundle) -> None:
        """Move the files that `bundle` lists, and no others, to the place of `version`.

        The bundle's folder must be on the cache's file system. If another process was faster, its
        folder stays, provided that it is whole.
        """
        self._versions.mkdir(parents=True, exist_ok=True)
        place = self._versions / version.folder
        with self.workspace() as work:
            fresh = Path(work) / "version"
            (fresh / "bundle").mkdir(parents=True)
            for name in ("manifest.json", *bundle.manifest.files):
                (bundle.folder / name).rename(fresh / "bundle" / name)
            if place.exists() and not self.holds(version):
                place.rename(Path(work) / "torn")
            try:
                fresh.rename(place)
            except OSError as error:
                if not self.holds(version):
                    raise BundleError(f"{version.folder} could not be put in place") from error

    def workspace(self) -> tempfile.TemporaryDirectory[str]:
        """Make a folder on the same file system, gone at the end."""
        self.root.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(
            dir=self.root, prefix="incoming-", ignore_cleanup_errors=True
        )

    def sweep(self, older_than_s: float = 3600.0) -> None:
        """Delete the workspaces of processes that died in the middle of something."""
        for path in self.root.glob("incoming-*/"):
            if _used(path) < time.time() - older_than_s:
                shutil.rmtree(path, ignore_errors=True)

    def last_good(self, follows: str) -> Version | None:
        """Tell what `follows` served last, if that is known."""
        try:
            return Version.model_validate_json(self._last_good(follows).read_bytes())
        except (OSError, ValidationError):
            return None

    def remember(self, follows: str, version: Version) -> None:
        """Note what `follows` serves."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self.workspace() as work:
            fresh = Path(work) / "last-good.json"
            fresh.write_text(version.model_dump_json() + "\n")
            fresh.replace(self._last_good(follows))

    def prune(self, name: str, keep: int = KEPT) -> None:
        """Delete versions of `name` that were unused for longest, never one that serves."""
        served = set()
        for path in self.root.glob("last-good-*.json"):
            known = self.last_good(path.stem.removeprefix("last-good-"))
            served.add(known.folder if known else "")
        folders = sorted(
            (p for p in self._versions.glob("*/") if _name_of(p.name) == name),
            key=_used,
            reverse=True,
        )
        for path in folders[keep:]:
            if path.name not in served:
                shutil.rmtree(path, ignore_errors=True)

    def _last_good(self, follows: str) -> Path:
        return self.root / f"last-good-{follows}.json"


def follows(uri: str, model: str, alias: str) -> str:
    """Name of what is followed, for a file: an alias of a model in one registry."""
    return f"{model}-{alias}-{_digest(_place(uri))}"


def folder_name(uri: str, name: str, version: str, created: int) -> str:
    """Name of a version's folder.

    It says from which registry and when: a registry made anew counts from 1 again.
    """
    return f"{name}-{version}-{_digest(_place(uri), str(created))}"


def _name_of(folder: str) -> str:
    return folder.rsplit("-", 2)[0]


def _place(uri: str) -> str:
    """Address of the registry without user and password; a relative SQLite file made absolute."""
    if uri.startswith("sqlite:///"):
        return str(Path(uri.removeprefix("sqlite:///")).absolute())
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # pruned by another process meanwhile
        return 0.0
