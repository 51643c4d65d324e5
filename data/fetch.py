"""Public data sets from their repositories into a cache, or found in a mirror; hashes decide."""

import gzip
import hashlib
import io
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from stancewire.data.download import Limits, client, download
from stancewire.data.sources import Source, SourceFile
from stancewire.errors import DataError, Problem

BASE = "https://raw.githubusercontent.com"
CHUNK = 64 * 1024
Progress = Callable[[str, int, int | None], None]
"""Called with a file's name, its bytes so far and its bytes in all (None: unknown)."""


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/stancewire/data`, else `~/.cache/stancewire/data`."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = given if given.is_absolute() else Path.home() / ".cache"  # as the XDG standard says
    return root / "stancewire" / "data"


def fetch(
    source: Source,
    cache: Path,
    *,
    base: str = BASE,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> Path:
    """Fetch the files of `source` that `cache` lacks; gives the folder that holds them all.

    A file appears under its name only when it is whole and its hash is right. Raises `DataError`
    listing every file that could not be had; the others are kept, and so is what came of a cut one.
    """
    folder = cache / source.folder
    limits = limits or Limits()
    problems: list[Problem] = []
    with client(limits) as http:
        for file in source.files:
            if _fault(folder, file) is None:
                continue
            try:
                _fetch_one(http, file, folder, base, limits, progress)
            except DataError as error:
                problems.append(Problem(str(folder / file.name), "file", error.summary))
    if problems:
        raise DataError(f"{source.name}: {len(problems)} file(s) could not be fetched", problems)
    return folder


def verify(source: Source, folder: Path) -> list[Problem]:
    """What is missing or differs from its declared hash in `folder`; each file may be gzipped."""
    found = ((file, _fault(folder, file)) for file in source.files)
    return [Problem(str(folder / file.name), "sha256", fault) for file, fault in found if fault]


def locate(source: Source, *, mirror: Path | None = None, cache: Path | None = None) -> Path:
    """Folder of `source` in the mirror if one is given, else in the cache, if its hashes are right.

    Raises `DataError` saying which files are missing or are not what is declared, and how to get
    them.
    """
    folder = (mirror or cache or default_cache()) / source.folder
    many = len(source.files)
    if missing := [file for file in source.files if not present(folder, file)]:
        what = f"{source.name} is not in {folder}: {len(missing)} of {many} files missing"
        raise DataError(what + _advice(source, missing, mirror, cache))
    # On every read: it costs less than reading does, and a file that was cut or edited since it was
    # fetched would give other records under the same name.
    if faults := verify(source, folder):
        what = f"{source.name} in {folder} is not as declared: {len(faults)} of {many} files differ"
        raise DataError(what + _advice(source, source.files, mirror, cache), faults)
    return folder


def _advice(
    source: Source, files: Sequence[SourceFile], mirror: Path | None, cache: Path | None
) -> str:
    if mirror:
        return ""
    if any(not file.repository for file in files):
        return "; only a mirror holds it: name one with --mirror"
    option = f" --cache {cache}" if cache else ""
    return f"; `stancewire data fetch {source.name}{option}` gets them"


def present(folder: Path, file: SourceFile) -> bool:
    """Whether the file is there, gzipped or not, whatever its content."""
    return any((folder / name).is_file() for name in (file.name, f"{file.name}.gz"))


def _fault(folder: Path, file: SourceFile) -> str | None:
    if not present(folder, file):
        return "is not there"
    try:
        with _content(folder, file.name) as content:
            return _difference(content, file.sha256)
    except (OSError, EOFError, zlib.error) as error:
        return f"cannot be read: {error}"


@contextmanager
def _content(folder: Path, name: str) -> Iterator[io.BufferedIOBase]:
    plain = folder / name
    if plain.is_file():
        with plain.open("rb") as content:
            yield content
    else:
        with gzip.open(folder / f"{name}.gz") as unpacked:
            yield unpacked


def _difference(content: io.BufferedIOBase, expected: str) -> str | None:
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK):
        digest.update(chunk)
    found = digest.hexdigest()
    return None if found == expected else f"expected sha256 {expected}, found {found}"


def _fetch_one(
    http: httpx.Client,
    file: SourceFile,
    folder: Path,
    base: str,
    limits: Limits,
    progress: Progress | None,
) -> None:
    if not file.repository:
        raise DataError("a reduction that only a mirror holds; it cannot be fetched")
    url = f"{base.rstrip('/')}/{file.repository}/{file.commit}/{quote(file.path)}"
    part = folder / f"{file.name}.part"
    part.parent.mkdir(parents=True, exist_ok=True)

    def told(done: int, total: int | None) -> None:
        if progress:
            progress(file.name, done, total)

    resumed = download(http, url, part, limits=limits, progress=told)
    fault = _keep(part, folder, file, limits.max_bytes)
    if fault and resumed:  # what was there may have been the beginning of something else
        download(http, url, part, limits=limits, progress=told)
        fault = _keep(part, folder, file, limits.max_bytes)
    if fault:
        raise DataError(f"{url}: {fault}")


def _keep(part: Path, folder: Path, file: SourceFile, most: int) -> str | None:
    """Move a whole download to its name, or remove it and say what is wrong with it."""
    content = part
    try:
        if file.member:
            content = part.with_suffix(".member.part")
            _extract(part, file.member, content, most)
        with content.open("rb") as opened:
            fault = _difference(opened, file.sha256)
        if fault is None:
            content.replace(folder / file.name)
        return fault
    except DataError as error:
        return error.summary
    finally:
        for left in {part, content}:
            left.unlink(missing_ok=True)


def _extract(archive: Path, member: str, to: Path, most: int) -> None:
    """Write the zip's only file named `member`, in whichever of its folders, to `to`.

    Nothing in the zip decides where anything is written. Raises `DataError` if it is no zip, holds
    none or several of that name, or unpacks to more than `most` bytes.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            named = [i for i in opened.infolist() if f"/{i.filename}".endswith(f"/{member}")]
            if len(named) != 1:
                raise DataError(f"expected one {member} in the zip, found {len(named)}")
            if named[0].file_size > most:
                raise DataError(f"{member} unpacks to more than the {most} bytes accepted")
            with opened.open(named[0]) as content, to.open("wb") as out:
                shutil.copyfileobj(content, out, CHUNK)
    # NotImplementedError, RuntimeError: a compression that is not known, a password.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"cannot be unpacked: {error}") from error
