"""`SHA256SUMS`: the hashes of a folder's files, in the form that `sha256sum --check` reads."""

import hashlib
import re
from pathlib import Path

from stancewire.errors import BundleError

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]*)")


def write_sums(folder: Path) -> None:
    """Hash every file of `folder` but the list itself, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """sha256 of each file by its name. Raises `BundleError` if the list is missing or is none."""
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"cannot read {path}: {error}") from error
    found = [_LINE.fullmatch(line) for line in lines]
    if not found or None in found:
        raise BundleError(f"{path} is not a list of hashes of plain files")
    return {match[2]: match[1] for match in found if match}


def check_sums(folder: Path) -> None:
    """Raises `BundleError` for the first listed file that is missing or changed."""
    for name, sha256 in read_sums(folder).items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(f"cannot read {folder / name}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BundleError(f"{folder / name} is not the file that {SUMS} lists")
