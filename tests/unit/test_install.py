import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from stancewire import install as module
from stancewire import unpack as unpacking
from stancewire.bundle import TFIDF, Bundle, write_bundle
from stancewire.errors import BundleError, ConfigError
from stancewire.install import install, installed
from stancewire.sums import SUMS, check_sums, read_sums, write_sums


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def tarred(bundle: Bundle, path: Path, inner: str = "") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(bundle.folder.iterdir()):
            archive.add(file, f"{inner}{file.name}")
    return path


def zipped(bundle: Bundle, path: Path, inner: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(bundle.folder.iterdir()):
            archive.write(file, f"{inner}{file.name}")
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def nothing_changed(root: Path) -> bool:
    return installed(root) is None and not list(root.glob("incoming-*"))


@pytest.mark.parametrize("inner", ["", "release/"])
@pytest.mark.parametrize(
    ("pack", "name"), [(tarred, "b.tar.gz"), (tarred, "b.tgz"), (zipped, "b.zip")]
)
def test_an_archive_is_installed(
    pack, name, inner, tfidf_bundle: Bundle, root: Path, tmp_path: Path
):
    write_sums(tfidf_bundle.folder)
    path = pack(tfidf_bundle, tmp_path / name, inner)
    found = install(str(path), root, sha256=sha256(path).upper())
    assert found.sha256 == tfidf_bundle.sha256
    assert installed(root) == found.folder
    check_sums(found.folder)
    assert not list(root.glob("incoming-*"))


def test_a_folder_is_installed_with_what_it_lists_and_no_more(tfidf_bundle: Bundle, root: Path):
    (tfidf_bundle.folder / "MODEL_CARD.md").write_text("a card")
    write_sums(tfidf_bundle.folder)
    (tfidf_bundle.folder / "notes.txt").write_text("mine")
    found = install(str(tfidf_bundle.folder), root, sha256=tfidf_bundle.sha256)
    names = {path.name for path in found.folder.iterdir()}
    assert names == {"manifest.json", *found.manifest.files, "MODEL_CARD.md", SUMS}


def test_a_second_one_takes_the_place_of_the_first(
    tfidf_bundle: Bundle, root: Path, tmp_path: Path
):
    first = install(str(tfidf_bundle.folder), root)
    files = {name: tfidf_bundle.bytes(name) for name in tfidf_bundle.manifest.files}
    other = write_bundle(tmp_path / "other", files, {"family": "tfidf", "made": {"run_id": "x"}})
    second = install(str(other.folder), root)
    assert installed(root) == second.folder
    assert not first.folder.exists()
    (second.folder / TFIDF).write_bytes(b"{}")
    install(str(other.folder), root).verify()  # once more: what was damaged is mended


def test_what_is_refused_leaves_the_one_that_is_there(
    tfidf_bundle: Bundle, root: Path, tmp_path: Path
):
    before = install(str(tfidf_bundle.folder), root)
    torn = tmp_path / "torn"
    shutil.copytree(tfidf_bundle.folder, torn)
    (torn / TFIDF).write_bytes(b"{}")
    with pytest.raises(BundleError, match="not the file that the manifest describes"):
        install(str(torn), root)
    assert installed(root) == before.folder
    before.verify()


def test_an_archive_with_another_hash_is_not_opened(
    tfidf_bundle: Bundle, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tarred(tfidf_bundle, tmp_path / "b.tar.gz")
    monkeypatch.setattr(module, "unpack", lambda *_: pytest.fail("opened"))
    with pytest.raises(BundleError, match=f"its sha256 is {sha256(path)}"):
        install(str(path), root, sha256="0" * 64)
    assert nothing_changed(root)


def test_a_folder_with_another_hash_is_refused(tfidf_bundle: Bundle, root: Path):
    with pytest.raises(BundleError, match=r"manifest\.json is another file"):
        install(str(tfidf_bundle.folder), root, sha256="0" * 64)
    assert nothing_changed(root)


@pytest.mark.parametrize(
    ("source", "hash_", "message"),
    [
        ("https://example.org/b.zip", None, "needs --sha256"),
        ("file:///tmp/b.zip", None, "needs --sha256"),
        ("ftp://example.org/b.zip", "0" * 64, "no https, http or file address"),
        ("https://example.org/model.pkl", "0" * 64, "neither a folder nor a file ending in"),
        ("model.bin", None, "neither a folder nor a file ending in"),
        ("b.zip", "abc", "is not a sha256"),
    ],
)
def test_a_source_that_is_none_is_refused_before_anything_is_fetched(
    source: str, hash_: str | None, message: str, root: Path
):
    with pytest.raises(ConfigError, match=message):
        install(source, root, sha256=hash_)
    assert nothing_changed(root)


def test_a_file_address_is_installed(tfidf_bundle: Bundle, root: Path, tmp_path: Path):
    path = tarred(tfidf_bundle, tmp_path / "a bundle.tar.gz")
    assert install(path.as_uri(), root, sha256=sha256(path)).sha256 == tfidf_bundle.sha256


def member(name: str, content: bytes = b"x", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (member("../out.txt"), "leads out"),
        (member("/tmp/out.txt"), "leads out"),
        (member("a/../../out.txt"), "leads out"),
        (member("c:out.txt"), "leads out"),
        (member("link", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "not a plain file"),
        (
            member("hard", b"", type=tarfile.LNKTYPE, linkname="manifest.json"),
            "not a plain file|cannot",
        ),
        (member("pipe", b"", type=tarfile.FIFOTYPE), "not a plain file"),
        (member("device", b"", type=tarfile.CHRTYPE), "not a plain file"),
        (member("deep/er/file"), "more than the files of one folder"),
        (member("other/file"), "more than the files of one folder"),
        (member("manifest.json"), "twice"),
    ],
)
def test_a_hostile_member_is_refused(
    entry: tuple[tarfile.TarInfo, bytes],
    message: str,
    tfidf_bundle: Bundle,
    root: Path,
    tmp_path: Path,
):
    path = tmp_path / "b.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(tfidf_bundle.folder.iterdir()):
            archive.add(file, file.name)
        archive.addfile(entry[0], io.BytesIO(entry[1]))
    with pytest.raises(BundleError, match=message):
        install(str(path), root)
    assert nothing_changed(root)
    assert not (tmp_path / "out.txt").exists()


def test_a_link_in_a_zip_is_refused(tfidf_bundle: Bundle, root: Path, tmp_path: Path):
    path = zipped(tfidf_bundle, tmp_path / "b.zip")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BundleError, match="not a plain file"):
        install(str(path), root)


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_more_bytes_than_allowed_are_not_written(
    pack, tfidf_bundle: Bundle, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tfidf_bundle.folder / "zeros").write_bytes(bytes(4 << 20))
    path = pack(tfidf_bundle, tmp_path / ("b.zip" if pack is zipped else "b.tar.gz"))
    monkeypatch.setattr(unpacking, "MAX_BYTES", 1 << 20)
    with pytest.raises(BundleError, match="unpacks to more than"):
        install(str(path), root)
    assert nothing_changed(root)


def test_more_files_than_allowed_are_not_written(
    tfidf_bundle: Bundle, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(unpacking, "MAX_FILES", 2)
    with pytest.raises(BundleError, match="more than 2 files"):
        install(str(tarred(tfidf_bundle, tmp_path / "b.tar.gz")), root)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8b\x08\x00torn"])
@pytest.mark.parametrize("name", ["b.tar.gz", "b.zip"])
def test_what_is_no_archive_is_refused(content: bytes, name: str, root: Path, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} "):
        install(str(tmp_path / name), root)


def test_a_bundle_that_does_not_load_is_refused(tfidf_bundle: Bundle, root: Path, tmp_path: Path):
    files = {name: tfidf_bundle.bytes(name) for name in tfidf_bundle.manifest.files} | {
        TFIDF: b"{}"
    }
    broken = write_bundle(tmp_path / "broken", files, {"family": "tfidf"})
    with pytest.raises(BundleError, match="TF-IDF table"):
        install(str(broken.folder), root)
    assert nothing_changed(root)


@pytest.mark.parametrize("note", ["", "[]", '{"folder": "../x"}', '{"folder": 3}'])
def test_a_note_that_was_damaged_names_nothing(note: str, tfidf_bundle: Bundle, root: Path):
    install(str(tfidf_bundle.folder), root)
    (root / "installed.json").write_text(note)
    assert installed(root) is None


def test_sums_are_those_of_sha256sum_and_find_a_change(tfidf_bundle: Bundle):
    folder = tfidf_bundle.folder
    write_sums(folder)
    assert read_sums(folder)[TFIDF] == sha256(folder / TFIDF)
    check_sums(folder)
    (folder / TFIDF).write_bytes(b"{}")
    with pytest.raises(BundleError, match=f"{TFIDF} is not the file that {SUMS} lists"):
        check_sums(folder)
    (folder / TFIDF).unlink()
    with pytest.raises(BundleError, match="cannot read"):
        check_sums(folder)


@pytest.mark.parametrize("text", ["", "abc  model.onnx\n", f"{'0' * 64}  ../model.onnx\n"])
def test_a_list_that_is_none_is_refused(text: str, tmp_path: Path):
    (tmp_path / SUMS).write_text(text)
    with pytest.raises(BundleError, match="not a list of hashes"):
        read_sums(tmp_path)


def test_nothing_is_unpickled(tfidf_bundle: Bundle, root: Path, tmp_path: Path):
    """A pickle that lies beside a bundle stays bytes."""
    trace = tmp_path / "run"
    (tfidf_bundle.folder / "model.pkl").write_bytes(
        b"cos\nsystem\n(S'touch " + os.fsencode(trace) + b"'\ntR."
    )
    install(str(tarred(tfidf_bundle, tmp_path / "b.tar.gz")), root)
    assert not trace.exists()
    assert json.loads((root / "installed.json").read_text())["folder"] == tfidf_bundle.sha256
