"""What a training set is built from: what is mixed in, licences, and a manifest that holds."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stancewire.cli import app
from stancewire.data import corpus, mixture
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


@pytest.mark.parametrize("split", ["dev", "test", "golden"])
def test_a_held_out_pair_is_not_trained_on_under_another_split(folder, split):
    """Neither as it is nor with a word more and another target; golden is held out as test is."""
    text = "The boats that come in at night bring more than the harbour can take by day."
    held = record("held", text, "a night ferry", split=split)
    write_records(folder / "main" / "held.jsonl", [held])
    copied = held.model_copy(update={"id": "copied", "split": "train"})
    reworded = {"id": "reworded", "text": f"{text} Truly.", "target": "vessels after dark"}
    write_records(folder / "more" / "leak.jsonl", [copied, copied.model_copy(update=reworded)])
    corpus, manifest = build(mix(folder, Addition(source=str(folder / "more"))))
    assert {"copied", "reworded"}.isdisjoint(r.id for r in corpus.train)
    assert manifest.content["sources"][1]["removed"] == {
        f"topic is in {split}": 1,
        f"text is nearly one of {split}": 1,
    }


def test_a_pair_is_trained_once_and_the_manifest_tells(folder):
    twice = more(2)
    copies = [r.model_copy(update={"id": f"copy-{r.id}"}) for r in (*twice, main()[0])]
    torn = [record(f"torn-{s}", "We said both.", "the quay", s) for s in STANCES[:2]]
    (folder / "third").mkdir()
    write_records(folder / "third" / "records.jsonl", [*copies, *torn, record("n", "New.", "new")])
    also = [Addition(source=str(folder / name)) for name in ("more", "third")]
    corpus, manifest = build(mix(folder, *also))
    assert [r.id for r in corpus.train] == [r.id for r in [*main()[:3], *more()]] + ["n"]
    assert corpus.train[:3] == tuple(main()[:3])
    assert [s.get("removed") for s in manifest.content["sources"]] == [
        None,
        {},
        {"pair is in an earlier addition": 6, "pair is in the main corpus": 1,
         "pair has two labels": 2},
    ]  # fmt: skip


def test_what_the_main_corpus_itself_repeats_is_left_as_it_is(folder):
    again = [record(f"again-{s}", "train 0 on boats.", "the train ferry 0", s) for s in STANCES[:2]]
    write_records(folder / "main" / "again.jsonl", again)
    corpus, _ = build(mix(folder, Addition(source=str(folder / "more"))))
    assert {r.id for r in again} <= {r.id for r in corpus.train}


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
    for name, made in (("a", first), ("b", again)):
        write_records(tmp_path / name, made.train)
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
    for module in (mixture, corpus):
        monkeypatch.setattr(module, "declared", lambda: {path: source})
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


@pytest.fixture
def copied(folder):
    """A folder with records of public sets among its own, as `data build` leaves it."""
    sets = ("vast", "ibm-argq", "dse", "someone's")
    records = [
        r.model_copy(update={"source": sets[n % 4], "text": f"They copied this: {r.text}"})
        for n, r in enumerate(main())
    ]
    (folder / "copied").mkdir()
    write_records(folder / "copied" / "records.jsonl", records)
    return str(folder / "copied")


def test_what_was_copied_from_a_public_set_keeps_its_terms(copied):
    with pytest.raises(ConfigError) as caught:
        build(Mixture(source=copied, accept=("open", "not-stated")))
    assert f"ibm-argq (in {copied}) is share-alike (CC BY-SA 3.0)" in str(caught.value)
    assert "vast" not in str(caught.value)
    _, manifest = build(Mixture(source=copied, accept=("open", "not-stated", "share-alike")))
    told = "vast: not stated; dse: not stated; ibm-argq: CC BY-SA 3.0"
    (part,) = manifest.content["sources"]
    assert part["licence"] == told
    assert part["terms"] == "share-alike, not-stated"
    assert part["has_neutral"] is False  # of ibm-argq
    assert manifest.restricted == [f"{copied} ({told})"]


def test_what_was_copied_keeps_its_terms_as_an_addition_too(folder, copied):
    with pytest.raises(ConfigError, match="vast"):
        build(mix(folder, Addition(source=copied)))


def test_your_own_files_are_yours(folder):
    (part,) = build(mix(folder))[1].content["sources"]
    assert (part["terms"], part["licence"], part["has_neutral"]) == ("open", "your own", True)


def without(key):
    return lambda content: {k: v for k, v in content.items() if k != key}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: [],
        lambda content: "x",
        lambda content: {"format": 1},
        without("config"),
        without("sources"),
        lambda content: {**content, "config": {**content["config"], "seed": "many"}},
        lambda content: {**content, "config": {**content["config"], "of": "none"}},
        lambda content: {**content, "config": {**content["config"], "also": [3]}},
        lambda content: {**content, "config": {**content["config"], "source": "a\0b"}},
        lambda content: {**content, "config": "press"},
        lambda content: {**content, "sources": []},
        lambda content: {**content, "sources": content["sources"] * 2},
        lambda content: {**content, "sources": ["main"]},
        lambda content: {**content, "splits": 3},
    ],
)
def test_a_bad_manifest_is_refused_with_a_sentence(folder, spoil):
    _, manifest = build(mix(folder))
    path = folder / "bad.json"
    path.write_text(json.dumps(spoil(manifest.content)))
    with pytest.raises(DataError, match=r"manifest|are not what they were"):
        rebuild(Manifest(json.loads(path.read_text())))
    done = CliRunner().invoke(app, ["data", "rebuild", str(path), "--out", str(folder / "out")])
    assert isinstance(done.exception, DataError)  # the outermost layer makes it exit code 2
    assert not (folder / "out").exists()


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{'a': 1}"])
def test_what_is_no_json_is_no_manifest(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    command = ["data", "rebuild", str(tmp_path / "bad.json"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, DataError)
    assert "is not a manifest" in str(done.exception)


@pytest.mark.parametrize(
    ("source", "also", "out"),
    [
        ("main", "more", "main"),
        ("main", "more", "more"),
        ("main", "more", "more/../main"),
        ("main/train.jsonl", "more", "main"),
        ("link", "more", "main"),
    ],
)
def test_a_build_does_not_overwrite_its_source(folder, source, also, out):
    (folder / "main" / "records.jsonl").rename(folder / "main" / "train.jsonl")
    (folder / "link").symlink_to(folder / "main")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"name: r\nfamily: tfidf\n"
        f"data: {{source: '{folder / source}', also: [{{source: '{folder / also}'}}]}}\n"
    )
    before = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    command = ["data", "build", "--config", str(recipe), "--out", str(folder / out)]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, ConfigError)
    assert "overwrite its source" in str(done.exception)
    assert before == {path: path.read_bytes() for path in folder.rglob("*.jsonl")}


def test_a_rebuild_does_not_overwrite_a_source_either(folder):
    _, manifest = build(mix(folder))
    path = folder / "data.json"
    path.write_text(manifest.to_json())
    done = CliRunner().invoke(app, ["data", "rebuild", str(path), "--out", str(folder / "main")])
    assert isinstance(done.exception, ConfigError)
    assert [p.name for p in (folder / "main").iterdir()] == ["records.jsonl"]


def test_the_files_of_a_build_are_those_of_its_manifest(folder, tmp_path):
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


def test_what_is_off_does_not_stand_in_the_manifest(folder):
    path = str(folder / "more")
    _, plain = build(mix(folder, Addition(source=path)))
    assert {"weight", "temperature", "epoch_pairs"}.isdisjoint(plain.content["config"])
    assert {"weight", "share"}.isdisjoint(plain.content["config"]["also"][0])
    _, weighted = build(mix(folder, Addition(source=path, weight=0.5), temperature=2))
    assert weighted.content["config"]["temperature"] == 2
    assert weighted.mixture().also[0].weight == 0.5
    assert weighted.digest != plain.digest


def test_what_is_left_out_is_told_without_its_words_and_left_out_again(folder):
    corpus, manifest = build(mix(folder, Addition(source=str(folder / "more"))))
    gone = {corpus.train[0].target, corpus.train[5].target, "nowhere"}
    fewer, told = mixture.without(corpus, manifest, "too long", gone)
    assert len(fewer.train) == len(corpus.train) - 2
    assert gone.isdisjoint(r.target for r in fewer.train)
    assert (fewer.dev, fewer.test) == (corpus.dev, corpus.test)
    left = told.content["left_out"]
    assert (left["reason"], left["pairs"], left["of"]) == ("too long", 2, [1, 1])
    assert corpus.train[5].target not in told.to_json()
    assert told.train_sizes == [2, len(more()) - 1]
    assert told.content["splits"]["train"]["sha256"] == content_hash(fewer.train)
    assert rebuild(Manifest(json.loads(told.to_json()))).train == fewer.train


def test_where_nothing_is_left_out_nothing_is_told(folder):
    corpus, manifest = build(mix(folder))
    targets = {corpus.dev[0].target}  # only training records are left out
    assert mixture.without(corpus, manifest, "too long", targets) == (corpus, manifest)


@pytest.fixture
def staged(folder):
    """Manifests of the main corpus and of a stage on a source without dev and test."""
    leak = record("leak", "The test ferry 1 is fine.", "The Test Ferry 1")
    (folder / "first").mkdir()
    write_records(folder / "first" / "records.jsonl", [*more(4), leak])
    corpus, main = build(mix(folder))
    stage, manifest = build(
        Mixture(source=str(folder / "first")), needed=("train",), apart_from=corpus.records()
    )
    assert stage.dev == stage.test == ()
    return main.with_stages([("warm-up", manifest)]), stage


def test_a_stage_is_kept_apart_from_what_the_main_corpus_holds_out(staged):
    manifest, stage = staged
    assert "leak" not in {r.id for r in stage.train}
    (part,) = manifest.stages[0][1].content["sources"]
    assert part["removed"] == {"topic is in test": 1}


def test_a_manifest_covers_its_stages(folder, staged):
    manifest, _ = staged
    assert manifest.digest != build(mix(folder))[1].digest
    assert len(manifest.parts) == 2
    again = Manifest(json.loads(manifest.to_json()))
    assert rebuild(again).train == build(mix(folder))[0].train
    write_records(folder / "first" / "records.jsonl", more(3))
    with pytest.raises(DataError, match="stage warm-up: the records are not what they were"):
        rebuild(again)


def test_a_stage_with_a_restricted_licence_is_told(folder, closed):
    _, main = build(mix(folder))
    stage = build(Mixture(source=closed, accept=("not-stated",)), needed=("train",))[1]
    assert main.with_stages([("a", stage)]).restricted == [f"{closed} (not stated)"]


@pytest.mark.parametrize("stages", [3, ["x"], [{"name": "a"}], [{"name": "a", "manifest": 3}]])
def test_stages_that_are_none_are_refused(folder, stages):
    _, manifest = build(mix(folder))
    with pytest.raises(DataError, match="manifest"):
        rebuild(Manifest({**manifest.content, "stages": stages}))
