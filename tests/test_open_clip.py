"""Models of open_clip with small random weights: what open_clip computes itself is what comes out here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import mt_core as mt
from mt_core.cli import main
from mt_core.encoder import tiny
from mt_core.errors import MtError, OptionError
from mt_core.heads import ProjectionHead
from mt_fusion import align, build_index, search, zeroshot

pytestmark = pytest.mark.slow  # open_clip's import alone takes seconds

WEIGHTS = "open_clip_model.safetensors"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
TEXTS = [
    "a photo of a cat",
    "",
    "Two dogs, running!  " * 8,
    "naïve café &amp; 12 000",
    "x",
    "日本語 😀",
    "<end_of_text>",
]


def write_model(folder: Path, **model: Any) -> Any:
    """A model of open_clip with random weights, and its files in a folder."""
    import open_clip

    towers = {
        "vision_cfg": {"image_size": 32, "layers": 3, "width": 48, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2},
    }
    torch.manual_seed(0)
    made = open_clip.CLIP(24, **towers, **model).eval()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if name != "logit_scale":
                weight.add_(0.1 * torch.randn_like(weight))
    folder.mkdir(exist_ok=True)
    save_file(made.state_dict(), folder / WEIGHTS)
    config = {"model_cfg": {"embed_dim": 24, **towers, **model}, "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("model")
    return write_model(folder), folder / WEIGHTS


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(12)]


@pytest.fixture(scope="module")
def photos(pictures, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number, picture in enumerate(pictures):
        kind = folder / ("dog" if number % 2 else "cat")
        kind.mkdir(exist_ok=True)
        picture.save(kind / f"{number}.png")
    return folder


def by_open_clip(made: Any, pictures: list[Image.Image], texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    import open_clip

    seen = open_clip.image_transform((32, 32), is_train=False, mean=MEAN, std=STD)
    read = open_clip.get_tokenizer("ViT-B-32", context_length=20)
    with torch.no_grad():
        of_pictures = made.encode_image(torch.stack([seen(picture) for picture in pictures]), normalize=True)
        return of_pictures.numpy(), made.encode_text(read(texts), normalize=True).numpy()


@pytest.mark.parametrize("quick_gelu", [False, True])
def test_vectors_are_those_of_open_clip(quick_gelu, pictures, tmp_path):
    made = write_model(tmp_path, quick_gelu=quick_gelu)
    texts = [text for text in TEXTS if text != "<end_of_text>"]
    of_pictures, of_texts = by_open_clip(made, pictures, texts)
    ours = mt.embed(mt.load("image", encoder=tmp_path / WEIGHTS), pictures)
    np.testing.assert_allclose(ours, of_pictures, atol=1e-5)
    with pytest.warns(UserWarning, match="the end of a text"):
        ours = mt.embed(mt.load("text", encoder=tmp_path / WEIGHTS), [{"text": text} for text in texts])
    np.testing.assert_allclose(ours, of_texts, atol=1e-5)


def test_a_text_cannot_write_the_end_of_itself(model):
    named, other = mt.embed(mt.load("text", encoder=model[1]), [{"text": "<end_of_text>"}, {"text": "<eot>"}])
    assert np.isfinite(named).all() and not np.allclose(named, other)


def test_pictures_that_are_no_squares_are_cut_as_open_clip_cuts_them(model):
    random = np.random.default_rng(1)
    wide = [Image.fromarray(random.integers(0, 256, (32, 48, 3), dtype=np.uint8))]
    of_pictures, _ = by_open_clip(model[0], wide, ["x"])
    np.testing.assert_allclose(mt.embed(mt.load("image", encoder=model[1]), wide), of_pictures, atol=1e-5)


def test_an_encoder_that_is_loaded_already_serves_both(model):
    loaded = mt.load_encoder(model[1])
    by_name = mt.embed(mt.load("text", encoder=model[1]), ["a cat"])
    assert np.array_equal(mt.embed(mt.load("text", encoder=loaded), ["a cat"]), by_name)
    back = mt.load("image", encoder=mt.load("text", encoder=loaded).encoder)
    assert back.encoder.fingerprint == loaded.fingerprint


@pytest.mark.parametrize("how", [{"layers": "2"}, {"stem": "conv"}, {"purpose": "train"}])
def test_what_the_projection_was_not_trained_for_has_none(model, how):
    assert mt.load("image", encoder=model[1], **how).head is None


def test_other_samples_have_no_vectors_in_the_space(model):
    assert mt.load("tabular", encoder=model[1]).head is None
    assert isinstance(mt.load("timeseries", encoder=model[1], view="picture", picture_size=32).head, ProjectionHead)


def test_texts_longer_than_the_encoder_reads_are_no_option(model):
    with pytest.raises(OptionError, match="max_tokens=64: the encoder has places for 20 tokens"):
        mt.load("text", encoder=model[1], max_tokens=64)


def test_an_encoder_of_pictures_has_no_vectors_of_texts():
    with pytest.raises(OptionError, match="vectors=encoder: the encoder has no vectors"):
        mt.load("text", encoder="random/test_vit", vectors="encoder")


def test_pictures_are_found_by_a_text(model, photos, tmp_path):
    (tmp_path / "texts.csv").write_text("text\na cat\na dog\n")
    for modality, source in (("image", photos), ("text", tmp_path / "texts.csv")):
        out, shared = tmp_path / f"{modality}.parquet", ["--encoder", str(model[1]), "--num-workers", "0", "-q"]
        assert main(["embed", modality, str(source), "-o", str(out), *shared]) == 0
    files = [tmp_path / "image.parquet", tmp_path / "text.parquet"]
    spaces = {pq.read_schema(file).metadata[b"mt.space"] for file in files}
    assert len(spaces) == 1
    both = build_index(files, tmp_path / "both.index")
    assert {each["modality"] for each in search(both, "a cat", k=14, query_as="text")[0]} == {"image", "text"}
    alone = build_index(files[:1], tmp_path / "photos.index")
    found = search(alone, "a cat", k=12)[0]
    names = sorted(photos.rglob("*.png"))
    of_pictures, of_texts = by_open_clip(model[0], [Image.open(name) for name in names], ["a cat"])
    expected = dict(zip(map(str, names), of_pictures @ of_texts[0], strict=True))
    assert {each["source"]: pytest.approx(each["score"], abs=1e-5) for each in found} == expected


def test_pictures_are_classified_by_names(model, photos):
    found = zeroshot(model[1], "image", photos, ["cat", "dog"], templates=["a photo of a {}"])
    names = [Path(each["source"]) for each in found]
    texts = ["a photo of a cat", "a photo of a dog"]
    of_pictures, of_texts = by_open_clip(model[0], [Image.open(name) for name in names], texts)
    expected = torch.tensor(model[0].logit_scale.exp().item() * of_pictures @ of_texts.T).softmax(1)
    np.testing.assert_allclose([list(each["probabilities"].values()) for each in found], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("encoder", "modality", "said"),
    [
        ("mt-tiny.safetensors", "image", "there is no file mt-tiny.safetensors"),
        ("open_clip/ViT-B-3", "image", "no model of open_clip is known here as 'ViT-B-3'"),
        ("random/test_vit", "image", "holds no run of mt align"),
        (tiny.FILE, "image", "has no tower of texts"),
        ("", "tabular", "samples of tabular do not enter by a tower"),
    ],
)
def test_classes_by_what_has_no_space_are_refused(model, photos, encoder, modality, said):
    with pytest.raises(MtError, match=said):
        zeroshot(encoder or model[1], modality, photos, ["cat", "dog"])


def test_a_run_on_the_text_tower_is_loaded_on_it(model, tmp_path):
    texts, labels = ["a cat sits", "a dog runs"] * 8, ["cat", "dog"] * 8
    trained = mt.load("text", encoder=model[1], purpose="train")
    settings = {"tune": "probe", "num_workers": 0}
    mt.fit(trained, [{"text": text} for text in texts], labels, out=tmp_path / "run", **settings)
    loaded = mt.load_run(tmp_path / "run")
    assert loaded.encoder.fingerprint == mt.load_encoder(model[1]).for_cells("text").fingerprint
    assert [each["prediction"] for each in mt.predict(loaded, [{"text": text} for text in texts[:2]])] == ["cat", "dog"]


@pytest.mark.parametrize("tune", ["probe", "lora"])
def test_both_towers_can_be_aligned_further(model, photos, tmp_path, tune):
    rows = [f"{path},a {path.parent.name} number {number}" for number, path in enumerate(sorted(photos.rglob("*.png")))]
    (tmp_path / "pairs.csv").write_text("\n".join(["photo,caption", *rows]) + "\n")
    settings = {"tune": tune, "steps": 4, "batch_size": 4, "num_workers": 0, "val_share": 0.4}
    result = align(tmp_path / "pairs.csv", "photo=image,caption=text", tmp_path / "a", settings, encoder=model[1])
    assert result.is_complete
    photo, caption = (mt.load_run(tmp_path / "a" / name) for name in ("photo", "caption"))
    assert (photo.encoder.width, caption.encoder.width) == (48, 32)
    assert mt.embed(photo, photos).shape == (12, 256) and mt.embed(caption, [{"caption": "a cat"}]).shape == (1, 256)
