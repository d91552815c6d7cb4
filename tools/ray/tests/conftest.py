"""Pictures in a folder, the command that embeds them, and whether its files are the same."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

NUM_PICTURES = 60


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder in whose folder `in` are pictures, one of which cannot be read."""
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(NUM_PICTURES):
        picture = random.integers(0, 255, (24, 24, 3)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "in" / f"{number:03d}.png")
    (tmp_path / "in/031.png").write_bytes(b"garbage")
    return tmp_path


@pytest.fixture
def command(folder):
    """Arguments of `mt` that embed the pictures: `command("v.parquet", "--engine", "ray")`."""

    def command(out, *more) -> list[str]:
        return ["embed", "image", str(folder / "in"), "-o", str(folder / out), "--batch-size", "4", "--encoder",
                "none/vit_tiny_patch16_224", "-q", *more]  # fmt: skip

    return command


@pytest.fixture
def check_same(folder):
    """Rows, their order, what could not be read and the vectors are those of the first file."""

    def check_same(*names):
        first, *others = [pq.read_table(folder / name) for name in names]
        vectors = [np.array(table["vector"].to_pylist(), np.float32) for table in (first, *others)]
        assert first.num_rows == NUM_PICTURES - 1
        for name, table, found in zip(names[1:], others, vectors[1:], strict=True):
            assert table.drop(["vector"]).equals(first.drop(["vector"])), name
            np.testing.assert_allclose(found, vectors[0], atol=1e-6, rtol=1e-6)
            errors = [(folder / each).with_suffix(".errors.jsonl").read_text() for each in (names[0], name)]
            assert errors[0] == errors[1]

    return check_same
