"""Bad files of every kind, through `embed_files`: told by name with a fix, and the good one among them is embedded."""

import gzip
import struct
import zlib

import numpy as np
import pytest

import mt_core as mt
from mt_core.plugins.official import OFFICIAL


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is that large, and holds nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def jpeg(mode: str = "RGB") -> bytes:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(content, "jpeg")
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


def bad_texts(folder):
    yield "empty.txt", b""
    yield "latin.txt", "caf\xe9".encode("latin-1")
    yield "photo.txt", jpeg()
    yield "empty.csv", b""
    yield "header.csv", b"text,label\n"
    yield "broken.jsonl", b'{"text": "a"\n'
    yield "nested.jsonl", b'{"text": {"a": ["b"]}}\n'
    yield "noise.parquet", b"PAR1" + NOISE


def bad_recordings(folder):
    yield "empty.wav", b""
    yield "truncated.flac", sound("flac")[:-2000]
    yield "noise.mp3", NOISE
    yield "text.ogg", b"OggS but no more" * 10
    yield (
        "promise.wav",
        b"RIFF\xff\xff\xff\x7fWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16) + b"data",
    )
    yield "still.wav", b"RIFF\x24\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 0, 0, 2, 16) + b"data\0\0\0\0"


def bad_films(folder):
    yield "empty.mp4", b""
    yield "truncated.mp4", film("mp4")[:-300]  # its index, moov, stands at the end
    yield "noise.avi", NOISE
    yield "text.mkv", b"no film at all\n" * 50
    yield "header.webm", b"\x1a\x45\xdf\xa3"


def bad_thermograms(folder):
    from io import BytesIO

    import tifffile
    from PIL import Image

    content = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 9000, (64, 64), dtype=np.uint16)).save(content, "png")
    not_finite = BytesIO()
    tifffile.imwrite(not_finite, np.full((8, 8), np.nan, np.float32))
    yield "empty.png", b""
    yield "truncated.png", content.getvalue()[:600]
    yield "bomb.png", png_header(60_000, 60_000)
    yield "nan.tif", not_finite.getvalue()
    yield "noise.tiff", NOISE


def bad_scenes(folder):
    yield "empty.mat", b""
    yield "noise.mat", NOISE
    yield "seven.mat", b"MATLAB 7.3 MAT-file".ljust(512) + NOISE
    yield "orphan.hdr", b"ENVI\nsamples = 4\nlines = 4\nbands = 8\ndata type = 4\ninterleave = bsq\n"
    yield "promise.npy", npy_header((100_000, 100_000, 200))
    yield "bomb.npz", zipped_zeros(2 * 10**9)
    yield "flat.npy", array(np.zeros((4, 4)))


def bad_films_of_bones(folder):
    from io import BytesIO

    content = dicom(16)
    without = BytesIO()
    from pydicom import dcmread

    film = dcmread(BytesIO(content))
    del film.PixelData
    film.save_as(without)
    yield "empty.dcm", b""
    yield "noise.dcm", NOISE
    yield "prefix.dcm", b"\0" * 128 + b"DICM" + NOISE
    yield "truncated.dcm", content[:-100]
    yield "nothing.dcm", without.getvalue()
    yield "bomb.png", png_header(60_000, 60_000)


def bad_motions(folder):
    yield "empty.csv", b""
    yield "header.csv", b"t,ax,ay,az\n"
    yield "words.csv", b"t,ax,ay\n0,1,2\n1,one,2\n"
    yield "ragged.txt", b"1 2 3\n4 5\n6 7 8\n"
    yield "backwards.csv", b"t,ax\n3,1\n2,1\n1,1\n"
    yield "one.csv", b"ax,ay,az\n1,2,3\n"
    yield "bomb.npz", zipped_zeros(2 * 10**9)
    yield "noise.npy", b"\x93NUMPY" + NOISE
    yield "nothing.ts", b"@problemName x\n@data\n"


def bad_graphs(folder):
    yield "empty.smi", b""
    yield "open_ring.smi", b"C1CC\n"
    yield "words.smi", b"this is no molecule\n"
    yield "noise.sdf", NOISE
    yield "broken.graphml", b"<graphml><graph><node id='a'/>"
    yield "bomb.gexf", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><gexf>&a;</gexf>'
    yield "words.edges", b"alone\nlonely\n"


def bad_series(folder):
    yield "empty.csv", b""
    yield "header.csv", b"date,load\n"
    yield "dates.csv", b"date\n" + b"".join(b"2024-01-%02d\n" % day for day in range(1, 29))
    yield "words.csv", b"date,load\n2024-01-01,much\n2024-01-02,more\n"
    yield "short.csv", b"date,load\n2024-01-01,1\n2024-01-02,2\n"
    yield "truncated.csv.gz", gzip.compress(b"".join(b"%d\n" % i for i in range(5000)))[:-200]
    yield "missing.csv", b"load,oil\n" + b",1\n" * 400
    yield "noise.npy", b"\x93NUMPY" + NOISE


NOISE = np.random.default_rng(0).bytes(5000)


def array(values) -> bytes:
    from io import BytesIO

    content = BytesIO()
    np.save(content, values)
    return content.getvalue()


def npy_header(shape) -> bytes:
    """An array that says it is of that shape, and holds nothing."""
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 64


def zipped_zeros(size: int) -> bytes:
    """An .npz file of few bytes whose array unpacks to so many."""
    import zipfile
    from io import BytesIO

    content = BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        header = repr({"descr": "|u1", "fortran_order": False, "shape": (size // 100, 100)}).encode() + b"\n"
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        file.write(b"\0" * 10**7)
    return content.getvalue()


def sound(kind: str) -> bytes:
    from io import BytesIO

    import soundfile

    content = BytesIO()
    soundfile.write(content, 0.1 * np.random.default_rng(0).normal(size=8000), 16_000, format=kind)
    return content.getvalue()


def film(kind: str) -> bytes:
    import tempfile

    import av

    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
        with av.open(file.name, "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = 32
            stream.pix_fmt = "yuv420p"
            for step in range(12):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * step, np.uint8), "rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return file.read()


def dicom(side: int) -> bytes:
    from io import BytesIO

    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    bones = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    bones.Rows = bones.Columns = side
    bones.SamplesPerPixel, bones.PhotometricInterpretation = 1, "MONOCHROME2"
    bones.BitsAllocated, bones.BitsStored, bones.HighBit, bones.PixelRepresentation = 16, 12, 11, 0
    bones.PixelData = np.arange(side * side, dtype=np.uint16).tobytes()
    content = BytesIO()
    bones.save_as(content, enforce_file_format=True)
    return content.getvalue()


def table_of(rows: int) -> bytes:
    return b"a,b,c\n" + b"".join(b"%d,%d,%d\n" % (i, i * i, i % 3) for i in range(rows))


def sweep(points: int) -> bytes:
    """A LiDAR sweep: metres, and an intensity from 0 to 1."""
    random = np.random.default_rng(0)
    places, intensity = 20 * random.normal(size=(points, 3)), random.uniform(size=(points, 1))
    return np.hstack([places, intensity]).astype("<f4").tobytes()


GOOD = {
    "text": ("good.txt", b"a fine film"),
    "image": ("good.jpg", jpeg()),
    "pointcloud": ("good.bin", sweep(64)),
    "audio": ("good.wav", sound("wav")),
    "video": ("good.mp4", film("mp4")),
    "infrared": ("good.jpg", jpeg("L")),
    "hyperspectral": ("good.npy", array(np.random.default_rng(0).random((2, 3, 20)))),
    "xray": ("good.dcm", dicom(16)),
    "imu": ("good.csv", table_of(60)),
    "tabular": ("good.csv", b"a,b,c\n" + b"".join(b"%d,%d,kind%d\n" % (i, i * i, i % 3) for i in range(30))),
    "graph": ("good.smi", b"CCO\n"),
    "timeseries": ("good.csv", table_of(60)),
}
BAD = {
    "text": bad_texts,
    "image": bad_pictures,
    "pointcloud": bad_clouds,
    "audio": bad_recordings,
    "video": bad_films,
    "infrared": bad_thermograms,
    "hyperspectral": bad_scenes,
    "xray": bad_films_of_bones,
    "imu": bad_motions,
    "tabular": bad_tables,
    "graph": bad_graphs,
    "timeseries": bad_series,
}
ROWS = {"tabular": 30, "hyperspectral": 6}
"""Vectors of the good file, where it holds more than one sample."""

TOLD = {"text": {"latin.txt"}, "tabular": {"latin.csv"}}
"""Files that are read otherwise than they say, which is told."""

OPTIONS = {"image": {"size": 32}, "infrared": {"size": 32}, "xray": {"size": 32}, "video": {"size": 32}}


def test_every_modality_has_its_bad_files():
    assert set(BAD) == set(GOOD) == set(OFFICIAL)


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")  # of what is read of some of them
@pytest.mark.parametrize("modality", list(BAD))
def test_every_bad_file_is_told_with_its_name_and_a_fix(modality, encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad = dict(BAD[modality](tmp_path))
    good_name, good = GOOD[modality]
    names = [*bad, good_name, f"missing{good_name[4:]}"]
    for name, content in {**bad, good_name: good}.items():
        (tmp_path / name).write_bytes(content)
    model = mt.load(modality, encoder=encoder, **OPTIONS.get(modality, {}))
    result = mt.embed_files(model, names, "v.parquet", num_workers=1)
    told = TOLD.get(modality, set())
    assert told <= {notice.source for notice in result.notices}
    assert {failure["source"] for failure in result.failed} == set(names) - {good_name} - told
    for failure in result.failed:
        assert failure["source"] in failure["problem"] and failure["fix"]
        assert "report this to the maintainers" not in failure["fix"], (
            failure
        )  # an exception that the plugin let through
    assert result.rows == ROWS.get(modality, 1) + len(told)


def test_an_image_that_is_not_finite_is_refused(encoder):
    with pytest.raises(mt.InputError, match="finite"):
        mt.embed(mt.load("image", encoder=encoder, size=32), [np.full((8, 8), np.nan)])


def test_a_column_that_is_all_missing_is_left_out_and_said_so(encoder):
    rows = [{"a": float(i), "b": None} for i in range(20)]
    model = mt.load("tabular", encoder=encoder)
    with pytest.warns(mt.DataWarning, match=r"left out: the column b \(all missing\)"):
        assert mt.embed(model, rows).shape == (20, 1536)
    assert model.tokenizer.calibration()["dropped"].keys() == {"b"}


def test_one_row_alone_cannot_be_learned_from_and_says_so(encoder):
    with pytest.raises(mt.InputError, match="no column of the 1 rows"):
        mt.embed(mt.load("tabular", encoder=encoder), [{"a": 1.0, "b": "x"}])
