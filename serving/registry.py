"""Asks an MLflow registry which version an alias names, and fetches it: a process of its own.

    python -m stancewire.serving.registry --model NAME --alias ALIAS --cache DIR

MLflow stays out of the serving process (its memory, its imports, its failures). Files are copied
and hashed; nothing of a model is imported, unpickled or executed. Every line on stdout is one
`versions.Report`; the process ends when its stdin does, that is with its parent.
"""

import argparse
import contextlib
import json
import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from stancewire.bundle import MANIFEST, Bundle
from stancewire.errors import BundleError, RegistryError
from stancewire.serving.versions import Report, Version, VersionCache, folder_name

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 900.0
"""Between attempts at a version that was refused."""

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",  # nothing is loaded here; should it ever be
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # the next poll is the retry
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Registry:
    """One alias of one model in one registry, and the cache its versions go to."""

    def __init__(self, uri: str, model: str, alias: str, cache: VersionCache) -> None:
        self._uri = uri
        self._model = model
        self._alias = alias
        self._cache = cache
        self._client: Any = None

    def resolve(self) -> Version:
        """Version that the alias names now. Raises `RegistryError` if there is none."""
        _must_exist(self._uri)
        try:
            if self._client is None:
                from mlflow import MlflowClient

                self._client = MlflowClient(self._uri, self._uri)
            found = self._client.get_model_version_by_alias(self._model, self._alias)
        except Exception as error:  # MLflow lets SQLAlchemy's, urllib3's and its own through
            raise RegistryError(_told(error)) from error
        return Version(
            name=self._model,
            version=str(found.version),
            run_id=found.run_id or None,
            folder=folder_name(
                self._uri, self._model, str(found.version), found.creation_timestamp
            ),
        )

    def fetch(self, version: Version) -> None:
        """Bring `version` into the cache, verified. Raises `RegistryError` or `BundleError`."""
        if self._cache.holds(version):
            return
        with self._cache.workspace() as work:
            bundle = Bundle.open(find_bundle(self._download(version, work)))
            bundle.verify()
            self._cache.adopt(version, bundle)

    def _download(self, version: Version, folder: str) -> Path:
        try:
            from mlflow.artifacts import download_artifacts

            given = download_artifacts(
                artifact_uri=f"models:/{version.name}/{version.version}",
                dst_path=folder,
                tracking_uri=self._uri,
                registry_uri=self._uri,
            )
        except Exception as error:  # as above
            raise RegistryError(_told(error)) from error
        if Path(folder) in Path(given).parents or given.rstrip("/") == folder:
            return Path(given)
        # What is given back is moved away, and must not be the registry's own.
        return Path(shutil.copytree(given, Path(folder) / "copy"))


def find_bundle(folder: Path) -> Path:
    """Folder at or below `folder` that holds a bundle's manifest. Raises `BundleError`."""
    for path in sorted(folder.rglob(MANIFEST)):
        with contextlib.suppress(OSError, ValueError, RecursionError):
            content = json.loads(path.read_bytes())
            if isinstance(content, dict) and "layout" in content:
                return path.parent
    raise BundleError("the registered model holds no bundle")


class Watcher:
    """Polls, and reports what changed."""

    def __init__(
        self,
        registry: Registry,
        cache: VersionCache,
        every_s: float,
        tell: Callable[[Report], None],
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._every_s = every_s
        self._tell = tell
        self._told: Version | None = None
        self._refused: Version | None = None
        self._again_at = 0.0
        self._wait_s = every_s

    def look(self) -> None:
        """Ask once."""
        try:
            version = self._registry.resolve()
            if version == self._told:
                self._tell(Report(kind="unchanged"))
            elif version == self._refused and time.monotonic() < self._again_at:
                self._tell(Report(kind="alive"))
            else:
                self._take(version)
        except RegistryError as error:
            log.warning("registry: %s", error)
            self._tell(Report(kind="registry"))
        except OSError as error:
            log.warning("cache: %s", error)
            self._tell(Report(kind="cache"))

    def _take(self, version: Version) -> None:
        self._tell(Report(kind="alive"))
        try:
            self._registry.fetch(version)
        except BundleError as error:
            log.warning("version %s is refused: %s", version.version, error)
            self._put_off(version)
            self._tell(Report(kind="bundle"))
            return
        self._told, self._refused = version, None
        self._tell(Report(kind="version", version=version))
        self._cache.prune(version.name)

    def _put_off(self, version: Version) -> None:
        """Wait before fetching again: what is broken now is likely broken at the next poll."""
        again = version == self._refused
        self._wait_s = min(LONGEST_WAIT_S, 2 * self._wait_s if again else self._every_s)
        self._refused = version
        self._again_at = time.monotonic() + self._wait_s


def main(arguments: list[str]) -> None:
    """Watch until stdin ends."""
    options = _options(arguments)
    os.environ.update(_ENVIRONMENT)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    out = sys.stdout
    sys.stdout = sys.stderr  # stdout is for reports alone; libraries print too
    threading.Thread(target=_end_with, args=(sys.stdin,), daemon=True).start()

    def tell(report: Report) -> None:
        out.write(report.model_dump_json() + "\n")
        out.flush()

    cache = VersionCache(options.cache)
    cache.sweep()
    registry = Registry(options.uri, options.model, options.alias, cache)
    watcher = Watcher(registry, cache, options.every, tell)
    while True:
        watcher.look()
        time.sleep(options.every)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stancewire.serving.registry", description=__doc__)
    # Better by the environment: a process list shows arguments, and a URI may hold a password.
    parser.add_argument("--uri", default=os.environ.get("MLFLOW_TRACKING_URI"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between polls")
    options = parser.parse_args(arguments)
    if not options.uri:
        parser.error("no registry: give --uri or set MLFLOW_TRACKING_URI")
    return options


def _end_with(stream: TextIO) -> None:
    while stream.read(4096):
        pass
    os._exit(0)  # even in the middle of a download: what it wrote is swept by the next start


def _must_exist(uri: str) -> None:
    """MLflow would create a SQLite file that is not there, and call the empty registry healthy."""
    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///"))
        if not path.is_file():
            raise RegistryError(f"there is no {path}")


def _told(error: Exception) -> str:
    """Class and message, without the user and password of an address: the log is for more eyes."""
    return re.sub(r"//[^/\s]+@", "//", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
