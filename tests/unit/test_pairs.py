import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from stancewire.errors import BundleError, DataError
from stancewire.pairs import PADDING, Encoding, PairEncoder, Pass, StancePair
from stancewire.text import normalise

MODES = ("blocked", "joint", "separate")
WORDS = st.sampled_from(["we", "welcome", "reject", "treatys", "“no”", "x9", "état", "\u200bthe"])
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
TARGETS = st.lists(WORDS, min_size=1, max_size=2).map(" ".join)  # at most 11 tokens with [SEP]
# Few quotes, so that some are asked about more targets than one pass holds.
PAIRS = st.lists(TEXTS, min_size=1, max_size=3).flatmap(
    lambda texts: st.lists(
        st.builds(StancePair, text=st.sampled_from(texts), target=TARGETS), min_size=1, max_size=12
    )
)


@pytest.fixture(scope="module", params=MODES)
def encoder(
    request: pytest.FixtureRequest, tiny_tokenizer: Tokenizer, tiny_encoding: Encoding
) -> PairEncoder:
    encoding = tiny_encoding.model_copy(update={"attention": request.param, "position_offset": 2})
    return PairEncoder(tiny_tokenizer, encoding)


@pytest.fixture(scope="module")
def blocked(tiny_tokenizer: Tokenizer, tiny_encoding: Encoding) -> PairEncoder:
    return PairEncoder(tiny_tokenizer, tiny_encoding)


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(normalise(text), add_special_tokens=False).ids


def block(one: Pass, number: int) -> tuple[list[int], list[int]]:
    """Tokens and positions of one block."""
    at = [i for i, b in enumerate(one.blocks) if b == number]
    return [one.input_ids[i] for i in at], [one.position_ids[i] for i in at]


@given(pairs=PAIRS)
def test_every_pair_is_in_exactly_one_pass(encoder: PairEncoder, pairs: list[StancePair]):
    passes = encoder.passes(pairs)
    members = [index for one in passes for index in one.members]
    assert sorted(members) == list(range(len(pairs)))
    for one in passes:
        assert 1 <= len(one.members) <= encoder.encoding.targets_per_pass
        assert len({normalise(pairs[i].text) for i in one.members}) == 1


@pytest.mark.parametrize("room", [1, 24, 40, 10_000])
def test_a_pass_is_no_longer_than_its_bound_unless_one_target_is(
    tiny_tokenizer: Tokenizer, tiny_encoding: Encoding, room: int
):
    encoding = tiny_encoding.model_copy(update={"max_pass_tokens": room, "max_targets": 10})
    encoder = PairEncoder(tiny_tokenizer, encoding)
    pairs = [StancePair("we welcome it", " ".join(["treaty"] * n)) for n in (9, 1, 9, 2, 3, 9, 1)]
    passes = encoder.passes(pairs)
    assert sorted(i for one in passes for i in one.members) == list(range(len(pairs)))
    assert all(len(one) <= room or len(one.members) == 1 for one in passes)
    assert (len(passes) == 1) == (room == 10_000)
    assert (len(passes) == len(pairs)) == (room == 1)


@given(pairs=PAIRS)
def test_a_quote_costs_as_few_passes_as_it_can(encoder: PairEncoder, pairs: list[StancePair]):
    size = encoder.encoding.targets_per_pass
    texts = [normalise(p.text) for p in pairs]
    needed = sum(-(-texts.count(text) // size) for text in set(texts))
    assert len(encoder.passes(pairs)) == needed


@given(pairs=PAIRS)
def test_the_layout_of_a_pass(
    encoder: PairEncoder, tiny_tokenizer: Tokenizer, pairs: list[StancePair]
):
    e = encoder.encoding
    for one in encoder.passes(pairs):
        assert len(one.input_ids) == len(one.position_ids) == len(one.blocks) == len(one)
        # Blocks are contiguous and in order: 0…0 1…1 2…2.
        assert list(one.blocks) == sorted(one.blocks)
        assert set(one.blocks) == set(range(len(one.members) + 1))
        quote, positions = block(one, 0)
        text = ids(tiny_tokenizer, pairs[one.members[0]].text)
        assert quote == [e.cls_id, *text[: e.max_text_tokens - 2], e.sep_id]
        assert positions == list(range(2, 2 + len(quote)))
        assert one.truncated == (len(text) > e.max_text_tokens - 2)
        for number, member in enumerate(one.members, 1):
            tokens, places = block(one, number)
            target = [*ids(tiny_tokenizer, pairs[member].target), e.sep_id]
            if e.attention == "separate":
                assert tokens == [e.cls_id, *target]
                start = 2
            else:
                assert tokens == target
                start = 2 + len(quote)
            assert places == list(range(start, start + len(tokens)))


@given(pairs=PAIRS, data=st.data())
def test_a_target_is_encoded_the_same_in_any_company(
    encoder: PairEncoder, pairs: list[StancePair], data: st.DataObject
):
    index = data.draw(st.integers(0, len(pairs) - 1))
    (alone,) = encoder.passes([pairs[index]])
    (company,) = [p for p in encoder.passes(pairs) if index in p.members]
    number = company.members.index(index) + 1
    assert block(company, number) == block(alone, 1)
    assert block(company, 0) == block(alone, 0)
    assert company.truncated == alone.truncated


@given(pairs=PAIRS)
def test_padding_adds_nothing(encoder: PairEncoder, pairs: list[StancePair]):
    passes = encoder.passes(pairs)
    batch = encoder.batch(passes)
    width = max(map(len, passes))
    assert batch.input_ids.shape == batch.position_ids.shape == batch.blocks.shape
    assert batch.input_ids.shape == (len(passes), width)
    assert batch.block_ids.tolist() == list(range(1, max(len(p.members) for p in passes) + 1))
    for row, one in enumerate(passes):
        n = len(one)
        assert batch.input_ids[row, :n].tolist() == list(one.input_ids)
        assert batch.position_ids[row, :n].tolist() == list(one.position_ids)
        assert batch.blocks[row, :n].tolist() == list(one.blocks)
        assert (batch.input_ids[row, n:] == encoder.encoding.pad_id).all()
        assert (batch.blocks[row, n:] == PADDING).all()
        # A position outside the model's table would crash even where it is masked.
        assert (batch.position_ids[row, n:] == encoder.encoding.position_offset).all()
    assert all(array.dtype == np.int64 for array in batch.feed().values())


def test_the_feed_has_the_names_of_the_graph(blocked: PairEncoder):
    feed = blocked.batch(blocked.passes([StancePair("we welcome", "the treaty")])).feed()
    assert list(feed) == ["input_ids", "position_ids", "blocks", "block_ids"]


@pytest.mark.parametrize(("words", "truncated"), [(22, False), (23, True), (500, True)])
def test_only_the_quote_is_cut_and_it_is_told(blocked: PairEncoder, words: int, truncated: bool):
    (one,) = blocked.passes([StancePair("we " * words, "treaty")])
    assert one.truncated is truncated
    assert len(block(one, 0)[0]) == min(words + 2, 24)
    assert len(block(one, 1)[0]) == 2


def test_the_longest_target_is_read_whole(blocked: PairEncoder):
    (one,) = blocked.passes([StancePair("we", "we " * 11)])
    assert len(block(one, 1)[0]) == 12


def test_what_cannot_be_encoded_names_item_and_field(blocked: PairEncoder):
    pairs = [
        StancePair("we", "the treaty"),
        StancePair("we", "we " * 12),
        StancePair(" \u200b", "treaty"),
        StancePair("we", ""),
        StancePair("", "\x00"),
    ]
    with pytest.raises(DataError) as caught:
        blocked.passes(pairs)
    told = [(p.where, p.field) for p in caught.value.problems]
    assert told == [
        ("item 1", "target"), ("item 2", "text"), ("item 3", "target"), ("item 4", "text"),
        ("item 4", "target"),
    ]  # fmt: skip
    assert "12 tokens long; at most 11" in caught.value.problems[0].message


def test_nothing_makes_no_pass(encoder: PairEncoder):
    assert encoder.passes([]) == []


def test_two_settings_of_one_quote_share_a_pass(blocked: PairEncoder):
    pairs = [StancePair("We “welcome” it", "a"), StancePair('We  "welcome"\u200b it', "b")]
    assert [p.members for p in blocked.passes(pairs)] == [(0, 1)]


def test_speaker_and_id_are_never_read(blocked: PairEncoder):
    plain = StancePair("we welcome", "the treaty")
    named = StancePair("we welcome", "the treaty", speaker="A. B.", id="7")
    assert blocked.passes([plain]) == blocked.passes([named])


@pytest.mark.parametrize("text", ["[SEP] we [CLS]", "we [PAD]"])
def test_the_letters_of_a_special_token_are_letters(blocked: PairEncoder, text: str):
    (one,) = blocked.passes([StancePair(text, text)])
    e = blocked.encoding
    for number, first in ((0, [e.cls_id]), (1, [])):
        tokens, _ = block(one, number)
        assert tokens[: len(first)] == first
        assert tokens[-1] == e.sep_id
        assert not {e.cls_id, e.sep_id, e.pad_id} & set(tokens[len(first) : -1])


def test_a_tokenizer_that_pads_and_truncates_is_told_not_to(
    tiny_tokenizer: Tokenizer, tiny_encoding: Encoding
):
    greedy = Tokenizer.from_str(tiny_tokenizer.to_str())
    greedy.enable_truncation(4)
    greedy.enable_padding(length=64)
    encoder = PairEncoder.from_bytes(greedy.to_str().encode(), tiny_encoding)
    plain = PairEncoder(tiny_tokenizer, tiny_encoding)
    pairs = [StancePair("we welcome the treaty and the levy", "the treaty"), StancePair("we", "x")]
    assert encoder.passes(pairs) == plain.passes(pairs)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"version": "1.0"}']
)
def test_a_tokenizer_that_is_none_is_a_bundle_error(content: bytes, tiny_encoding: Encoding):
    with pytest.raises(BundleError, match="tokenizer"):
        PairEncoder.from_bytes(content, tiny_encoding)
