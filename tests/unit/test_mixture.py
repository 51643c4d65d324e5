"""What a training set is built from: what is mixed in, licences, and a manifest that holds."""

import json
from pathlib import Path

import pytest

from stancewire.data import mixture
from stancewire.data.files import content_hash, write_records
from stancewire.data.mixture import Addition, Manifest, Mixture, build, rebuild
from stancewire.data.sources import Source, SourceFile
from stancewire.errors import ConfigError, DataError
from stancewire.records import Record

STANCES = ("favor", "against", "neutral")


def record(name, text, target, stance="favor", split="train", tags=()):
    return Record(
        id=name, text=text, target=target, stance=stance, split=split, tags=tags,
        source="test", licence="CC0-1.0", annotators=("a",),
    )  # fmt: skip


def main():
    return [
        record(f"main-{split}-{n}", f"{split} {n} on boats.", f"the {split} ferry {n}", s, split)
        for split in ("train", "dev", "test")
        for n, s in enumerate(STANCES)
    ]


def more(number=20):
    return [
        record(f"more-{n}-{s}", f"Remark {n} about a harbour.", f"harbour {n} {s}", s,
               tags=("loud",) if n % 2 else ())
        for n in range(number)
        for s in STANCES
    ]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name, records in (("main", main()), ("more", more())):
        (tmp_path / name).mkdir()
        write_records(tmp_path / name / "records.jsonl", records)
    return tmp_path


def mix(folder, *also, **settings):
    return Mixture(source=str(folder / "main"), also=also, **settings)


def test_the_main_corpus_alone_gives_dev_and_test(folder):
    corpus, _ = build(mix(folder, Addition(source=str(folder / "more"))))
    assert [r.id for r in corpus.train] == [r.id for r in [*main()[:3], *more()]]
    assert [r.id for r in (*corpus.dev, *corpus.test)] == [r.id for r in main()[3:]]


def test_dev_and_test_of_what_is_mixed_in_are_not_used(folder):
    held = [
        record("x-1", "Held back.", "pier", split="test"),
        record("x-2", "Held.", "p", split="dev"),
    ]
    write_records(folder / "more" / "held.jsonl", held)
    corpus, _ = build(mix(folder, Addition(source=str(folder / "more"))))
    assert {"x-1", "x-2"}.isdisjoint(r.id for r in corpus.records())


def test_a_target_of_test_is_not_trained_on(folder):
    leak = record("leak", "The test ferry 1 is fine.", "The Test Ferry 1")
    write_records(folder / "more" / "leak.jsonl", [leak])
    corpus, manifest = build(mix(folder, Addition(source=str(folder / "more"))))
    assert "leak" not in {r.id for r in corpus.train}
    assert sum(manifest.content["sources"][1]["removed"].values()) == 1


def test_tags_choose_what_is_mixed_in(folder):
    path = str(folder / "more")
    loud, _ = build(mix(folder, Addition(source=path, only_tag="loud")))
    quiet, _ = build(mix(folder, Addition(source=path, without_tag="loud")))
    assert len(loud.train) == len(quiet.train) == 3 + 30
    assert not {r.id for r in loud.train[3:]} & {r.id for r in quiet.train[3:]}


def test_a_limit_keeps_whole_statements_and_draws_by_seed(folder):
    def kept(seed):
        corpus, _ = build(mix(folder, Addition(source=str(folder / "more"), limit=10), seed=seed))
        return corpus.train[3:]

    statements = {r.text for r in kept(1)}
    assert len(kept(1)) == 9  # three statements of three pairs; a fourth would pass the limit
    assert len(statements) == 3
    assert kept(1) == kept(1)
    assert statements != {r.text for r in kept(2)}


def test_the_manifest_says_what_there_is_and_not_where(folder):
    corpus, manifest = build(mix(folder))
    content = manifest.content
    assert content["splits"]["train"] == {
        "pairs": 3, "statements": 3, "sha256": content_hash(corpus.train)
    }  # fmt: skip
    assert "mirror" not in content["config"]
    assert manifest.restricted == []


def test_the_same_manifest_gives_the_same_bytes(folder, tmp_path):
    first, manifest = build(mix(folder, Addition(source=str(folder / "more"), limit=30)))
    again = rebuild(Manifest(json.loads(manifest.to_json())))
    for name, corpus in (("a", first), ("b", again)):
        write_records(tmp_path / name, corpus.train)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_source_that_changed_is_named(folder):
    _, manifest = build(mix(folder, Addition(source=str(folder / "more"))))
    write_records(folder / "more" / "records.jsonl", more(19))
    with pytest.raises(DataError, match=str(folder / "more")):
        rebuild(manifest)


def test_a_manifest_of_another_format_is_refused(folder):
    _, manifest = build(mix(folder))
    with pytest.raises(DataError, match="format"):
        rebuild(Manifest({**manifest.content, "format": 99}))


@pytest.fixture
def closed(monkeypatch, folder):
    """Declares the folder `more` as a public set that states no licence and knows no neutral."""
    path = str(folder / "more")
    source = Source(
        name=path, title="t", citation="c", licence="not stated", terms="not-stated", folder="x",
        has_neutral=False, files=(SourceFile(name="records.jsonl", sha256="0" * 64),),
    )  # fmt: skip
    monkeypatch.setattr(mixture, "declared", lambda: {path: source})
    return path


def test_a_licence_that_is_not_accepted_is_refused(folder, closed):
    with pytest.raises(ConfigError, match="not-stated") as caught:
        build(mix(folder, Addition(source=closed)))
    assert closed in str(caught.value)


def test_a_restricted_source_is_told(folder, closed):
    accepted = mix(folder, Addition(source=closed), accept=("open", "not-stated"))
    _, manifest = build(accepted)
    assert manifest.restricted == [f"{closed} (not stated)"]
    assert manifest.content["sources"][1]["has_neutral"] is False


def test_the_files_of_a_build_are_those_of_its_manifest(folder, tmp_path):
    from typer.testing import CliRunner

    from stancewire.cli import app

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"name: r\nfamily: tfidf\ndata: {{source: '{folder / 'main'}'}}\n")
    one, two = tmp_path / "one", tmp_path / "two"
    run = CliRunner().invoke
    assert run(app, ["data", "build", "--config", str(recipe), "--out", str(one)]).exit_code == 0
    done = run(app, ["data", "rebuild", str(one / "data.json"), "--out", str(two)])
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in one.iterdir())
    assert names == ["data.json", "dev.jsonl", "test.jsonl", "train.jsonl"]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)
    assert Path(two / "train.jsonl").stat().st_size > 0
