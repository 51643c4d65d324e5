import asyncio
import os

import pytest

from stancewire.bundle import TFIDF, write_bundle
from stancewire.install import install
from stancewire.serving import follow as module
from stancewire.serving.follow import Follower
from stancewire.serving.metrics import Metrics
from stancewire.serving.scorer import Scorer
from stancewire.serving.settings import Settings
from stancewire.serving.versions import Report, Version, VersionCache
from stancewire.sums import write_sums


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path / "cache")


@pytest.fixture
def put(settings, tfidf_bundle):
    """Puts a copy of the bundle where a version of that number would lie."""

    def copy(number: str) -> Version:
        version = Version(name="stancewire", version=number, run_id="r", folder=f"s-{number}-x")
        folder = VersionCache(settings.cache).bundle_folder(version)
        folder.mkdir(parents=True)
        for path in tfidf_bundle.folder.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        return version

    return copy


@pytest.fixture
def follower(settings):
    metrics = Metrics()
    return Follower(settings, Scorer(settings, metrics), metrics)


def hear(follower: Follower, *reports: Report) -> None:
    async def all_of_them() -> None:
        for report in reports:
            await follower._hear(report)

    asyncio.run(all_of_them())


def version_report(version: Version) -> Report:
    return Report(kind="version", version=version)


def served(follower: Follower) -> str:
    return follower._scorer.current.version


def kind(follower: Follower) -> str | None:
    return follower.trouble.kind if follower.trouble else None


def test_a_new_version_is_served_and_remembered(follower, put, settings):
    one = put("1")
    hear(follower, version_report(one))
    assert served(follower) == "1"
    assert follower._scorer.current.run_id == "r"
    assert VersionCache(settings.cache).last_good(follower._follows) == one


def test_what_served_last_serves_at_start(follower, put, settings):
    VersionCache(settings.cache).remember(follower._follows, put("4"))
    asyncio.run(follower.start())
    assert served(follower) == "4"
    assert follower._scorer.current.obtained == "last-good"


def test_a_last_good_that_is_torn_is_not_served(follower, put, settings):
    one = put("1")
    cache = VersionCache(settings.cache)
    cache.remember(follower._follows, one)
    (cache.bundle_folder(one) / TFIDF).write_bytes(b"{}")
    asyncio.run(follower.start())
    assert not follower._scorer.is_ready
    assert kind(follower) == "load"


def test_a_version_that_cannot_be_loaded_leaves_the_old_one(follower, put, settings):
    one, two = put("1"), put("2")
    (VersionCache(settings.cache).bundle_folder(two) / TFIDF).write_bytes(b"{}")
    hear(follower, version_report(one), version_report(two))
    assert served(follower) == "1"
    assert kind(follower) == "load"
    assert VersionCache(settings.cache).last_good(follower._follows) == one
    failures = follower._metrics.registry.get_sample_value("stancewire_model_load_failures_total")
    assert failures == 1


def test_a_failed_load_is_tried_again_but_not_at_every_poll(follower, put, settings, monkeypatch):
    two = put("2")
    table = VersionCache(settings.cache).bundle_folder(two) / TFIDF
    whole = table.read_bytes()
    table.write_bytes(b"{}")
    hear(follower, version_report(two))
    table.write_bytes(whole)
    hear(follower, Report(kind="unchanged"))
    assert kind(follower) == "load"
    follower._retry._until = 0.0  # time has passed
    hear(follower, Report(kind="unchanged"))
    assert (served(follower), kind(follower)) == ("2", None)


@pytest.mark.parametrize("trouble", ["registry", "bundle", "cache"])
def test_trouble_is_over_once_the_registry_names_what_is_served(follower, put, trouble):
    one = put("1")
    hear(follower, version_report(one), Report(kind=trouble))
    assert kind(follower) == trouble
    hear(follower, Report(kind="alive"))
    assert kind(follower) == trouble
    hear(follower, Report(kind="unchanged"))
    assert kind(follower) is None


def test_a_version_that_is_served_already_is_not_loaded_again(follower, put):
    one = put("1")
    hear(follower, version_report(one))
    before = follower._scorer.current
    hear(follower, version_report(one))
    assert follower._scorer.current is before


def test_what_served_last_is_the_registry_s_once_it_says_so(follower, put, settings):
    four = put("4")
    VersionCache(settings.cache).remember(follower._follows, four)
    asyncio.run(follower.start())
    before = follower._scorer.current
    hear(follower, version_report(four))
    assert follower._scorer.current.obtained == "registry"
    assert follower._scorer.current.predictor is before.predictor


def test_waits_double_up_to_a_longest_and_start_anew():
    backoff = module._Backoff(1.0, 5.0)
    assert [backoff.next_wait_s() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    assert not backoff.is_over
    backoff.reset()
    assert backoff.is_over
    assert backoff.next_wait_s() == 1.0


def test_a_cache_that_cannot_be_written_does_not_stop_the_service(follower, put, monkeypatch):
    def refuse(*_):
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr(VersionCache, "remember", refuse)
    hear(follower, version_report(put("1")))
    assert served(follower) == "1"
    assert follower.trouble is None


@pytest.fixture
def standing_by(settings, tfidf_bundle):
    """Follower of a registry that is away, with a release beside it."""

    def make(**changes) -> Follower:
        told = settings.model_copy(update={"release": tfidf_bundle.folder, **changes})
        metrics = Metrics()
        return Follower(told, Scorer(told, metrics), metrics)

    return make


def test_without_a_registry_the_release_serves_at_once(standing_by, tfidf_bundle):
    follower = standing_by()
    asyncio.run(follower.start())
    assert served(follower) == f"release-{tfidf_bundle.sha256[:12]}"
    assert follower._scorer.current.obtained == "release"
    assert follower.trouble is None


def test_what_was_installed_goes_before_the_release(standing_by, settings, tmp_path, tfidf_bundle):
    other = write_bundle(
        tmp_path / "other",
        {name: tfidf_bundle.bytes(name) for name in tfidf_bundle.manifest.files},
        {"family": "tfidf", "made": {"note": "another"}},
    )
    install(str(other.folder), settings.cache)
    follower = standing_by()
    asyncio.run(follower.start())
    assert served(follower) == f"installed-{other.sha256[:12]}"
    assert follower._scorer.current.obtained == "installed"


def test_a_damaged_installation_gives_way_to_the_release(standing_by, settings, tfidf_bundle):
    found = install(str(tfidf_bundle.folder), settings.cache)
    (found.folder / TFIDF).write_bytes(b"{}")
    follower = standing_by()
    asyncio.run(follower.start())
    assert follower._scorer.current.obtained == "release"
    assert kind(follower) == "installed"


def test_a_damaged_release_is_said_and_not_served(standing_by, tfidf_bundle):
    write_sums(tfidf_bundle.folder)
    (tfidf_bundle.folder / TFIDF).write_bytes(b"{}")
    follower = standing_by()
    asyncio.run(follower.start())
    assert not follower._scorer.is_ready
    assert kind(follower) == "release"


@pytest.mark.parametrize("told", ["registry", "bundle", "cache"])
def test_a_registry_with_nothing_to_serve_leaves_it_to_the_release(standing_by, told):
    follower = standing_by(tracking_uri="sqlite:///nowhere.db")
    hear(follower, Report(kind="alive"))
    assert not follower._scorer.is_ready  # a download may be under way
    hear(follower, Report(kind=told))
    assert follower._scorer.current.obtained == "release"
    assert kind(follower) == told


def test_a_champion_takes_over_from_the_release(standing_by, put):
    follower = standing_by(tracking_uri="sqlite:///nowhere.db")
    hear(follower, Report(kind="registry"), version_report(put("5")))
    assert served(follower) == "5"
    assert kind(follower) is None
    hear(follower, Report(kind="registry"))
    assert served(follower) == "5"  # the release is for when there is nothing else


def test_what_served_last_goes_before_the_release(standing_by, put, settings):
    follower = standing_by()
    VersionCache(settings.cache).remember(follower._follows, put("4"))
    asyncio.run(follower.start())
    assert served(follower) == "4"
