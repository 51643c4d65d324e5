"""The plain files of one folder out of an archive of strangers: bounded, and nothing but files."""

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from stancewire.bundle import MANIFEST
from stancewire.errors import BundleError

ENDINGS = (".tar.gz", ".tgz", ".zip")
MAX_FILES = 64  # a bundle has less than ten
MAX_BYTES = 1 << 29  # unpacked; the largest of our bundles has a quarter of it

_Member = tuple[str, IO[bytes]]


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of `archive`, a zip if its name says so, else a tar, into `folder`.

    They may lie at its top or in one folder of it. Raises `BundleError` for a link, a device, a
    path that leads out, more than one folder, too many files, more bytes than any bundle has, or
    what is no archive; what was written until then is the caller's to delete.
    """
    left, parents = MAX_BYTES, set[PurePosixPath]()
    members = _zipped if archive.name.endswith(".zip") else _tarred
    try:
        with members(archive) as files:
            for number, (name, content) in enumerate(files, 1):
                if number > MAX_FILES:
                    raise BundleError(f"{archive.name} holds more than {MAX_FILES} files")
                path = _inside(archive, name)
                parents.add(path.parent)
                if len(parents) > 1 or len(path.parts) > 2:
                    raise BundleError(f"{archive.name} holds more than the files of one folder")
                left = _copy(content, folder / path.name, left, archive)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        # RuntimeError and NotImplementedError: zipfile, of what is encrypted or unknown to it.
        raise BundleError(f"{archive.name} cannot be unpacked: {error}") from error
    except ValueError as error:
        raise BundleError(f"{archive.name} is no archive: {error}") from error
    if not (folder / MANIFEST).is_file():
        raise BundleError(f"{archive.name} holds no {MANIFEST}")


def _inside(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.name:
        raise BundleError(f"{archive.name}: {name!r} leads out of the archive")
    return path


def _copy(content: IO[bytes], to: Path, left: int, archive: Path) -> int:
    """Copy and count, whatever a header says of the size; gives the bytes that may still come."""
    if to.exists():
        raise BundleError(f"{archive.name} holds {to.name} twice")
    with to.open("xb") as out:
        while chunk := content.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise BundleError(f"{archive.name} unpacks to more than {MAX_BYTES} bytes")
            out.write(chunk)
    return left


@contextmanager
def _tarred(path: Path) -> Iterator[Iterator[_Member]]:
    def files() -> Iterator[_Member]:
        for member in archive:
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:  # link, device, pipe
                raise BundleError(f"{path.name}: {member.name!r} is not a plain file")
            yield member.name, content

    with tarfile.open(path, "r:gz") as archive:
        yield files()


@contextmanager
def _zipped(path: Path) -> Iterator[Iterator[_Member]]:
    def files() -> Iterator[_Member]:
        for member in archive.infolist():
            if member.is_dir():
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):  # 0: made where files have no Unix mode
                raise BundleError(f"{path.name}: {member.filename!r} is not a plain file")
            with archive.open(member) as content:
                yield member.filename, content

    with zipfile.ZipFile(path) as archive:
        yield files()
