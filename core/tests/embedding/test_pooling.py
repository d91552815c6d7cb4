"""What a vector is made of where nobody says it."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import mt_core as mt
from mt_core.embedding.pooling import for_vectors
from mt_core.embedding.vectors import metadata_of

pytestmark = pytest.mark.usefixtures("toy")

SERIES = [np.linspace(0, 1, 12, dtype=np.float32), np.linspace(1, 0, 20, dtype=np.float32)]


def test_without_training_it_is_cls_and_mean_of_the_blocks_at_each_quarter() -> None:
    quarters = mt.embed(mt.load("toy", layers=(3, 6, 9, 12)), SERIES, pool="cls+mean")
    assert quarters.shape == (2, 2 * 4 * 192)
    np.testing.assert_allclose(mt.embed(mt.load("toy"), SERIES), quarters, rtol=1e-5, atol=1e-6)


def test_a_pooling_that_is_given_is_of_the_last_block() -> None:
    model = mt.load("toy")
    last = mt.embed(mt.load("toy", layers="last"), SERIES, pool="mean")
    np.testing.assert_allclose(mt.embed(model, SERIES, pool="mean"), last, rtol=1e-5, atol=1e-6)
    assert model.encoder.layers is None


def test_layers_that_are_given_are_pooled_by_their_mean() -> None:
    chosen = mt.load("toy", layers=(6, 12))
    assert for_vectors(chosen, None) == (chosen, "mean")
    assert mt.embed(chosen, SERIES).shape == (2, 2 * 192)


def test_trained_models_and_shallow_encoders_give_the_mean_of_the_last_block(small_encoder) -> None:
    shallow = mt.load("toy", encoder=small_encoder)
    assert for_vectors(shallow, None) == (shallow, "mean")
    assert mt.embed(shallow, []).shape == (0, 64)


def test_an_encoder_without_cls_gives_means() -> None:
    model = mt.load("toy", encoder="random/vit_tiny_patch16_224")
    model.encoder.has_cls = False
    shared, pool = for_vectors(model, None)
    assert pool == "mean" and shared.encoder.layers == (3, 6, 9, 12)


def test_a_head_that_makes_vectors_is_asked_for_them(small_encoder) -> None:
    model = mt.load("toy", encoder=small_encoder)
    head = model.attach_head(mt.Alignment(space="s1", width=5))
    pooled = torch.from_numpy(mt.embed(model, SERIES, pool="mean"))
    expected = torch.nn.functional.normalize(head.from_pooled(pooled), dim=1).detach().numpy()
    np.testing.assert_allclose(mt.embed(model, SERIES), expected, rtol=1e-4, atol=1e-6)
    assert mt.embed(model, []).shape == (0, 5)


def test_a_file_of_vectors_names_the_space_that_they_are_in(small_encoder, tmp_path) -> None:
    model = mt.load("toy", encoder=small_encoder)
    model.attach_head(mt.Alignment(space="s1", width=5))
    files = [tmp_path / f"{number}.npy" for number in range(2)]
    for file, series in zip(files, SERIES, strict=True):
        np.save(file, series)
    mt.embed_files(model, files, tmp_path / "v.parquet", num_workers=0)
    metadata = metadata_of(tmp_path / "v.parquet")
    assert (metadata["space"], metadata["pool"], metadata["width"]) == ("s1", "head", 5)
    found = pq.read_table(tmp_path / "v.parquet")["vector"].to_pylist()
    np.testing.assert_allclose(found, mt.embed(model, SERIES), rtol=1e-4, atol=1e-6)
    mt.embed_files(model, files, tmp_path / "mean.parquet", pool="mean", num_workers=0)
    assert "space" not in metadata_of(tmp_path / "mean.parquet")


def test_another_projection_is_not_added_to_a_file(small_encoder, tmp_path) -> None:
    model = mt.load("toy", encoder=small_encoder)
    np.save(tmp_path / "a.npy", SERIES[0])
    for seed in (0, 1):
        model.seed = seed
        model.attach_head(mt.Alignment(space="s1", width=5))
        if seed:
            with pytest.raises(mt.EmbeddingError, match="head fingerprint"):
                mt.embed_files(model, [tmp_path / "a.npy"], tmp_path / "v.parquet", num_workers=0)
        else:
            mt.embed_files(model, [tmp_path / "a.npy"], tmp_path / "v.parquet", num_workers=0)


@pytest.mark.usefixtures("feature_cache")
def test_a_head_that_was_trained_further_has_no_vectors_of_before(small_encoder, tmp_path) -> None:
    model = mt.load("toy", encoder=small_encoder)
    head = model.attach_head(mt.Alignment(space="s1", width=5))
    np.save(tmp_path / "a.npy", SERIES[0])
    mt.embed_files(model, [tmp_path / "a.npy"], tmp_path / "1.parquet", num_workers=0)
    with torch.no_grad():
        head.readout[-1].bias += 1
    mt.embed_files(model, [tmp_path / "a.npy"], tmp_path / "2.parquet", num_workers=0)
    found = pq.read_table(tmp_path / "2.parquet")["vector"].to_pylist()
    np.testing.assert_allclose(found, mt.embed(model, [SERIES[0]]), rtol=1e-4, atol=1e-6)


def test_a_head_that_gives_other_vectors_than_it_says_is_refused(small_encoder) -> None:
    model = mt.load("toy", encoder=small_encoder)
    model.attach_head(mt.Classification(classes=("a",))).vector_width = 5
    with pytest.raises(mt.ContractError, match="ClassificationHead says that its vectors are 5 wide, and gives none"):
        mt.embed(model, SERIES)
