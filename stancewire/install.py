"""Puts a bundle from a folder, a file or an address where this machine's commands find it.

    ROOT/installed/<sha256 of the manifest>/   the files
    ROOT/installed.json                        which of them counts

Both appear by renaming: what was installed before stays until the new one is whole and loads.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stancewire.bundle import MANIFEST, Bundle
from stancewire.errors import BundleError, ConfigError
from stancewire.predictor import Predictor
from stancewire.sums import SUMS, check_sums, read_sums
from stancewire.unpack import ENDINGS, unpack

MAX_DOWNLOAD = 1 << 28  # bytes
STALL_S = 30.0
"""Longest silence of a server."""
_NOTE, _FOLDERS = "installed.json", "installed"


def install(source: str, root: Path, *, sha256: str | None = None) -> Bundle:
    """Install the bundle at `source` below `root`; gives it as installed.

    `source` is a folder, a .tar.gz, .tgz or .zip file, or an address (https, http, file) of one.
    `sha256` is that of the file, of a folder that of its manifest.json; an address needs one.
    Raises `ConfigError` if the source or the hash is none, `BundleError` if what is there is not
    what the hash says, or no whole bundle that loads. Nothing of it is executed or unpickled.
    """
    if sha256 is not None and not _is_sha256(sha256):
        raise ConfigError(f"--sha256: {sha256!r} is not a sha256, 64 hexadecimal digits")
    root.mkdir(parents=True, exist_ok=True)
    # Named as the workspaces of `serving.versions`, which sweeps those that were left behind.
    with tempfile.TemporaryDirectory(dir=root, prefix="incoming-") as work:
        fresh = Path(work) / "bundle"
        fresh.mkdir()
        _gather(source, sha256 and sha256.lower(), Path(work), fresh)
        bundle = Bundle.open(fresh)
        bundle.verify()
        if (fresh / SUMS).is_file():
            check_sums(fresh)
        Predictor.load(bundle)
        return _put(bundle, root, Path(work))


def installed(root: Path) -> Path | None:
    """Folder of the bundle that was installed last, if one was."""
    try:
        name = json.loads((root / _NOTE).read_bytes())["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    folder = root / _FOLDERS / str(name)
    return folder if _is_sha256(str(name)) and folder.is_dir() else None


def _gather(source: str, sha256: str | None, work: Path, fresh: Path) -> None:
    """Bring the files at `source` into `fresh`, the hash compared before anything is opened."""
    parts = urlsplit(source)
    if parts.scheme in ("http", "https", "file"):
        if sha256 is None:
            raise ConfigError("an address needs --sha256: what comes from it could be anything")
        path = Path(unquote(parts.path))
        if parts.scheme != "file":
            path = work / _archive_name(path.name)
            _download(source, path)
    elif "://" in source:
        raise ConfigError(f"{source!r} is no https, http or file address")
    else:
        path = Path(source)
    if path.is_dir():
        _check(path / MANIFEST, sha256)
        _copy_bundle(path, fresh)
        return
    _archive_name(path.name)
    _check(path, sha256)
    unpack(path, fresh)


def _archive_name(name: str) -> str:
    if not name.endswith(ENDINGS):
        raise ConfigError(f"{name!r} is neither a folder nor a file ending in {', '.join(ENDINGS)}")
    return name


def _download(url: str, path: Path) -> None:
    import httpx  # the service reads `installed`, and never downloads

    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=STALL_S) as response,
            path.open("wb") as out,
        ):
            response.raise_for_status()
            for chunk in response.iter_raw():
                out.write(chunk)
                if out.tell() > MAX_DOWNLOAD:
                    raise BundleError(f"{url}: sends more than {MAX_DOWNLOAD} bytes")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BundleError(f"{url}: {error or type(error).__name__}") from error


def _check(path: Path, sha256: str | None) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}") from error
    if sha256 not in (None, found):
        raise BundleError(f"{path.name} is another file: its sha256 is {found}, not {sha256}")


def _copy_bundle(folder: Path, fresh: Path) -> None:
    """Copy what the manifest lists and what the list of hashes beside it does, and no more."""
    names = {MANIFEST, *Bundle.open(folder).manifest.files}
    if (folder / SUMS).is_file():
        names |= {SUMS, *read_sums(folder)}
    for name in sorted(names):
        try:
            shutil.copyfile(folder / name, fresh / name)
        except OSError as error:
            raise BundleError(f"cannot read {folder / name}: {error.strerror}") from error


def _put(bundle: Bundle, root: Path, work: Path) -> Bundle:
    place = root / _FOLDERS / bundle.sha256
    place.parent.mkdir(exist_ok=True)
    if place.exists():  # the same bundle; its files may have been damaged since
        place.rename(work / "before")
    bundle.folder.rename(place)
    note = work / _NOTE
    note.write_text(json.dumps({"folder": bundle.sha256}) + "\n", encoding="utf-8")
    note.replace(root / _NOTE)
    for other in place.parent.iterdir():
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    return Bundle.open(place)


def _is_sha256(value: str) -> bool:
    return len(value) == 64 and set(value.lower()) <= set("0123456789abcdef")
