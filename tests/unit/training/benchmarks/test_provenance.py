"""What a bundle has seen: its records, those of its stages and of the weights it began with."""

import json

import pytest
import yaml

from stancewire.data.mixture import Manifest
from stancewire.errors import DataError
from stancewire.training import weights
from stancewire.training.benchmarks.provenance import Benchmark, Sources, seen_by, topics_seen


@pytest.fixture
def look(tmp_path):
    return lambda bundle: seen_by(bundle, Sources(None, tmp_path / "cache"))


def test_trained_on_the_train_split_is_in_domain(make_run, pairs, look):
    known, test = [*pairs("train", 4), *pairs("dev", 2)], pairs("test", 3)

    found = Benchmark(known, test).standing(look(make_run("x", [*known, *test])))

    assert (found.word, found.tested, found.leaked) == ("in-domain", 0, 0)


def test_trained_on_something_else_is_transfer(make_run, pairs, look):
    seen = look(make_run("x", [*pairs("train", 4, of="other"), *pairs("dev", 2, of="other")]))

    found = Benchmark(pairs("train", 4), pairs("test", 3)).standing(seen)

    assert (found.word, found.tested) == ("zero-shot transfer", 0)


def test_its_test_pairs_under_other_names_are_found(make_run, pairs, look):
    test = pairs("test", 3)
    stolen = [
        record.model_copy(
            update={
                "id": f"mine-{i}",
                "source": "mine",
                "split": "train",
                "text": record.text.upper().replace(" ", "  "),
            }
        )
        for i, record in enumerate(test[:2])
    ]

    seen = look(make_run("x", [*stolen, *pairs("dev", 2, of="other")]))

    assert Benchmark(pairs("train", 4), test).standing(seen).tested == 2


def test_chosen_on_its_test_pairs_is_found_too(make_run, pairs, look):
    test = pairs("test", 3)
    dev = [test[0].model_copy(update={"id": "mine", "split": "dev"})]

    seen = look(make_run("x", [*pairs("train", 4, of="other"), *dev]))

    assert Benchmark(pairs("train", 4), test).standing(seen).tested == 1


def test_its_own_test_split_is_not_what_it_was_trained_on(make_run, pairs, look):
    test = pairs("test", 3)

    seen = look(make_run("x", [*pairs("train", 4), *test]))

    assert Benchmark(pairs("train", 4), test).standing(seen).tested == 0


def test_what_the_set_itself_repeats_is_counted_and_no_fault(make_run, pairs, look):
    test = pairs("test", 3)
    repeated = test[0].model_copy(update={"id": "set-train-9", "split": "train"})
    known = [*pairs("train", 4), repeated]

    found = Benchmark(known, test).standing(look(make_run("x", [*known, *pairs("dev", 1)])))

    assert (found.tested, found.leaked) == (0, 1)


def test_additions_count_and_topics_are_told(make_run, pairs, look):
    other = [*pairs("train", 4, of="other"), *pairs("dev", 2, of="other")]
    test = pairs("test", 4)
    added = [
        test[0].model_copy(update={"id": "mine", "split": "train", "text": "Quite another text."})
    ]

    seen = look(make_run("x", other, also=[[*pairs("train", 2), *added]]))

    assert Benchmark(pairs("train", 2), test).standing(seen).in_domain
    assert topics_seen(seen, test) == pytest.approx(1 / 4)


def retold(bundle, change):
    """The bundle as of a run whose manifest is another one, and which says so in its report."""
    folder = bundle.folder.parent
    manifest = change(manifest_of(bundle))
    (folder / "data.json").write_text(manifest.to_json())
    report = {"bundle": bundle.sha256, "manifest": manifest.digest}
    (folder / "report.json").write_text(json.dumps(report))
    return bundle


def manifest_of(bundle):
    return Manifest(json.loads((bundle.folder.parent / "data.json").read_text()))


def test_stages_count(make_run, pairs, look):
    other = make_run("main", pairs("train", 4, of="other"), told=False)
    stage = make_run("stage", pairs("train", 4))
    staged = retold(other, lambda it: it.with_stages([("first", manifest_of(stage))]))

    assert Benchmark(pairs("train", 4), pairs("test", 3)).standing(look(staged)).in_domain


def taught(make_run, pairs, told):
    student = make_run("student", pairs("train", 4, of="other"), told=False)
    teacher = {"name": "teacher", "bundle": "0" * 64, "manifest": told}
    return retold(student, lambda it: Manifest({**it.content, "teachers": [teacher]}))


def test_teachers_count(make_run, pairs, look):
    test = pairs("test", 3)
    stolen = [test[0].model_copy(update={"id": "mine", "split": "train"})]
    teacher = make_run("teacher", stolen)

    seen = look(taught(make_run, pairs, manifest_of(teacher).content))

    assert Benchmark(pairs("train", 4), test).standing(seen).tested == 1


def test_a_teacher_of_whom_nothing_is_known_is_refused(make_run, pairs, look):
    with pytest.raises(DataError, match="teacher"):
        look(taught(make_run, pairs, None))


def begun(make_run, pairs, tmp_path, *, sha256=None):
    """A run on another set that began with the weights of one on the set."""
    first = make_run("first", [*pairs("train", 4), *pairs("dev", 2)])
    file = first.folder.parent / weights.WEIGHTS
    file.write_bytes(b"weights")
    made = {"init": sha256 or weights.sha256(file)}
    others = [*pairs("train", 4, of="other"), *pairs("dev", 2, of="other")]
    second = make_run("second", others, made=made)
    recipe = {"name": "second", "init": str(first.folder)}
    (second.folder.parent / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return second


def test_the_run_whose_weights_it_began_with_counts(make_run, pairs, look, tmp_path):
    seen = look(begun(make_run, pairs, tmp_path))

    assert seen.sources == {"set", "other"}


def test_weights_that_are_not_those_it_began_with_are_refused(make_run, pairs, look, tmp_path):
    with pytest.raises(DataError, match="is not what"):
        look(begun(make_run, pairs, tmp_path, sha256="0" * 64))


def test_weights_that_are_gone_are_refused(make_run, pairs, look, tmp_path):
    bundle = begun(make_run, pairs, tmp_path)
    (tmp_path / "runs" / "first" / weights.WEIGHTS).unlink()

    with pytest.raises(DataError, match="cannot be found"):
        look(bundle)


def test_a_bundle_away_from_its_run_is_refused(make_run, pairs, look):
    bundle = make_run("x", pairs("train", 4))
    (bundle.folder.parent / "data.json").unlink()

    with pytest.raises(DataError, match="says what was trained on"):
        look(bundle)


@pytest.mark.parametrize("told", [True, False])
def test_the_manifest_of_another_run_is_refused(make_run, pairs, look, told):
    bundle = make_run("x", pairs("train", 4), told=told)
    look(bundle)
    other = make_run("y", pairs("train", 3))
    (bundle.folder.parent / "data.json").write_text((other.folder.parent / "data.json").read_text())

    with pytest.raises(DataError, match="is not what"):
        look(bundle)


def test_records_that_changed_since_are_refused(make_run, pairs, look, tmp_path):
    bundle = make_run("x", pairs("train", 4))
    lines = (tmp_path / "x.jsonl").read_text().splitlines()
    (tmp_path / "x.jsonl").write_text("\n".join(lines[1:]) + "\n")

    with pytest.raises(DataError, match="not what they were"):
        look(bundle)

    lenient = Sources(None, tmp_path / "cache", may_have_changed=True)
    standing = Benchmark(pairs("train", 4), pairs("test", 3)).standing(seen_by(bundle, lenient))
    assert standing.word == "in-domain, its records changed since"
    with pytest.raises(DataError):  # what is not exact is not kept
        look(bundle)


def test_it_is_built_once(make_run, pairs, look, tmp_path):
    bundle = make_run("x", pairs("train", 4))
    first = look(bundle)
    (tmp_path / "x.jsonl").unlink()

    assert look(bundle) == first
