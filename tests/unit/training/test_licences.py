from typing import Any

import pytest

from stancewire.bundle import Bundle
from stancewire.data.mixture import Manifest
from stancewire.data.sources import declared
from stancewire.errors import ConfigError
from stancewire.training.licences import licence, notice, refuse_closed


def manifest(*names: str, stage: str | None = None) -> Manifest:
    def part(name: str) -> dict[str, Any]:
        source = declared().get(name)
        terms, said = (source.terms, source.licence) if source else ("open", "Apache-2.0")
        return {"source": name, "terms": terms, "licence": said, "splits": {}}

    content: dict[str, Any] = {"sources": [part(name) for name in names]}
    if stage is not None:
        content["stages"] = [{"name": "first", "manifest": {"sources": [part(stage)]}}]
    return Manifest(content)


def test_open_sources_alone_leave_the_licence_of_the_code():
    assert licence(manifest("press", "drills")) == "Apache-2.0"


def test_one_share_alike_source_of_a_stage_decides():
    assert declared()["perspectrum"].terms == "share-alike"
    found = manifest("press", stage="perspectrum")
    refuse_closed(found)
    assert licence(found) == "CC BY-SA 4.0"


@pytest.mark.parametrize("name", ["vast", "xnli"])
def test_other_terms_are_refused_by_name(name: str):
    assert declared()[name].terms in ("not-stated", "non-commercial")
    for found in (manifest("press", name), manifest("press", stage=name)):
        with pytest.raises(ConfigError, match=f"{name} is {declared()[name].terms}"):
            refuse_closed(found)


def test_a_part_of_several_terms_is_refused_for_one():
    found = manifest("press")
    found.content["sources"][0]["terms"] = "share-alike, not-stated"
    with pytest.raises(ConfigError, match="press is share-alike, not-stated"):
        refuse_closed(found)


def test_the_notice_names_every_source_once_with_its_work_and_licence(tfidf_bundle: Bundle):
    text = notice(manifest("press", "perspectrum", stage="perspectrum"), tfidf_bundle)
    assert "CC BY-SA 4.0" in text
    assert "https://creativecommons.org/licenses/by-sa/4.0/" in text
    assert text.count(declared()["perspectrum"].citation) == 1
    assert "| press | original text of this project | Apache-2.0 |" in text


def test_the_corpus_of_real_passages_is_named_by_its_works(tfidf_bundle: Bundle):
    found = manifest("press")
    found.content["sources"][0] |= {"source": "real", "licence": "public domain; MIT"}
    text = notice(found, tfidf_bundle)
    for name in ("us-briefings", "us-conferences"):
        assert declared()[name].title in text
