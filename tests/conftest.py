"""What several rooms' tests share. Everything is made in code; nothing is fetched."""

import json
import os
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from stancewire.bundle import CALIBRATION, TFIDF, Bundle, write_bundle
from stancewire.calibration import Calibration
from stancewire.pairs import Encoding
from stancewire.records import Record

# The same examples on every machine, so that a stranger's first run says what ours said;
# HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

SPECIAL = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}

# A table small enough to reckon with: welcome says favor, reject says against, a target of two
# known words leans to neutral.
TABLE: dict[str, Any] = {
    "text": {
        "terms": ["welcome", "reject", "we reject"],
        "idf": [1.0, 1.0, 2.0],
        "weights": [[2.0, -1.0, 0.0], [-1.0, 2.0, 0.0], [0.0, 1.0, 0.0]],
    },
    "target": {"terms": ["treaty"], "idf": [1.5], "weights": [[0.0, 0.0, 0.5]]},
    "bias": [0.0, 0.0, 0.25],
}


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tensors are faster with one thread, and sums keep their order."""
    import torch  # most rooms' tests do without

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _no_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests answer with models that they made, never with the one that the package may hold."""
    monkeypatch.setattr("stancewire.serving.standby.RELEASE", tmp_path / "no release")


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """A valid record with some fields changed; `make_record(id="b", stance="favor")`."""

    def make(**changes: Any) -> Record:
        fields = {
            "id": "a",
            "text": "We welcome the treaty, and we say so.",
            "target": "the treaty",
            "stance": "favor",
            "source": "made for a test",
            "licence": "Apache-2.0",
            "split": "train",
            "annotators": ["tester"],
        }
        return Record.model_validate(fields | changes)

    return make


@pytest.fixture
def tfidf_bundle(tmp_path: Path) -> Bundle:
    """A whole bundle of the smallest family, in a folder of its own."""
    calibration = Calibration(temperature=1.5, abstain_below=0.5)
    files = {
        TFIDF: json.dumps(TABLE).encode(),
        CALIBRATION: calibration.model_dump_json().encode(),
    }
    return write_bundle(tmp_path / "bundle", files, {"family": "tfidf"})


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Tokenizer:
    """WordPiece over lower-case ASCII letters, digits and a few whole words; [PAD] is 0."""
    letters = string.ascii_lowercase + string.digits
    words = ["the", "we", "welcome", "reject", "treaty", "levy", "##s", *string.punctuation]
    pieces = [*words, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {**SPECIAL}
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


@pytest.fixture(scope="session")
def tiny_encoding() -> Encoding:
    """Encoding for `tiny_tokenizer`, narrow enough to be overrun by short texts."""
    return Encoding(
        max_text_tokens=24,
        max_target_tokens=12,
        max_targets=3,
        cls_id=SPECIAL["[CLS]"],
        sep_id=SPECIAL["[SEP]"],
        pad_id=SPECIAL["[PAD]"],
    )


def write_tiny_encoder(folder: Path, tokenizer: Tokenizer, config: Any, *, seed: int = 7) -> Path:
    """A randomly initialised encoder as a local folder that `training.encoders.load` reads."""
    import torch  # here alone: most tests need no torch
    from transformers import AutoModel

    torch.manual_seed(seed)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(kind))
    return folder


TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,  # so that answers differ as much as a trained encoder's do
    "pad_token_id": SPECIAL["[PAD]"],
}


@pytest.fixture(scope="session")
def make_tiny_encoder(tiny_tokenizer: Tokenizer) -> Callable[..., Path]:
    """`make_tiny_encoder(folder, "roberta", padding_idx=1)`: a tiny encoder of any architecture."""
    from transformers import AutoConfig

    def make(folder: Path, kind: str = "bert", **fields: Any) -> Path:
        vocabulary = tiny_tokenizer.get_vocab_size()
        config = AutoConfig.for_model(kind, **{**TINY, "vocab_size": vocabulary, **fields})
        return write_tiny_encoder(folder, tiny_tokenizer, config)

    return make


@pytest.fixture(scope="session")
def tiny_encoder_folder(
    make_tiny_encoder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A tiny BERT, random but always the same."""
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder"))
