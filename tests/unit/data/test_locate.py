"""A public set is read only if it is the one that is declared, wherever it lies."""

import gzip
from hashlib import sha256
from pathlib import Path

import pytest

from stancewire.data import corpus
from stancewire.data.fetch import locate
from stancewire.data.sources import Source, SourceFile
from stancewire.errors import DataError

ROW = b"ID\tTarget\n1\tparks\n"


def declare(repository: str = "o/r") -> Source:
    pinned = {"repository": repository, "commit": "c" * 40, "path": "a"} if repository else {}
    files = tuple(
        SourceFile(name=name, sha256=sha256(ROW).hexdigest(), **pinned) for name in ("a", "b")
    )
    return Source(
        name="small", title="t", citation="c", licence="MIT", terms="open", folder="set",
        files=files,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a").write_bytes(ROW)
    (folder / "b.gz").write_bytes(gzip.compress(ROW))
    return folder


def test_the_declared_content_is_found_gzipped_or_not(folder: Path):
    assert locate(declare(), mirror=folder.parent) == folder
    assert locate(declare(), cache=folder.parent) == folder


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a", ROW[:-3]),
        ("a", ROW.replace(b"parks", b"barks")),
        ("b.gz", gzip.compress(ROW + ROW)),
        ("b.gz", gzip.compress(ROW)[:-9]),
    ],
    ids=["cut", "edited", "other gzip", "torn gzip"],
)
def test_another_content_is_refused_and_the_file_is_named(folder: Path, name: str, content: bytes):
    (folder / name).write_bytes(content)
    with pytest.raises(
        DataError, match=r"small in .* is not as declared: 1 of 2 files differ"
    ) as e:
        locate(declare(), mirror=folder.parent)
    assert [p.where for p in e.value.problems] == [str(folder / name.removesuffix(".gz"))]
    assert "fetch" not in str(e.value)  # nothing of this project's writes into a mirror


def test_a_cache_is_told_how_to_get_the_right_content(folder: Path):
    (folder / "a").write_bytes(b"")
    with pytest.raises(DataError, match=rf"`stancewire data fetch small --cache {folder.parent}`"):
        locate(declare(), cache=folder.parent)
    with pytest.raises(DataError, match="only a mirror holds it"):
        locate(declare(repository=""), cache=folder.parent)


@pytest.mark.parametrize("name", ["ibm-claims", "dse-official"])
def test_a_set_is_not_read_from_files_that_differ(tmp_path: Path, name: str):
    (declared,) = corpus.declarations(name)
    for file in declared.files:
        path = tmp_path / declared.folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ROW)
    with pytest.raises(DataError, match="is not as declared"):
        corpus.read(name, mirror=tmp_path)
