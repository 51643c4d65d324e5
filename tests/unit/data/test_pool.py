from collections.abc import Callable
from pathlib import Path

import pytest

from stancewire.data.files import write_records
from stancewire.data.pool import PoolItem, read_items
from stancewire.errors import DataError
from stancewire.labels import Label
from stancewire.records import Record

LABEL = {"stance", "neutral_kind", "annotators"}


def test_an_item_has_the_fields_and_limits_of_a_record_without_its_label() -> None:
    assert set(PoolItem.model_fields) == set(Record.model_fields) - LABEL
    for name, field in PoolItem.model_fields.items():
        record = Record.model_fields[name]
        assert field.annotation == record.annotation, name
        assert repr(field.metadata) == repr(record.metadata), name
        assert name == "split" or field.default == record.default, name


def test_a_record_gives_up_its_label_and_gets_it_back(make_record: Callable[..., Record]) -> None:
    record = make_record(speaker="Ana", date="2024-05-06", tags=["hard"], split="dev")
    item = PoolItem.of(record)
    assert not hasattr(item, "stance")
    assert item.pair == record.pair
    assert item.labelled(Label.FAVOR, None, ["tester"]) == record


def test_labelled_and_unlabelled_rows_are_told_apart(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    record = make_record()
    item = PoolItem.of(make_record(id="b"))
    write_records(tmp_path / "both.jsonl", [record, item])
    assert read_items(tmp_path / "both.jsonl") == [record, item]


def test_bad_and_repeated_rows_are_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    good = "We go.,it,desk,own"
    path.write_text(
        f"id,text,target,source,licence\na,{good}\na,{good}\n!,{good}\nc,—,it,desk,own\n"
    )
    with pytest.raises(DataError) as refused:
        read_items(path)
    assert [(p.where, p.field) for p in refused.value.problems] == [
        (f"{path}:3", "id"), (f"{path}:4", "id"), (f"{path}:5", "text"),
    ]  # fmt: skip
