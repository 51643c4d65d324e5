"""The NLI adapters on small files of our own."""

import csv
import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from stancewire.data.adapters import cad_nli, fever, lingnli, negnli, nli_mix, reading, xnli
from stancewire.data.adapters.reading import Reader
from stancewire.data.sources import Source, SourceFile
from stancewire.errors import DataError
from stancewire.records import Record

SOURCE = Source(
    name="set",
    title="A set",
    citation="Made for a test.",
    licence="CC0",
    terms="open",
    folder="set",
    files=(SourceFile(name="rows", sha256="0" * 64),),
)
Rows = Iterable[Sequence[str]]


def told(records: Iterable[Record]) -> list[tuple[str, str, str, str, str]]:
    return [(r.id, r.split, r.target, r.stance.value, "+".join(r.tags)) for r in records]


def read(reader: Reader, folder: Path) -> list[Record]:
    return list(reader(folder, SOURCE))


def table(rows: Rows) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def write_jsonl(path: Path, keys: Sequence[str], rows: Rows) -> Path:
    lines = [json.dumps(dict(zip(keys, row, strict=False))) + "\n" for row in rows]
    path.with_name(path.name + ".gz").write_bytes(gzip.compress("".join(lines).encode()))
    return path.parent


# LingNLI

LINGNLI = ("premise", "hypothesis", "gold_label", "protocol", "split")


def test_lingnli_keeps_premises_of_val_out_of_train(tmp_path: Path):
    rows = [
        ("It rains.", "It is wet.", "entailment", "1", "train"),
        ("Snow fell.", "It is hot.", "contradiction", "2", "train"),
        ("“Snow fell”", "It is cold.", "neutral", "3", "val"),
        ("It rains.", "{}", "neutral", "3", "train"),
    ]
    write_jsonl(tmp_path / "lingnli.jsonl", LINGNLI, rows)
    assert told(read(lingnli.read, tmp_path)) == [
        ("set-pairs-00000", "train", "the claim that it is wet", "favor", "protocol:1"),
        ("set-pairs-00002", "dev", "the claim that it is cold", "neutral", "protocol:3"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("It rains.", "It is wet.", "perhaps", "1", "train"), "'perhaps'"),
        (("It rains.", "It is wet.", "neutral", "1", "golden"), "'golden'"),
        (("It rains.", "It is wet.", "neutral", "1"), "'split'"),
    ],
)
def test_lingnli_names_a_bad_row(tmp_path: Path, row: Sequence[str], said: str):
    good = ("It rains.", "It is wet.", "neutral", "1", "train")
    write_jsonl(tmp_path / "lingnli.jsonl", LINGNLI, [good, row])
    with pytest.raises(DataError, match=f"set pairs, row 1, cannot be used: .*{said}"):
        read(lingnli.read, tmp_path)


# The collection

PLAIN = ("It rains.", "It is wet.", "entailment")


def write_mix(folder: Path, **rows: Rows) -> Path:
    """Every file of the collection: the rows given, else none."""
    for file in nli_mix.FILES:
        out = io.StringIO(newline="")
        csv.writer(out).writerows([("premise", "hypothesis", "label"), *rows.get(file.name, ())])
        (folder / f"{file.name}.csv").write_text(out.getvalue(), newline="")
    return folder


def test_mix_of_two_labels_only_entailment_is_read(tmp_path: Path):
    rows = [PLAIN, ("Snow fell.", "It is hot.", "not_entailment")]
    write_mix(tmp_path, scitail_dev=rows, rte_train=[("Hail fell.", "It hailed.", "entailment")])
    assert told(read(nli_mix.read, tmp_path)) == [
        ("set-rte_train-00000", "train", "the claim that it hailed", "favor", "part:rte"),
        ("set-scitail_dev-00000", "dev", "the claim that it is wet", "favor", "part:scitail"),
    ]


def test_mix_strips_tags_and_names_of_pictures(tmp_path: Path):
    bold = ("<b><u>The  road</u></b> &amp; I.", "<b><u>The old road</u></b> & I.\n", "entailment")
    glued = "123jpg0A man runs 123jpg1Two men, 3 dogs 123jpg4A race"
    write_mix(tmp_path, add_one_rte_dev=[bold], mpe_train=[(glued, "A race ends", "neutral")])
    captions, roads = read(nli_mix.read, tmp_path)
    assert captions.text == "A man runs. Two men, 3 dogs. A race"
    assert (roads.text, roads.target) == ("The road & I.", "the claim that the old road & I")


def test_mix_parts_mnli_by_premise(tmp_path: Path):
    rows = [(f"It rained on day {n // 2}.", f"It was day {n}.", "neutral") for n in range(4000)]
    records = read(nli_mix.read, write_mix(tmp_path, mnli_dev=rows))
    assert len(records) == 4000
    assert {r.tags for r in records} == {("part:mnli",)}
    splits = {text: {r.split for r in records if r.text == text} for text, *_ in rows}
    assert all(len(one) == 1 for one in splits.values())
    assert 0.04 < sum(one == {"dev"} for one in splits.values()) / len(splits) < 0.06


def test_mix_keeps_premises_of_any_dev_out_of_train(tmp_path: Path):
    write_mix(
        tmp_path,
        sick_train=[PLAIN, ("Snow fell.", "It is cold.", "neutral")],
        sick_dev=[("It rains", "It is hot.", "contradiction")],
        joci_dev=[("snow fell.", "It is white.", "entailment")],
    )
    assert [r.id for r in read(nli_mix.read, tmp_path)] == [
        "set-sick_dev-00000",
        "set-joci_dev-00000",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("It rains.", "It is wet."), "label: expected text"),
        (("It rains.", "It is wet.", "neutral", "4"), "more cells"),
        (("It rains.", "It is wet.", "-"), "'-'"),
    ],
)
def test_mix_names_a_bad_row(tmp_path: Path, row: Sequence[str], said: str):
    with pytest.raises(DataError, match=f"set fracas_dev, row 1, cannot be used: .*{said}"):
        read(nli_mix.read, write_mix(tmp_path, fracas_dev=[PLAIN, row]))


# Counterfactually augmented NLI


def write_cad(folder: Path, **rows: Rows) -> Path:
    for part in ("original", "revised_premise", "revised_hypothesis"):
        (folder / part).mkdir()
        for split in ("train", "dev", "test"):
            header = ("sentence1", "sentence2", "gold_label")
            content = table([header, *rows.get(f"{part}_{split}", ())])
            (folder / part / f"{split}.tsv").write_text(content)
    return folder


def test_cad_takes_quotation_marks_as_they_stand(tmp_path: Path):
    write_cad(
        tmp_path,
        original_test=[('"It rains.', "It is wet.", "entailment")],
        revised_premise_test=[('It "never" rains.', "It is wet.", "contradiction")],
    )
    records = read(cad_nli.read, tmp_path)
    target = "the claim that it is wet"
    assert told(records) == [
        ("set-test-original-00000", "test", target, "favor", "part:original"),
        ("set-test-revised_premise-00000", "test", target, "against", "part:revised_premise"),
    ]
    assert [r.text for r in records] == ['"It rains.', 'It "never" rains.']


def test_cad_names_a_bad_row(tmp_path: Path):
    with pytest.raises(DataError, match="set dev-original, row 0, cannot be used: gold_label"):
        read(cad_nli.read, write_cad(tmp_path, original_dev=[("It rains.", "It is wet.")]))


# FEVER

FEVER = ("evidence", "claim", "label", "part")


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("Ortiz -LRB- born 1950 -RRB- , a judge .", "Ortiz (born 1950), a judge."),
        ("He 's `` Bo '' , she is n't .", "He's \"Bo\", she isn't."),
        (
            "It released `` I Do `` in May ; see -LSB- 1 -RSB- .",
            'It released "I Do" in May; see [1].',
        ),
        ("Half '' a quotation .", 'Half" a quotation.'),
        ("The brothers ' house , 1900 -- 1910 .", "The brothers' house, 1900 – 1910."),
        ("Up 5 % : why ?", "Up 5%: why?"),
        ("Plain words stay.", "Plain words stay."),
    ],
)
def test_tokens_become_running_text(tokens: str, text: str):
    assert reading.detokenised(tokens) == text


def test_fever_keeps_the_symmetric_parts_out_of_the_others(tmp_path: Path):
    rows = [
        ("The lake is deep .", "The lake is only deep.", "REFUTES", "ggkorn_eval"),
        ("The lake is deep .", "The lake is wide.", "SUPPORTS", "rtefever_dev"),
        ("A hill is low .", "A hill is high.", "REFUTES", "ggkorn_test"),
        ("The lake is dry .", "A hill is flat.", "SUPPORTS", "symmetric_dev"),
        ("A road is long .", "the lake is wide .", "REFUTES", "symmetric_test"),
        ("A road is long .", "A road ends .", "SUPPORTS", "symmetric_dev"),
    ]
    write_jsonl(tmp_path / "fever_pairs.jsonl", FEVER, rows)
    that = "the claim that"
    assert told(read(fever.read, tmp_path)) == [
        (
            "set-pairs-00000",
            "train",
            f"{that} the lake is only deep",
            "against",
            "part:ggkorn_eval",
        ),
        ("set-pairs-00002", "train", f"{that} a hill is high", "against", "part:ggkorn_test"),
        ("set-pairs-00003", "dev", f"{that} a hill is flat", "favor", "part:symmetric_dev"),
        ("set-pairs-00004", "test", f"{that} the lake is wide", "against", "part:symmetric_test"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("A hill is low.", "A hill is high.", "NOT ENOUGH INFO", "ggkorn_eval"), "NOT ENOUGH"),
        (("A hill is low.", "A hill is high.", "REFUTES", "other"), "'other'"),
        (("A hill is low.",), "'part'"),
    ],
)
def test_fever_names_a_bad_row(tmp_path: Path, row: Sequence[str], said: str):
    write_jsonl(tmp_path / "fever_pairs.jsonl", FEVER, [row])
    with pytest.raises(DataError, match=f"set pairs, row 0, cannot be used: .*{said}"):
        read(fever.read, tmp_path)


# The negation probe


def write_negnli(folder: Path, **rows: Rows) -> Path:
    for name in ("MNLI", "SNLI", "RTE"):
        content = table([("index", "Text", "Hypothesis", "gold_label"), *rows.get(name, ())])
        (folder / f"{name}.txt").write_bytes(content.replace("\n", "\r\n").encode())
    return folder


def test_negnli_is_a_probe_of_three_parts(tmp_path: Path):
    row = ("0", "It does not rain.", "It is wet.", "contradiction")
    half = [("0", "It rains.", "It is wet.", "entailment"), ("1", "No.", "Yes.", "not_entailment")]
    records = read(negnli.read, write_negnli(tmp_path, MNLI=[row], SNLI=[row], RTE=half))
    target = "the claim that it is wet"
    assert told(records) == [
        ("set-mnli-00000", "test", target, "against", "part:mnli"),
        ("set-snli-00000", "test", target, "against", "part:snli"),
        ("set-rte-00000", "test", target, "favor", "part:rte"),
    ]


def test_negnli_reads_lines_of_two_encodings(tmp_path: Path):
    write_negnli(tmp_path, MNLI=[("0", "Zoë’s café", "It is open.", "neutral")])
    with (tmp_path / "MNLI.txt").open("ab") as out:
        out.write("1\t“Café”\tIt is shut.\tneutral\r\n".encode("cp1252"))
    assert [r.text for r in read(negnli.read, tmp_path)] == ["Zoë’s café", "“Café”"]


def test_negnli_names_a_bad_row(tmp_path: Path):
    bad = ("0", "It rains.", "It is wet.", "not_entailment")
    with pytest.raises(DataError, match=r"set snli, row 0, cannot be used: .*'not_entailment'"):
        read(negnli.read, write_negnli(tmp_path, SNLI=[bad]))


# XNLI


def write_xnli(folder: Path, member: str | None = None, **rows: Rows) -> Path:
    for part in ("validation_en", "validation_ru", "test_en", "test_ru"):
        content = table([("id", "premise", "hypothesis", "label"), *rows.get(part, ())]).encode()
        info = tarfile.TarInfo(member or f"xnli_{part}.tsv")
        info.size = len(content)
        with tarfile.open(folder / f"xnli_{part}.tar.gz", "w:gz") as archive:
            archive.addfile(info, io.BytesIO(content))
    return folder


def test_xnli_gives_a_pair_its_number_in_both_languages(tmp_path: Path):
    write_xnli(
        tmp_path,
        validation_en=[("0", '"Rain', "It is wet.", "0"), ("1", "Snow", "It is hot.", "2")],
        validation_ru=[("1", "Снег", "Это жара.", "2"), ("0", "Дождь", "Там мокро.", "0")],
        test_en=[("0", "Hail", "It is cold.", "1")],
    )
    records = read(xnli.read, tmp_path)
    assert told(records) == [
        ("set-dev-en-00000", "dev", "the claim that it is wet", "favor", "lang:en"),
        ("set-dev-en-00001", "dev", "the claim that it is hot", "against", "lang:en"),
        ("set-dev-ru-00001", "dev", "the claim that это жара", "against", "lang:ru"),
        ("set-dev-ru-00000", "dev", "the claim that там мокро", "favor", "lang:ru"),
        ("set-test-en-00000", "test", "the claim that it is cold", "neutral", "lang:en"),
    ]
    assert [r.language for r in records] == ["en", "en", "ru", "ru", "en"]


@pytest.mark.parametrize("row", [("0", "Rain", "It is wet.", "3"), ("x", "Rain", "Wet.", "0")])
def test_xnli_names_a_bad_row(tmp_path: Path, row: Sequence[str]):
    with pytest.raises(DataError, match="set test-en, row 0, cannot be used"):
        read(xnli.read, write_xnli(tmp_path, test_en=[row]))


def test_xnli_names_a_missing_member_and_a_torn_archive(tmp_path: Path):
    with pytest.raises(DataError, match=r"does not hold xnli_validation_en\.tsv"):
        read(xnli.read, write_xnli(tmp_path, member="other.tsv"))
    (tmp_path / "xnli_validation_en.tar").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"does not hold xnli_validation_en\.tsv"):
        read(xnli.read, tmp_path)


@pytest.mark.parametrize("adapter", [lingnli, nli_mix, cad_nli, fever, negnli, xnli])
def test_a_missing_file_is_named(tmp_path: Path, adapter):
    with pytest.raises(DataError, match="does not hold"):
        read(adapter.read, tmp_path)
