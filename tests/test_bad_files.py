"""Bad files of every kind, through `embed_files`: told by name with a fix, and the good one among them is embedded."""

import struct
import zlib

import numpy as np
import pytest

import mt_core as mt


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is that large, and holds nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def jpeg() -> bytes:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "jpeg")
    return content.getvalue()


def bad_pictures(folder):
    yield "empty.jpg", b""
    yield "truncated.jpg", jpeg()[:700]
    yield "text.png", b"this is no picture\n" * 10
    yield "bomb.png", png_header(60_000, 60_000)
    yield "nothing.png", png_header(0, 0)
    yield "noise.tif", np.random.default_rng(0).bytes(5000)


def bad_clouds(folder):
    points = np.random.default_rng(0).normal(size=(100, 4)).astype("<f4")
    yield "empty.ply", b""
    yield "none.ply", b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n"
    yield (
        "promise.ply",
        (
            b"ply\nformat binary_little_endian 1.0\nelement vertex 1000000000000\n"
            b"property float x\nproperty float y\nproperty float z\nend_header\n" + points.tobytes()
        ),
    )
    yield "truncated.bin", points.tobytes()[:-7]
    yield "nan.bin", np.full((50, 4), np.nan, "<f4").tobytes()
    yield "infinite.bin", np.full((50, 4), np.inf, "<f4").tobytes()
    yield "latin.xyz", "1 2 3\né é é\n".encode("latin-1")
    yield "one.xyz", b"1 2 3\n"
    yield "noise.las", np.random.default_rng(0).bytes(5000)
    yield "noise.laz", b"LASF" + np.random.default_rng(0).bytes(5000)
    yield "noise.npz", np.random.default_rng(0).bytes(500)
    yield "photo.pcd", jpeg()


def bad_tables(folder):
    yield "empty.csv", b""
    yield "header.csv", b"a,b,c\n"
    yield "latin.csv", "a,b,c\n1,2,é\n".encode("latin-1")
    yield "ragged.csv", b"a,b,c\n1,2,3\n4,5\n6,7,8\n"
    yield "twice.csv", b"a,a,c\n1,2,3\n"
    yield "noise.parquet", b"PAR1" + np.random.default_rng(0).bytes(500)
    yield "photo.csv", jpeg()


GOOD = {
    "image": ("good.jpg", jpeg()),
    "pointcloud": ("good.bin", np.random.default_rng(0).normal(size=(64, 4)).astype("<f4").tobytes()),
    "tabular": ("good.csv", b"a,b,c\n" + b"".join(b"%d,%d,kind%d\n" % (i, i * i, i % 3) for i in range(30))),
}
BAD = {"image": bad_pictures, "pointcloud": bad_clouds, "tabular": bad_tables}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("modality", list(BAD))
def test_every_bad_file_is_told_with_its_name_and_a_fix(modality, encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad = dict(BAD[modality](tmp_path))
    good_name, good = GOOD[modality]
    names = [*bad, good_name, f"missing{good_name[4:]}"]
    for name, content in {**bad, good_name: good}.items():
        (tmp_path / name).write_bytes(content)
    options = {"size": 32} if modality == "image" else {}
    model = mt.load(modality, encoder=encoder, **options)
    result = mt.embed_files(model, names, "v.parquet", readers=1)
    assert {failure["source"] for failure in result.failed} == set(names) - {good_name}
    for failure in result.failed:
        assert failure["source"] in failure["problem"] and failure["fix"]
        assert "report this to the maintainers" not in failure["fix"], (
            failure
        )  # an exception that the plugin let through
    # of ragged.csv the row before the broken one is kept
    assert result.rows == (31 if modality == "tabular" else 1)


def test_an_image_that_is_not_finite_is_refused(encoder):
    with pytest.raises(mt.InputError, match="finite"):
        mt.load("image", encoder=encoder, size=32).embed([np.full((8, 8), np.nan)])


def test_a_column_that_is_all_missing_is_left_out_and_said_so(encoder):
    rows = [{"a": float(i), "b": None} for i in range(20)]
    model = mt.load("tabular", encoder=encoder)
    assert model.embed(rows).shape == (20, 192)
    assert model.tokenizer.calibration()["dropped"].keys() == {"b"}


def test_one_row_alone_cannot_be_learned_from_and_says_so(encoder):
    with pytest.raises(mt.InputError, match="no column of the 1 rows"):
        mt.load("tabular", encoder=encoder).embed([{"a": 1.0, "b": "x"}])
