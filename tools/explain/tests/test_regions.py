"""What parts are of, in each modality's own terms; expectations from how the samples were made."""

import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.contract import Classification, Detection, PicturePanel, Region, Segmentation, TokenRegions, Tokens
from mt_core.encoder import load_encoder
from mt_core.errors import TokensError
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL
from mt_explain.drawing import write_picture
from mt_explain.explaining import explain_one
from mt_explain.words import in_words

AXES = {
    "audio": {"time": "s", "frequency": "Hz"},
    "graph": {},
    "hyperspectral": {"wavelength": "nm"},
    "image": {"x": "px", "y": "px"},
    "imu": {"time": "s"},
    "infrared": {"x": "px", "y": "px"},
    "pointcloud": {"x": "", "y": "", "z": ""},
    "tabular": {},
    "text": {"word": ""},
    "timeseries": {"time": "date"},
    "video": {"time": "s", "x": "px", "y": "px"},
    "xray": {"x": "px", "y": "px"},
}
"""Axes and units that the demonstration of each is explained in."""


@pytest.mark.parametrize("name", OFFICIAL)
def test_every_modality_has_terms_and_a_drawing_of_its_own(name, model_of, sample_of, tmp_path):
    sample = sample_of(model_of(name), get(name).dataset.demo("test", size=1, seed=0)[0].sample)
    explanation = explain_one(sample, "gradient")
    regions = [part.region for part in explanation.parts]
    assert {span.axis: span.unit for region in regions for span in region.spans} == AXES[name]
    assert all(span.low <= span.high for region in regions for span in region.spans)
    assert len({in_words(region) for region in regions}) == len(regions) > 1
    write_picture(explanation, tmp_path / "it.png", name)
    assert (tmp_path / "it.png").read_bytes().startswith(b"\x89PNG")


DRAWN = ("text", "audio", "hyperspectral", "imu", "pointcloud", "tabular", "graph", "timeseries", "video")


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_has_patches_of_its_pictures(name, model_of, sample_of):
    options = {"motion": False} if name == "video" else {}
    sample = sample_of(
        model_of(name, view="picture", **options), get(name).dataset.demo("test", size=1, seed=0)[0].sample
    )
    assert sample.found.panels and all(isinstance(panel, PicturePanel) for panel in sample.found.panels)
    axes = {span.axis for region in sample.parts.regions for span in region.spans}
    assert axes == ({"time", "frequency"} if name == "audio" else {"time", "x", "y"} if name == "video" else {"x", "y"})


def test_patches_are_in_pixels_of_the_part_that_is_looked_at(model_of, sample_of):
    picture = np.zeros((40, 60, 3), np.uint8)  # the square in the middle begins at x = 10
    spans = sample_of(model_of("image"), picture).parts.regions[0].spans
    side = 40 / 4
    assert [(span.axis, span.low, span.high) for span in spans] == [("x", 10, 10 + side), ("y", 0, side)]


@pytest.mark.parametrize(
    ("labels", "task"),
    [("pixels", Segmentation(classes=("a", "b"), of="pixels")), ("boxes", Detection(classes=("a",)))],
)
def test_what_is_looked_at_in_squares_has_a_panel_a_square(labels, task, encoder_file, sample_of):
    model = mt.load("image", encoder=load_encoder(encoder_file), purpose="train", labels=labels, size=32, across=1)
    model.attach_head(task)
    picture = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    sample = sample_of(model, picture)
    assert len(sample.found.panels) == sample.tokens.views == 2
    explanation = explain_one(sample, "occlusion")
    assert max(span.high for part in explanation.parts for span in part.region.spans) == 48
    assert sum(part.share for part in explanation.parts) == pytest.approx(1)


def test_columns_say_what_stands_in_them(model_of, sample_of):
    row = get("tabular").dataset.demo("test", size=1, seed=0)[0].sample
    said = [in_words(region) for region in sample_of(model_of("tabular"), row).parts.regions]
    assert f"mean radius = {row['mean radius']}" in said


def test_molecules_have_atoms_and_bonds(model_of, sample_of):
    pytest.importorskip("rdkit")
    sample = sample_of(model_of("graph"), "CC=O")
    assert [region.name for region in sample.parts.regions] == ["C0", "C1", "O2", "C0-C1", "C1=O2"]
    assert sample.found.what == "atom or bond"


def test_an_item_is_divided_among_its_inputs(encoder_file, sample_of):
    model = mt.load({"photo": "image", "about": "text"}, encoder=load_encoder(encoder_file), purpose="train")
    model.attach_head(Classification(classes=("night", "day")))
    item = {"photo": np.full((32, 32, 3), 20, np.uint8), "about": "dark night"}
    explanation = explain_one(sample_of(model, item), "occlusion")
    shares = explanation.by_input()
    assert set(shares) == {"photo", "about"} and sum(shares.values()) == pytest.approx(1)
    assert [in_words(part.region) for part in explanation.parts][-2:] == ["about: dark, word 1", "about: night, word 2"]
    lacking = explain_one(sample_of(model, {"about": "bright day"}), "occlusion")
    assert set(lacking.by_input()) == {"about"}


def test_a_region_on_a_panel_that_there_is_not_is_refused():
    with pytest.raises(TokensError, match="not among the 0 panels"):
        TokenRegions((Region("word", panel=0),))


def test_a_tokenizer_that_says_nothing_has_coordinates_or_numbers():
    from mt_core.contract.regions import default_regions

    values = torch.zeros(1, 2, 4)
    assert [region.name for region in default_regions(Tokens(values)).regions] == ["token 0", "token 1"]
    placed = default_regions(Tokens(values, coords=torch.tensor([[[0.5], [2.0]]])))
    assert [in_words(region) for region in placed.regions] == ["axis 0 0.50", "axis 0 2"]
