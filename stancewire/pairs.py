"""How a quote and its targets become one sequence of tokens: once, for training and serving.

A *pass* is one sequence: `[CLS] quote [SEP]` (block 0) and after it one block per target
(`target [SEP]`, blocks 1…k). What may attend to what is the encoding's `attention`:

- ``blocked``: the quote sees itself; a target sees the quote and itself. Positions of every target
  go on from the quote's end, so a target's answer does not depend on which others are asked.
- ``joint``: as an ordinary sentence pair, everything sees everything; one target per pass. For
  encoders that cannot be blocked (relative positions); every target costs a whole pass.
- ``separate``: quote and target are encoded alone (`[CLS] target [SEP]`, positions from the start);
  nothing is read across. For features of an untouched encoder.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from tokenizers import Tokenizer

from stancewire.errors import BundleError, DataError, Problem
from stancewire.text import normalise

IntArray = npt.NDArray[np.int64]
PADDING = -1
"""Block number of padding; it is attended by nothing."""


@dataclass(frozen=True)
class StancePair:
    """A quote and the target to judge it by. `speaker` and `id` are carried, never read."""

    text: str
    target: str
    speaker: str | None = None
    id: str | None = None


class Encoding(BaseModel):
    """Everything that decides which token ids a pair becomes; travels in the bundle's manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attention: Literal["blocked", "joint", "separate"] = "blocked"
    max_text_tokens: int = Field(default=256, ge=8)  # with [CLS], [SEP]; MiniLM was trained to 256
    max_target_tokens: int = Field(default=64, ge=4)  # with its [SEP]; a longer target is refused
    max_targets: int = Field(default=32, ge=1)  # of one pass
    max_pass_tokens: int = Field(default=640, ge=1)  # attention costs their square
    position_offset: int = 0  # of the first token; RoBERTa-like encoders count from padding_idx + 1
    cls_id: int
    sep_id: int
    pad_id: int

    @property
    def targets_per_pass(self) -> int:
        """How many targets share one pass of the quote."""
        return 1 if self.attention == "joint" else self.max_targets


@dataclass(frozen=True)
class Pass:
    """One sequence: a quote and as many of its targets as the encoding's bounds allow."""

    input_ids: tuple[int, ...]
    position_ids: tuple[int, ...]
    blocks: tuple[int, ...]
    members: tuple[int, ...]
    """Index, in the pairs given, of the pair that block 1, 2, … answers."""
    truncated: bool
    """Whether the end of the quote did not fit."""

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True)
class Batch:
    """Padded passes, ready for the graph. b passes, s tokens, k blocks."""

    input_ids: IntArray  # (b, s)
    position_ids: IntArray  # (b, s)
    blocks: IntArray  # (b, s), PADDING where there is no token
    block_ids: IntArray  # (k,) the numbers 1…k of the blocks to answer

    def feed(self) -> dict[str, IntArray]:
        """The graph's inputs by name."""
        return {
            "input_ids": self.input_ids,
            "position_ids": self.position_ids,
            "blocks": self.blocks,
            "block_ids": self.block_ids,
        }


class PairEncoder:
    """Turns pairs into passes and passes into batches."""

    def __init__(self, tokenizer: Tokenizer, encoding: Encoding) -> None:
        # A tokenizer.json often asks for padding and silent truncation; both are decided here.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # The letters "[SEP]" in a quote are letters, not the end of it.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self.encoding = encoding

    @classmethod
    def from_bytes(cls, tokenizer: bytes, encoding: Encoding) -> "PairEncoder":
        """Encoder over the content of a Hugging Face `tokenizer.json`.

        Raises `BundleError` if it is none.
        """
        try:
            return cls(Tokenizer.from_str(tokenizer.decode()), encoding)
        except Exception as error:  # tokenizers raises bare Exception
            raise BundleError(f"the tokenizer cannot be loaded: {error}") from error

    def passes(self, pairs: Sequence[StancePair]) -> list[Pass]:
        """Pairs grouped by quote, in order of first appearance; every pair is in exactly one pass.

        Raises `DataError` naming every item whose quote is empty or whose target is empty or too
        long: a target is never truncated.
        """
        texts = [normalise(pair.text) for pair in pairs]
        targets = [normalise(pair.target) for pair in pairs]
        ids = self._tokens(dict.fromkeys([*texts, *targets]))
        self._check(texts, targets, ids)
        groups: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            groups.setdefault(text, []).append(index)
        return [
            self._pack(ids[text], [(i, ids[targets[i]]) for i in members])
            for text, all_members in groups.items()
            for members in self._split(ids[text], [(i, ids[targets[i]]) for i in all_members])
        ]

    def _split(
        self, text: list[int], targets: Sequence[tuple[int, list[int]]]
    ) -> Iterator[list[int]]:
        """Members of each pass: as many as its bounds on targets and tokens allow, at least one."""
        quote = min(len(text) + 2, self.encoding.max_text_tokens)
        members: list[int] = []
        tokens = quote
        for index, target in targets:
            size = len(target) + 2
            is_full = len(members) == self.encoding.targets_per_pass
            if members and (is_full or tokens + size > self.encoding.max_pass_tokens):
                yield members
                members, tokens = [], quote
            members.append(index)
            tokens += size
        yield members

    def batch(self, passes: Sequence[Pass]) -> Batch:
        """Passes padded to the longest of them."""
        width = max(len(p) for p in passes)
        blocks = max(len(p.members) for p in passes)
        return Batch(
            input_ids=_pad((p.input_ids for p in passes), width, self.encoding.pad_id),
            position_ids=_pad(
                (p.position_ids for p in passes), width, self.encoding.position_offset
            ),
            blocks=_pad((p.blocks for p in passes), width, PADDING),
            block_ids=np.arange(1, blocks + 1, dtype=np.int64),
        )

    def _tokens(self, strings: Iterable[str]) -> dict[str, list[int]]:
        unique = list(strings)
        encoded = self._tokenizer.encode_batch_fast(unique, add_special_tokens=False)
        return {string: e.ids for string, e in zip(unique, encoded, strict=True)}

    def _check(
        self, texts: Sequence[str], targets: Sequence[str], ids: dict[str, list[int]]
    ) -> None:
        room = self.encoding.max_target_tokens - 1
        problems = []
        for i, (text, target) in enumerate(zip(texts, targets, strict=True)):
            if not ids[text]:
                problems.append(Problem(f"item {i}", "text", "holds no words"))
            if not ids[target]:
                problems.append(Problem(f"item {i}", "target", "holds no words"))
            elif len(ids[target]) > room:
                message = f"is {len(ids[target])} tokens long; at most {room} are read"
                problems.append(Problem(f"item {i}", "target", message))
        if problems:
            raise DataError(f"{len(problems)} pair(s) cannot be encoded", problems)

    def _pack(self, text: list[int], targets: Sequence[tuple[int, list[int]]]) -> Pass:
        e = self.encoding
        room = e.max_text_tokens - 2
        input_ids = [e.cls_id, *text[:room], e.sep_id]
        positions = list(range(len(input_ids)))
        blocks = [0] * len(input_ids)
        start = len(input_ids)
        for number, (_, target) in enumerate(targets, 1):
            alone = e.attention == "separate"
            ids = [e.cls_id, *target, e.sep_id] if alone else [*target, e.sep_id]
            first = 0 if alone else start
            input_ids += ids
            positions += range(first, first + len(ids))
            blocks += [number] * len(ids)
        return Pass(
            input_ids=tuple(input_ids),
            position_ids=tuple(p + e.position_offset for p in positions),
            blocks=tuple(blocks),
            members=tuple(i for i, _ in targets),
            truncated=len(text) > room,
        )


def _pad(rows: Iterable[Sequence[int]], width: int, value: int) -> IntArray:
    return np.array([[*row, *[value] * (width - len(row))] for row in rows], dtype=np.int64)
