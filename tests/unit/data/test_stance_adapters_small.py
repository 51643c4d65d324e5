"""Each stance adapter on a few rows of this test's own, good ones and bad ones."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stancewire.data.adapters.dse import entity
from stancewire.data.adapters.reading import split_of, trimmed
from stancewire.data.readers import READERS
from stancewire.data.sources import find
from stancewire.errors import DataError
from stancewire.records import Record


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def jsonl(*rows: object) -> str:
    return lines(*map(json.dumps, rows))


def news(text: str, *targets: tuple[str, float]) -> dict[str, object]:
    return {
        "sentence_normalized": text,
        "targets": [{"mention": mention, "polarity": polarity} for mention, polarity in targets],
    }


def half(text: str, mention: str, polarity: int) -> dict[str, object]:
    return {"sentence": text, "mention": mention, "polarity": polarity}


SEMEVAL = "ID\tTarget\tTweet\tStance"
GWSD = "sentence\tdisagree\tagree\tneutral\tin_held_out_test"
TWEETS = "Tweet,Target,Stance"
PAIRS = "Tweet,Target 1,Stance 1,Target 2,Stance 2"
RUSSIAN = "sentence\tentity\tentity_tag\tlabel"
QUOTES = "politician;party;date;quote;falsePositive;subTopic;fan"
VALUES = "Argument ID\tConclusion\tStance\tPremise"
SPAN = {
    "sentence": "“The mayor lied,” Kim Roe said.", "target": "the mayor", "polarity": "neg",
    "aim": "dir", "quote": "yes", "speaker": "Kim Roe", "date": "2015-03-01", "triplet": "t1",
}  # fmt: skip
CLAIMS = '"split,""topicText"",""claims.claimCorrectedText"",""claims.stance""";;'

FILES: Mapping[str, Mapping[str, str]] = {
    "semeval2016": {
        "semeval2016-task6-trainingdata.txt": lines(
            SEMEVAL, '1\tTrams\t"Trams are fine #SemST\tFAVOR', "2\tTrams\tCaf\xe9 #SemST\tNONE"
        ),
        "SemEval2016-Task6-subtaskA-testdata-gold.txt": lines(
            SEMEVAL, "3\tTrams\tNo trams! #SemST\tAGAINST"
        ),
        "SemEval2016-Task6-subtaskB-testdata-gold.txt": lines(
            SEMEVAL, "4\tBuses\tSome bus #SemST\tNONE"
        ),
    },
    "pstance": {
        f"raw_{split}_{name}.csv": lines(TWEETS, f"{tweet},{name},FAVOR")
        for split, tweet in (("train", "Good one"), ("val", "Fine then"), ("test", "good one!"))
        for name in ("trump", "biden", "bernie")
    },
    "mtsd": {
        f"raw_{split}_all_onecol.csv": lines(
            PAIRS, "Ann not Bo,Ann,FAVOR,Bo,AGAINST", "Ann not Bo,Bo,AGAINST,Ann,FAVOR"
        )
        for split in ("train", "val", "test")
    },
    "newsmtsc": {
        "train.jsonl": jsonl(news("Ann praised Bo.", ('" Ann', 4.0), ("Bo", 6.0))),
        "devtest_rw.jsonl": jsonl(news("Ann praised Bo.", ("Bo", 6.0))),
        "devtest_mt.jsonl": jsonl(news("Cy hit Di.", ("Cy", 2.0), ("Di", 4.0))),
        "hf_rw_dev.jsonl": jsonl(half("Bo wept.", "Bo", 0)),
        "hf_rw_test.jsonl": jsonl(half("Ann praised Bo.", "Bo", 1)),
        "hf_mt_dev.jsonl": jsonl(half("Cy hit Di.", "Cy", -1)),
        "hf_mt_test.jsonl": jsonl(half("Cy met Di.", "Di", 0)),
    },
    "dse": {
        "train.txt": lines(
            "[Ann] thanked [Congre]ss.\tAnn\tCongre\t1",
            "[Ann]’s dog and [,] the cat.\tAnn\t,\t0",
            "[Trump’]s aides were blamed by [Bo].\tTrump’\tBo\t4",
        ),
        "valid.txt": lines('"[Ann] said ""yes"" to [the Red Cro]ss."\tAnn\tthe Red Cro\t0'),
        "test.txt": lines(
            "[Ann] thanked [Congre]ss.\tAnn\tCongre\t1", "[Bo] hit [Cy].\tBo\tCy\t3"
        ),
    },
    "gwsd": {
        "GWSD.tsv": lines(
            GWSD,
            "A hoax, a hoax.\t\t\t\tFalse",
            "Seas rise.\t0.1\t0.7\t0.2\tFalse",
            "It never warms.\t0.8\t0.1\t0.1\tTrue",
        )
    },
    "ibm-claims": {
        "claim_stance_dataset_v1.csv": lines(
            CLAIMS,
            '"train,""This house would ban kites"",""kites hurt"",""PRO""";;',
            '"test,""This house has tea"",""tea cools"; it stains;" it is """"dear"""""",""CON"""',
        )
    },
    "perspectrum": {
        "perspectrum_with_answers_v1.0.json": json.dumps(
            [
                {
                    "cId": 7,
                    "text": "Kites should be free",
                    "perspectives": [
                        {"pids": [1, 2], "stance_label_3": "SUPPORT"},
                        {"pids": [3], "stance_label_3": "UNDERMINE"},
                    ],
                }
            ]
        ),
        "perspective_pool_v1.0.json": json.dumps(
            [{"pId": n, "text": f"Reason {n}"} for n in (1, 2, 3)]
        ),
        "dataset_split_v1.0.json": json.dumps({"7": "dev"}),
    },
    "ibm-argq": {
        "arg_quality_rank_30k.csv": lines(
            "argument,topic,set,stance_WA", "too loud,We should ban drums,train,1",
            '"so, no",We should ban drums,test,-1',
        )
    },
    "rusentne": {
        "train_data.csv": lines(RUSSIAN, '«Он "плох», — сказали там.\tОн\tPERSON\t-1'),
        "validation_data_labeled.csv": lines(RUSSIAN, "Там хорошо.\tТам\tCOUNTRY\t1"),
    },
    "basil": {
        "basil_spans.jsonl": jsonl(
            SPAN,
            SPAN | {"speaker": "other anti", "polarity": "pos"},
            SPAN | {"quote": "no", "speaker": "", "aim": "ind_pro"},
        )
    },
    "sentfin": {
        "SEntFiN.csv": lines(
            "S No.,Title,Decisions,Words",
            "1,Alba gains as Bert's falls,\"{'Alba ': 'positive', \"\"Bert's\"\": 'negative'}\",5",
        )
    },
    "polstance": {
        "quote_db.csv": lines(
            QUOTES, "Bo Ek;Parti A;12/31/2018;Vi siger ja;0;p;f", "Bo Ek;Parti A;1/1/2018;støj;1;;",
            "Di Ek;Parti B;01/02/2018;Det er skidt;0;c;a",
        )
    },
    "argkp": {
        "ArgKP-2021_dataset.csv": lines(
            "topic,argument,key_point,stance,label",
            "We should ban drums,too loud,noise,1,1",
            "We should ban drums,too loud,peace,1,0",
            "We should end affirmative action,keep it,fair,-1,1",
        )
    },
    "valueeval": {
        "arguments-training.tsv": lines(VALUES, 'A1\tBan drums\tin favor of\tso "loud'),
        "arguments-validation.tsv": lines(VALUES, "D1\tBan drums\tagainst\tnot loud"),
        "arguments-test.tsv": lines(VALUES, "E1\tBan drums\tin favour of\tthey hurt"),
    },
}  # fmt: skip
ENCODINGS = {"semeval2016": "latin-1", "polstance": "utf-16"}


def write(folder: Path, name: str, changes: Mapping[str, str] | None = None) -> Path:
    for file, text in {**FILES[name], **(changes or {})}.items():
        (folder / file).write_bytes(text.encode(ENCODINGS.get(name, "utf-8")))
    return folder


def read(folder: Path, name: str) -> list[Record]:
    return list(READERS[name](folder, find(name.removesuffix("-official"))))


def told(records: list[Record]) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    return [(r.split, r.text, r.target, r.stance.value, r.tags) for r in records]


def test_semeval_takes_quotation_marks_and_latin_letters_as_they_stand(tmp_path: Path):
    assert told(read(write(tmp_path, "semeval2016"), "semeval2016")) == [
        ("train", '"Trams are fine', "Trams", "favor", ("task-a",)),
        ("train", "Café", "Trams", "neutral", ("task-a",)),
        ("test", "No trams!", "Trams", "against", ("task-a",)),
        ("test", "Some bus", "Buses", "neutral", ("task-b",)),
    ]


def test_pstance_tags_a_tweet_of_train_in_test(tmp_path: Path):
    found = read(write(tmp_path, "pstance"), "pstance")
    assert [(r.id, r.tags) for r in found[::3]] == [
        ("pstance-train-trump-00000", ()),
        ("pstance-dev-trump-00000", ()),
        ("pstance-test-trump-00000", ("leaked",)),
    ]


def test_mtsd_judges_the_first_target(tmp_path: Path):
    found = read(write(tmp_path, "mtsd"), "mtsd")
    assert [(r.split, r.target, r.stance.value) for r in found[:3]] == [
        ("train", "Ann", "favor"),
        ("train", "Bo", "against"),
        ("dev", "Ann", "favor"),
    ]


def test_newsmtsc_in_halves_and_whole(tmp_path: Path):
    write(tmp_path, "newsmtsc")
    train = [
        ("train", "Ann praised Bo.", "Ann", "neutral", ()),
        ("train", "Ann praised Bo.", "Bo", "favor", ()),
    ]
    assert told(read(tmp_path, "newsmtsc")) == [
        *train,
        ("dev", "Bo wept.", "Bo", "neutral", ("rw",)),
        ("dev", "Cy hit Di.", "Cy", "against", ("mt",)),
        ("test", "Ann praised Bo.", "Bo", "favor", ("rw", "leaked")),
        ("test", "Cy met Di.", "Di", "neutral", ("mt",)),
    ]
    assert told(read(tmp_path, "newsmtsc-official")) == [
        *train,
        ("test", "Ann praised Bo.", "Bo", "favor", ("rw", "leaked")),
        ("test", "Cy hit Di.", "Cy", "against", ("mt",)),
        ("test", "Cy hit Di.", "Di", "neutral", ("mt",)),
    ]


def test_dse_turns_the_holder_into_the_speaker(tmp_path: Path):
    write(tmp_path, "dse")
    official = read(tmp_path, "dse-official")
    assert [(r.split, r.speaker, r.target, r.stance.value, r.tags) for r in official] == [
        ("train", "Ann", "Congress", "favor", ("dse-1",)),
        ("train", "Bo", "Trump", "against", ("dse-4",)),
        ("dev", "Ann", "the Red Cross", "neutral", ("dse-0",)),
        ("test", "Ann", "Congress", "favor", ("dse-1", "leaked")),
        ("test", "Bo", "Cy", "against", ("dse-3",)),
    ]
    assert official[2].text == 'Ann said "yes" to the Red Cross.'
    assert read(tmp_path, "dse") == [r for r in official if "leaked" not in r.tags]


@pytest.mark.parametrize(
    ("name", "sentence", "whole"),
    [
        ("Los Angele", "A [Los Angele]s anchor", "Los Angeles"),
        ("Kasich’", "[Kasich’]s complaints", "Kasich"),
        ("Trump", "[Trump]’s tower", "Trump"),
        ("Trump’", "[Trump’]’s tower", "Trump"),
        ("U. S.", "the [U. S.] practice", "U. S."),
        ("McInne", "said [McInne]sAnd then", "McInnes"),
        ("“", "a [“]leap.”", ""),
        ("Ann", "no bracket", "Ann"),
    ],
)
def test_an_entity_that_its_bracket_cut_is_made_whole(name: str, sentence: str, whole: str):
    assert entity(name, sentence) == whole


def test_gwsd_drops_screening_rows_and_takes_the_likeliest(tmp_path: Path):
    found = read(write(tmp_path, "gwsd"), "gwsd")
    assert [(r.id, r.stance.value) for r in found] == [
        ("gwsd-sentence-00001", "favor"),
        ("gwsd-sentence-00002", "against"),
    ]
    assert found[1].split == "test" and found[0].split in ("train", "dev")


def test_ibm_claims_undoes_the_spreadsheet(tmp_path: Path):
    assert told(read(write(tmp_path, "ibm-claims"), "ibm-claims")) == [
        ("train", "kites hurt", "This house would ban kites", "favor", ()),
        ("test", 'tea cools; it stains; it is "dear"', "This house has tea", "against", ()),
    ]


def test_perspectrum_has_one_record_for_each_perspective(tmp_path: Path):
    found = read(write(tmp_path, "perspectrum"), "perspectrum")
    assert [(r.split, r.text, r.stance.value) for r in found] == [
        ("dev", "Reason 1", "favor"),
        ("dev", "Reason 2", "favor"),
        ("dev", "Reason 3", "against"),
    ]


def test_ibm_argq_gzipped(tmp_path: Path):
    plain = write(tmp_path, "ibm-argq") / "arg_quality_rank_30k.csv"
    found = read(tmp_path, "ibm-argq")
    assert [(r.split, r.text, r.stance.value) for r in found] == [
        ("train", "too loud", "favor"),
        ("test", "so, no", "against"),
    ]
    (tmp_path / f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert read(tmp_path, "ibm-argq") == found


def test_rusentne_is_russian_and_tab_separated(tmp_path: Path):
    found = read(write(tmp_path, "rusentne"), "rusentne")
    assert told(found) == [
        ("train", '«Он "плох», — сказали там.', "Он", "against", ("person",)),
        ("dev", "Там хорошо.", "Там", "favor", ("country",)),
    ]
    assert {r.language for r in found} == {"ru"}


def test_basil_names_the_speakers_of_quotes_alone(tmp_path: Path):
    found = read(write(tmp_path, "basil"), "basil")
    assert [(r.speaker, r.stance.value, r.tags) for r in found] == [
        ("Kim Roe", "against", ("aim-dir", "in-quote")),
        (None, "favor", ("aim-dir", "in-quote")),
        (None, "against", ("aim-ind_pro",)),
    ]
    assert len({r.split for r in found}) == 1


def test_sentfin_reads_names_with_apostrophes(tmp_path: Path):
    found = read(write(tmp_path, "sentfin"), "sentfin")
    assert [(r.target, r.stance.value) for r in found] == [("Alba", "favor"), ("Bert's", "against")]


def test_polstance_reads_the_month_first(tmp_path: Path):
    found = read(write(tmp_path, "polstance"), "polstance")
    assert [(r.speaker, r.organisation, str(r.date), r.stance.value, r.tags) for r in found] == [
        ("Bo Ek", "Parti A", "2018-12-31", "favor", ("national",)),
        ("Di Ek", "Parti B", "2018-01-02", "against", ("european",)),
    ]
    assert {r.language for r in found} == {"da"}
    assert found[0].target != found[1].target


def test_argkp_has_an_argument_once(tmp_path: Path):
    found = read(write(tmp_path, "argkp"), "argkp")
    assert [(r.id, r.split, r.text, r.stance.value) for r in found] == [
        ("argkp-row-00000", "train", "too loud", "favor"),
        ("argkp-row-00002", "dev", "keep it", "against"),
    ]


def test_valueeval_knows_both_spellings_of_favor(tmp_path: Path):
    assert told(read(write(tmp_path, "valueeval"), "valueeval")) == [
        ("train", 'so "loud', "Ban drums", "favor", ("argq",)),
        ("dev", "not loud", "Ban drums", "against", ("ideas",)),
        ("test", "they hurt", "Ban drums", "favor", ("europe",)),
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    for missing in FILES[name]:
        write(tmp_path, name)
        (tmp_path / missing).unlink()
        readers = [reader for reader in READERS if reader.removesuffix("-official") == name]
        with pytest.raises(DataError, match=missing):
            _ = [read(tmp_path, reader) for reader in readers]


def changed(name: str, file: str, old: str, new: str) -> Callable[[Path], Path]:
    assert old in FILES[name][file], "the change would change nothing"
    return lambda folder: write(folder, name, {file: FILES[name][file].replace(old, new)})


BAD = [
    ("semeval2016", "SemEval2016-Task6-subtaskB-testdata-gold.txt", "NONE", "MAYBE",
     "test-b, row 0, .*MAYBE"),
    ("pstance", "raw_val_biden.csv", "FAVOR", "NONE", "dev-biden, row 0, .*NONE"),
    ("mtsd", "raw_test_all_onecol.csv", "Bo,AGAINST,Ann", ",AGAINST,Ann", "test, row 1, .*target"),
    ("newsmtsc", "train.jsonl", "6.0", "5.0", "train, row 1, .*5"),
    ("newsmtsc", "hf_mt_test.jsonl", '"polarity"', '"sign"', "test-mt, row 0, .*polarity"),
    ("newsmtsc", "train.jsonl", "]}", "]", "newsmtsc train: line 1 is not JSON"),
    ("dse", "test.txt", "Cy\t3", "Cy\t5", "test, row 1, .*5"),
    ("dse", "train.txt", "\tAnn\tCongre\t1", "\tAnn\t1", "train, row 0, "),
    ("gwsd", "GWSD.tsv", "0.7", "much", "sentence, row 1, .*much"),
    ("gwsd", "GWSD.tsv", "True", "perhaps", "sentence, row 2, .*perhaps"),
    ("ibm-claims", "claim_stance_dataset_v1.csv", '"PRO"', '"pro"', "claim, row 0, .*pro"),
    ("ibm-claims", "claim_stance_dataset_v1.csv", "kites hurt", '"",""', "claim, row 0, .*cells"),
    ("perspectrum", "perspective_pool_v1.0.json", '"pId": 3', '"pId": 4',
     "perspective, row 2, .*3"),
    ("perspectrum", "perspectrum_with_answers_v1.0.json", "UNDERMINE", "not-a-perspective",
     "perspective, row 2, .*not-a"),
    ("perspectrum", "dataset_split_v1.0.json", "}", "", "dataset_split_v1.0.json is not JSON"),
    ("ibm-argq", "arg_quality_rank_30k.csv", ",-1", ",0", "argument, row 1, .*0"),
    ("ibm-argq", "arg_quality_rank_30k.csv", "test", "later", "argument, row 1, .*split"),
    ("rusentne", "validation_data_labeled.csv", "\t1", "\t2", "dev, row 0, .*2"),
    ("basil", "basil_spans.jsonl", "2015-03-01", "3/1/2015", "span, row 0, .*date"),
    ("basil", "basil_spans.jsonl", "ind_pro", 'ind_pro"', "basil span: line 3 is not JSON"),
    ("sentfin", "SEntFiN.csv", "'positive'", "'up'", "headline, row 0, .*'up'"),
    ("polstance", "quote_db.csv", "12/31", "31/12", "quote, row 0, .*31/12"),
    ("polstance", "quote_db.csv", "0;c;a", "0;x;a", "quote, row 2, .*x"),
    ("argkp", "ArgKP-2021_dataset.csv", "peace,1", "peace,-1", "row, row 1, .*other stance"),
    ("valueeval", "arguments-test.tsv", "E1", "X1", "test, row 0, .*X"),
    ("valueeval", "arguments-test.tsv", "they hurt", "…", "test, row 0, .*text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "old", "new", "message"), BAD)
def test_a_bad_row_is_named(tmp_path: Path, name: str, file: str, old: str, new: str, message: str):
    folder = changed(name, file, old, new)(tmp_path)
    with pytest.raises(DataError, match=message):
        read(folder, name)


def test_a_file_in_another_encoding_does_not_pass_for_an_empty_one(tmp_path: Path):
    (tmp_path / "quote_db.csv").write_text(FILES["polstance"]["quote_db.csv"])
    with pytest.raises(DataError, match="has no column falsePositive, read as UTF-16"):
        read(tmp_path, "polstance")


def test_a_drawn_split_does_not_heed_typography():
    assert split_of("“Ja”, sagde hun.") == split_of('"ja" sagde hun')
    drawn = [split_of(f"key {n}") for n in range(1000)]
    assert 60 < drawn.count("dev") < 140 and 60 < drawn.count("test") < 140
    assert "test" not in {split_of(f"key {n}", test=0) for n in range(1000)}


@pytest.mark.parametrize(
    ("mention", "bare"),
    [('" Roe', "Roe"), ("Kim Roe’s", "Kim Roe"), ("U.S.", "U.S."), ("Roe (D)", "Roe (D)")],
)
def test_a_mention_loses_what_clings_to_it(mention: str, bare: str):
    assert trimmed(mention) == bare
