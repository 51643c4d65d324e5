import os
from pathlib import Path

import pytest

from stancewire.bundle import TFIDF, Bundle
from stancewire.serving.versions import Version, VersionCache, folder_name, follows


def version(number: str, name: str = "stancewire") -> Version:
    folder = folder_name("sqlite:///r.db", name, number, created=1)
    return Version(name=name, version=number, run_id="r", folder=folder)


@pytest.fixture
def cache(tmp_path: Path) -> VersionCache:
    return VersionCache(tmp_path / "cache")


@pytest.fixture
def adopt(cache, tfidf_bundle):
    """Puts a copy of the bundle into the cache under a number."""

    def put(number: str, used_at: float = 0.0) -> Version:
        one = version(number)
        with cache.workspace() as work:
            copy = Path(work) / "given"
            copy.mkdir()
            for path in tfidf_bundle.folder.iterdir():
                (copy / path.name).write_bytes(path.read_bytes())
            (copy / "code.py").write_text("raise SystemExit")
            cache.adopt(one, Bundle.open(copy))
        if used_at:
            os.utime(cache.bundle_folder(one).parent, (used_at, used_at))
        return one

    return put


def folders(cache: VersionCache) -> set[str]:
    return {p.name for p in (cache.root / "versions").iterdir()}


def test_only_what_the_manifest_lists_is_taken_in(cache, adopt, tfidf_bundle):
    folder = cache.bundle_folder(adopt("1"))
    listed = {"manifest.json", *tfidf_bundle.manifest.files}
    assert {p.name for p in folder.iterdir()} == listed
    assert [p.name for p in cache.root.iterdir()] == ["versions"]  # no workspace is left


def test_a_torn_version_is_not_held_and_can_be_replaced(cache, adopt):
    one = adopt("1")
    assert cache.holds(one)
    (cache.bundle_folder(one) / TFIDF).write_bytes(b"{}")
    assert not cache.holds(one)
    adopt("1")
    assert cache.holds(one)


def test_a_whole_version_in_a_cache_of_another_is_held(cache, adopt, monkeypatch):
    one = adopt("1")

    def refuse(*_):
        raise PermissionError(1, os.strerror(1))

    monkeypatch.setattr(os, "utime", refuse)
    assert cache.holds(one)


def test_a_second_process_that_brings_the_same_version_changes_nothing(cache, adopt):
    one = adopt("1")
    manifest = cache.bundle_folder(one) / "manifest.json"
    before = manifest.stat().st_ino
    adopt("1")
    assert manifest.stat().st_ino == before


def test_pruning_keeps_the_newest_and_whatever_serves(cache, adopt):
    numbers = {n: adopt(n, used_at=1000.0 + i) for i, n in enumerate("12345")}
    cache.remember("stancewire-champion-x", numbers["1"])
    other = cache.root / "versions" / folder_name("sqlite:///r.db", "another-model", "1", 1)
    other.mkdir()
    cache.prune("stancewire", keep=3)
    kept = {numbers[n].folder for n in "1345"}
    assert folders(cache) == kept | {other.name}


def test_last_good_is_remembered_per_thing_followed(cache, adopt):
    one, two = adopt("1"), adopt("2")
    cache.remember("a", one)
    cache.remember("b", two)
    cache.remember("a", two)
    assert cache.last_good("a") == two
    assert cache.last_good("c") is None


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"name":"s","version":"1","run_id":null,"folder":"../../elsewhere"}'],
)
def test_a_last_good_that_is_none_or_leads_elsewhere_is_not_believed(cache, content):
    cache.root.mkdir()
    (cache.root / "last-good-a.json").write_text(content)
    assert cache.last_good("a") is None


def test_workspaces_of_the_dead_are_swept_and_others_are_not(cache):
    dead, alive = (cache.root / f"incoming-{n}" for n in ("dead", "alive"))
    dead.mkdir(parents=True)
    alive.mkdir()
    os.utime(dead, (1.0, 1.0))
    cache.sweep()
    assert not dead.exists()
    assert alive.exists()


def test_a_registry_made_anew_does_not_find_the_old_one_s_versions():
    assert folder_name("sqlite:///r.db", "m", "1", 1) != folder_name("sqlite:///r.db", "m", "1", 2)
    assert follows("http://a/", "m", "champion") != follows("http://b/", "m", "champion")


def test_a_password_and_a_working_folder_do_not_change_what_is_followed(tmp_path, monkeypatch):
    assert follows("postgresql://u:old@h/d", "m", "c") == follows(
        "postgresql://u:new@h/d", "m", "c"
    )
    absolute = follows(f"sqlite:///{tmp_path}/r.db", "m", "c")
    monkeypatch.chdir(tmp_path)
    assert follows("sqlite:///r.db", "m", "c") == absolute
