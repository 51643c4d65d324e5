import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stancewire.bundle import CALIBRATION, LABELS, MANIFEST, TFIDF, Bundle, write_bundle
from stancewire.errors import BundleError

FILES = {TFIDF: b"{}", CALIBRATION: b"{}"}
FIELDS = {"family": "tfidf"}


def edit_manifest(bundle: Bundle, change: Callable[[dict[str, Any]], None]) -> Path:
    path = bundle.folder / MANIFEST
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest))
    return bundle.folder


def replace_file(bundle: Bundle, name: str, content: bytes) -> Path:
    """As someone would who can write the folder and mend the manifest: hashes are right."""
    (bundle.folder / name).write_bytes(content)
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return edit_manifest(bundle, lambda m: m["files"].update({name: entry}))


def test_a_written_bundle_is_whole(tfidf_bundle: Bundle):
    bundle = Bundle.open(tfidf_bundle.folder)
    bundle.verify()
    assert set(bundle.manifest.files) == {p.name for p in bundle.folder.iterdir()} - {MANIFEST}
    assert bundle.json(LABELS) == ["favor", "against", "neutral"]
    assert bundle.calibration().temperature == 1.5


def test_equal_content_is_one_identity(tmp_path: Path):
    a = write_bundle(tmp_path / "a", FILES, FIELDS)
    b = write_bundle(tmp_path / "b", FILES, FIELDS)
    c = write_bundle(tmp_path / "c", FILES | {TFIDF: b"{ }"}, FIELDS)
    assert a.sha256 == b.sha256 != c.sha256


@pytest.mark.parametrize("name", [TFIDF, CALIBRATION, LABELS])
@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda p: p.unlink(), id="missing"),
        pytest.param(lambda p: p.write_bytes(p.read_bytes()[:-1]), id="truncated"),
        pytest.param(lambda p: p.write_bytes(b""), id="emptied"),
        pytest.param(lambda p: p.write_bytes(b" " + p.read_bytes()[1:]), id="one byte changed"),
        pytest.param(lambda p: p.write_bytes(p.read_bytes() + b"\n"), id="grown"),
    ],
)
def test_a_harmed_file_is_found(tfidf_bundle: Bundle, name: str, harm: Callable[[Path], object]):
    harm(tfidf_bundle.folder / name)
    with pytest.raises(BundleError, match=name):
        Bundle.open(tfidf_bundle.folder).verify()


@pytest.mark.parametrize("folder", ["absent", "."])
def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path, folder: str):
    with pytest.raises(BundleError, match=MANIFEST):
        Bundle.open(tmp_path / folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"layout": 1}'])
def test_a_torn_manifest_is_no_bundle(tfidf_bundle: Bundle, content: bytes):
    (tfidf_bundle.folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=MANIFEST):
        Bundle.open(tfidf_bundle.folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [("layout", 2), ("family", "pickle"), ("precision", "fp8"), ("new", 1), ("encoding", {})],
)
def test_an_unknown_layout_is_refused(tfidf_bundle: Bundle, field: str, value: Any):
    folder = edit_manifest(tfidf_bundle, lambda m: m.update({field: value}))
    with pytest.raises(BundleError, match=field):
        Bundle.open(folder)


BAD_NAMES = [
    "../outside", "..", ".", "", "sub/file", "/absolute", "back\\slash", ".hidden", "a\n", "C:file",
    "nul\x00",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_out_is_refused_when_read(tfidf_bundle: Bundle, name: str):
    (tfidf_bundle.folder.parent / "outside").write_bytes(b"secret")
    entry = {"bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    folder = edit_manifest(tfidf_bundle, lambda m: m["files"].update({name: entry}))
    with pytest.raises(BundleError, match="not a manifest"):
        Bundle.open(folder)
    with pytest.raises(BundleError, match="has no"):
        tfidf_bundle.bytes(name)


@pytest.mark.parametrize("name", [*BAD_NAMES, MANIFEST])
def test_a_name_that_leads_out_is_refused_before_writing(tmp_path: Path, name: str):
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "new", FILES | {name: b"x"}, FIELDS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "entry", [{"bytes": -1}, {"sha256": "0" * 63}, {"sha256": "Z" * 64}, {"x": 1}]
)
def test_an_entry_that_is_none_is_refused(tfidf_bundle: Bundle, entry: dict[str, Any]):
    folder = edit_manifest(tfidf_bundle, lambda m: m["files"][TFIDF].update(entry))
    with pytest.raises(BundleError, match="not a manifest"):
        Bundle.open(folder)


@pytest.mark.parametrize(
    "labels",
    [["against", "favor", "neutral"], ["favor", "against"], {"favor": 0}, None],
)
def test_labels_in_another_order_are_refused(tfidf_bundle: Bundle, labels: Any):
    folder = replace_file(tfidf_bundle, LABELS, json.dumps(labels).encode())
    with pytest.raises(BundleError, match="labels in their order"):
        Bundle.open(folder)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 100_000])
def test_a_file_that_is_not_json_is_told(tfidf_bundle: Bundle, content: bytes):
    folder = replace_file(tfidf_bundle, TFIDF, content)
    with pytest.raises(BundleError, match="not JSON"):
        Bundle.open(folder).json(TFIDF)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"temperature": 0}', b'{"temperature": NaN}', b'{"bias": 1}']
)
def test_a_calibration_that_is_none_is_told(tfidf_bundle: Bundle, content: bytes):
    folder = replace_file(tfidf_bundle, CALIBRATION, content)
    with pytest.raises(BundleError, match="not a calibration"):
        Bundle.open(folder).calibration()


def test_a_file_the_manifest_does_not_name_is_not_read(tfidf_bundle: Bundle):
    (tfidf_bundle.folder / "extra.json").write_text("{}")
    with pytest.raises(BundleError, match=r"has no extra\.json"):
        tfidf_bundle.bytes("extra.json")


def test_the_manifest_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given a whole bundle, when writing over it stops halfway, then there is no bundle."""
    write_bundle(tmp_path, FILES, FIELDS)
    write = Path.write_bytes

    def full_disk(path: Path, content: bytes) -> int:
        if path.name == CALIBRATION:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_bundle(tmp_path, FILES, FIELDS)
    with pytest.raises(BundleError, match=MANIFEST):
        Bundle.open(tmp_path)
