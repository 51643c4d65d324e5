import gzip
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import ValidationError

from stancewire.data.fetch import default_cache, locate, verify
from stancewire.data.sources import Source, SourceFile, declared, find
from stancewire.errors import DataError

MIRROR = Path(__file__).parents[3] / "shared" / "datasets"
SOURCES = list(declared().values())
each = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


def test_the_declared_sources():
    assert list(declared()) == [
        "vast", "semeval2016", "pstance", "mtsd", "newsmtsc", "dse", "gwsd", "ibm-claims",
        "perspectrum", "ibm-argq", "rusentne", "basil", "sentfin", "polstance", "argkp",
        "valueeval", "lingnli", "nli-mix", "cad-nli", "fever", "negnli", "snli", "conjnli", "xnli",
        "us-briefings", "us-conferences",
    ]  # fmt: skip
    assert len({source.folder for source in SOURCES}) == len(SOURCES)
    assert {s.name for s in SOURCES if not s.has_neutral} == {
        "pstance", "ibm-claims", "perspectrum", "ibm-argq", "basil", "argkp", "valueeval", "fever",
    }  # fmt: skip
    assert {s.name for s in SOURCES if "en" not in s.languages} == {"rusentne", "polstance"}


@each
def test_a_file_is_pinned_or_said_to_be_in_a_mirror_alone(source: Source):
    names = [file.name for file in source.files]
    assert len(set(names)) == len(names)
    for file in source.files:
        assert bool(file.repository) == bool(file.commit) == bool(file.path)
        if not file.repository:
            assert re.search(r"[\w-]+/[\w-]+@[0-9a-f]{40}", source.notes)
            assert "mirror" in source.notes


@each
def test_the_terms_are_those_of_the_licence(source: Source):
    licence = source.licence
    stated = (
        "not-stated" if licence == "not stated"
        else "non-commercial" if "-NC" in licence
        else "share-alike" if "-SA" in licence or "Sharing" in licence
        else "open"
    )  # fmt: skip
    assert source.terms == stated
    assert source.citation
    assert source.title


@each
@pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the data sets beside the project")
def test_the_mirror_holds_what_is_declared(source: Source):
    assert verify(source, MIRROR / source.folder) == []
    assert locate(source, mirror=MIRROR) == MIRROR / source.folder


def test_an_unknown_name_is_told_the_names():
    with pytest.raises(DataError, match=r"'vats'.*vast, semeval2016"):
        find("vats")
    assert find("vast") is declared()["vast"]


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "a/../../b", "a\\b", "", "."])
def test_a_file_stays_in_its_folder(name: str):
    with pytest.raises(ValidationError):
        SourceFile(name=name, sha256="0" * 64)


@pytest.fixture
def small(make_source: Callable[..., Source]) -> Source:
    return make_source(a=b"alpha", b=b"beta")


@pytest.fixture
def make_source() -> Callable[..., Source]:
    def make(**contents: bytes) -> Source:
        files = [
            SourceFile(
                name=name, sha256=sha256(content).hexdigest(), repository="o/r",
                commit="c" * 40, path=name,
            )
            for name, content in contents.items()
        ]  # fmt: skip
        return Source(
            name="small", title="t", citation="c", licence="MIT", terms="open", folder="set",
            files=tuple(files),
        )  # fmt: skip

    return make


def test_every_fault_is_told_and_a_gzipped_file_is_as_good(small: Source, tmp_path: Path):
    assert [p.message for p in verify(small, tmp_path)] == ["is not there"] * 2
    (tmp_path / "a").write_bytes(b"alpha")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"beta"))
    assert verify(small, tmp_path) == []
    (tmp_path / "a").write_bytes(b"Alpha")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"beta")[:-9])
    wrong, torn = verify(small, tmp_path)
    assert wrong.where == str(tmp_path / "a")
    assert wrong.message == (
        f"expected sha256 {sha256(b'alpha').hexdigest()}, found {sha256(b'Alpha').hexdigest()}"
    )
    assert torn.message.startswith("cannot be read")
    (tmp_path / "b.gz").write_bytes(b"beta")
    assert verify(small, tmp_path)[1].message.startswith("cannot be read")
    # The plain file is the one that is read, so it is the one that counts.
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"alpha"))
    assert verify(small, tmp_path)[0] == wrong


def test_a_source_is_found_in_the_mirror_or_the_cache(
    small: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    mirror, cache, default = tmp_path / "m", tmp_path / "c", default_cache()
    for root in (mirror, cache, default):
        with pytest.raises(DataError, match="2 of 2 files missing"):
            locate(small, cache=None if root == default else root)
        (root / "set").mkdir(parents=True)
        (root / "set" / "a").write_bytes(b"alpha")
        (root / "set" / "b.gz").write_bytes(gzip.compress(b"beta"))
    assert locate(small, mirror=mirror, cache=cache) == mirror / "set"
    assert locate(small, cache=cache) == cache / "set"
    assert locate(small) == tmp_path / "xdg" / "stancewire" / "data" / "set"
    (cache / "set" / "a").unlink()
    with pytest.raises(DataError, match=rf"stancewire data fetch small --cache {cache}`"):
        locate(small, cache=cache)
    (mirror / "set" / "a").unlink()
    with pytest.raises(DataError, match=r"1 of 2 files missing$"):
        locate(small, mirror=mirror, cache=cache)  # a mirror that lacks it is not passed over


def test_what_only_a_mirror_holds_is_not_said_to_be_fetchable(tmp_path: Path):
    with pytest.raises(DataError, match=r"only a mirror holds it: name one with --mirror"):
        locate(find("basil"), cache=tmp_path)


@pytest.mark.parametrize("given", ["", "relative/cache"])
def test_the_cache_is_in_the_home_unless_the_environment_says(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "stancewire" / "data"
