"""Files of vectors as mt embed writes them, written by hand."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

METADATA = {
    "modality": "image",
    "encoder_fingerprint": "e" * 64,
    "tokenizer_fingerprint": "t" * 64,
    "pool": "mean",
    "layers": None,
    "precision": "32",
    "encoder": "mt-tiny",
    "made_by": {"options": {}, "seed": 0},
}


@pytest.fixture
def write_vectors(tmp_path):
    """Writes a file: name, (n, D) vectors, names of their sources, metadata that are others than usual."""

    def write(name: str, vectors, sources=None, modalities=None, rows=None, **metadata) -> Path:
        vectors = np.asarray(vectors, np.float32)
        count, width = vectors.shape
        said = {**METADATA, "width": width, "rows": count, **metadata}
        table = pa.table(
            {
                "source": pa.array(sources or [f"{Path(name).stem}-{number}.jpg" for number in range(count)]),
                "row": pa.array(rows or [0] * count, pa.int64()),
                "modality": pa.array(modalities or [said["modality"]] * count),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), width),
                "size": pa.array(range(count), pa.int64()),
                "modified": pa.array([None] * count, pa.timestamp("ns", tz="UTC")),
                "sha256": pa.array([None] * count, pa.string()),
            }
        )
        path = tmp_path / name
        pq.write_table(
            table.replace_schema_metadata({f"mt.{key}": json.dumps(value) for key, value in said.items()}),
            path,
            row_group_size=1000,
        )
        return path

    return write


@pytest.fixture
def random_vectors():
    """Draws (n, D) vectors: around some middles, of lengths from 1 to 3."""

    def draw(count: int, width: int = 16, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        middles = random.normal(size=(12, width))
        vectors = middles[random.integers(0, 12, count)] + 0.7 * random.normal(size=(count, width))
        lengths = random.uniform(1, 3, size=(count, 1))
        return (lengths * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    return draw


@pytest.fixture(scope="session")
def small_encoder_file(tmp_path_factory) -> Path:
    """A ViT of 2 blocks of width 64, in timm's layout."""
    import torch
    from safetensors.torch import save_file
    from timm.models.vision_transformer import VisionTransformer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vit = VisionTransformer(img_size=32, patch_size=16, embed_dim=64, depth=2, num_heads=1, num_classes=0)
    path = tmp_path_factory.mktemp("encoder") / "small.safetensors"
    save_file(vit.state_dict(), path)
    return path


@pytest.fixture
def photos(tmp_path) -> list[str]:
    """Five pictures of one colour each, from dark to bright."""
    from PIL import Image

    (tmp_path / "photos").mkdir()
    names = [str(tmp_path / "photos" / f"{level}.png") for level in (20, 80, 140, 200, 250)]
    for name in names:
        level = int(Path(name).stem)
        Image.fromarray(np.full((40, 48, 3), (level, 255 - level, 90), np.uint8)).save(name)
    return names


@pytest.fixture
def photo_index(photos, small_encoder_file, tmp_path):
    """An index of them."""
    import mt_core as mt
    from mt_fusion import build_index

    model = mt.load("image", encoder=small_encoder_file)
    vectors = mt.embed_files(model, photos, tmp_path / "photos.parquet", num_workers=0).path
    return build_index(vectors, tmp_path / "photos.index")


TEXTS = ("a red bus", "a red car", "grass and trees", "trees in a forest", "the open sea")


@pytest.fixture
def text_index(small_encoder_file, tmp_path):
    """An index of the lines of a table of texts."""
    import mt_core as mt
    from mt_fusion import build_index

    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(TEXTS) + "\n")
    model = mt.load("text", encoder=small_encoder_file)
    vectors = mt.embed_files(model, [str(tmp_path / "texts.csv")], tmp_path / "texts.parquet", num_workers=0).path
    return build_index(vectors, tmp_path / "texts.index")
