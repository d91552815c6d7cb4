"""What is not a scene, and what promises more than it holds, is refused in our own words, before it is read."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile

from mt_core.errors import InputError, MissingDependencyError
from mt_plugin_hyperspectral.pixel import PixelAt
from mt_plugin_hyperspectral.reading import open_cube
from mt_plugin_hyperspectral.tokenizer import HyperspectralOptions, HyperspectralTokenizer

HEIGHT, WIDTH, BANDS = 3, 4, 5
CUBE = np.random.default_rng(0).integers(0, 60_000, (HEIGHT, WIDTH, BANDS)).astype(np.uint16)


def reader(window: int = 1) -> HyperspectralTokenizer:
    return HyperspectralTokenizer(8, HyperspectralOptions(window=window))


def envi(header: Path, **fields: Any) -> Path:
    """A scene as ENVI writes it, with some fields of its header changed; one given as "" is left out."""
    CUBE.tofile(header.with_suffix(".img"))
    lines = {"samples": WIDTH, "lines": HEIGHT, "bands": BANDS, "data type": 12, "interleave": "bip", "byte order": 0}
    lines |= {key.replace("_", " "): value for key, value in fields.items()}
    text = "".join(f"{key} = {value}\n" for key, value in lines.items() if value != "")
    header.write_text(f"ENVI\n{text}")
    return header


def test_folder_missing_file_and_wrong_types_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="folder"):
        list(reader().stream(tmp_path))
    with pytest.raises(InputError, match="does not exist"):
        list(reader().stream(tmp_path / "no.hdr"))
    with pytest.raises(InputError, match="does not exist"):
        reader().read(PixelAt(str(tmp_path / "no.mat"), 0, 0))
    (tmp_path / "notes.txt").write_text("no scene")
    with pytest.raises(InputError, match=r"notes\.txt is not a hyperspectral scene"):
        list(reader().stream(tmp_path / "notes.txt"))
    for source in (None, 7, {"wavelengths": [1]}, object()):
        with pytest.raises(InputError) as caught:
            reader().read(source)
        assert caught.value.fix


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((4, 4)),
        np.zeros((2, 2, 2, 2)),
        np.zeros(1),
        np.zeros((0, 3, 4)),
        np.zeros((3, 3, 1)),
        np.zeros(5, complex),
        np.array(["a", "b"]),
        np.array([None, 1]),
    ],
    ids=str,
)
def test_array_that_is_no_scene_is_refused(source: np.ndarray):
    for use in (reader().read, lambda array: list(reader().stream(array))):
        with pytest.raises(InputError) as caught:
            use(source)
        assert caught.value.fix


@pytest.mark.parametrize("name", ["flat.npy", "flat.tif", "flat.mat"])
def test_two_dimensional_picture_is_refused(tmp_path: Path, name: str):
    write: dict[str, Callable[[Path], object]] = {
        ".npy": lambda path: np.save(path, CUBE[..., 0]),
        ".tif": lambda path: tifffile.imwrite(path, CUBE[..., 0]),
        ".mat": lambda path: scipy.io.savemat(path, {"gt": CUBE[..., 0]}),
    }
    path = tmp_path / name
    write[path.suffix](path)
    with pytest.raises(InputError, match=r"flat\.[\s\S]*(rows, columns, bands|cube)"):
        list(reader().stream(path))


def test_matlab_file_without_a_cube_or_with_several_names_what_it_holds(tmp_path: Path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"gt": CUBE[..., 0], "text": "a"})
    with pytest.raises(InputError, match=r"gt \(3, 4\): no cube"):
        open_cube(path)
    scipy.io.savemat(path, {"first": CUBE, "second": CUBE})
    with pytest.raises(InputError, match="several cubes"):
        open_cube(path)
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_group("struct")
    with pytest.raises(InputError, match="no numeric array"):
        open_cube(path)


def test_lone_spectrum_has_no_neighbourhood():
    with pytest.raises(InputError, match=r"1 x 1 pixels, and 3 x 3[\s\S]*window=1"):
        reader(3).read(CUBE[0, 0])


def test_wavelengths_have_to_be_one_a_band():
    with pytest.raises(InputError, match="5 bands and 2 wavelengths"):
        reader().read({"values": CUBE[0, 0], "wavelengths": [400, 500]})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"lines": 5}, r"120 bytes, its header a\.hdr says 200"),
        ({"lines": 2}, "120 bytes, .* says 80"),
        ({"lines": ""}, "no number for 'lines'"),
        ({"samples": "many"}, "no number for 'samples': 'many'"),
        ({"bands": -5}, "no number for 'bands'"),
        ({"bands": 0}, "which is impossible"),
        ({"data_type": 6}, "data type 6"),
        ({"data_type": ""}, "data type None"),
        ({"byte_order": 2}, "byte order 2"),
        ({"interleave": "bsx"}, "interleave 'bsx'"),
        ({"interleave": ""}, "interleave ''"),
        ({"file_type": "ENVI Spectral Library"}, "spectral library"),
        ({"file_compression": 1}, "compressed"),
        ({"wavelength": "{400, 500"}, "cannot be read"),
        ({"lines": 10**6, "samples": 10**6}, "impossible"),
        ({"lines": 10**4, "samples": 10**4, "bands": 10**4}, "impossible"),
    ],
)
def test_bad_envi_header_is_refused(tmp_path: Path, fields: dict[str, Any], said: str):
    header = envi(tmp_path / "a.hdr", **fields)
    with pytest.raises(InputError, match=said) as caught:
        list(reader().stream(header))
    assert "a.hdr" in caught.value.problem and caught.value.fix


def test_envi_header_alone_says_where_its_data_is_looked_for(tmp_path: Path):
    header = envi(tmp_path / "a.hdr")
    (tmp_path / "a.img").unlink()
    with pytest.raises(InputError, match=r"no data file[\s\S]*a\.img"):
        open_cube(header)
    with pytest.raises(InputError, match=r"cannot be read|not a hyperspectral"):
        open_cube(header.read_bytes())
    header.write_bytes(b"ENVI\ndescription = {\xcf\xf0\xe8\xe2\xe5\xf2}\n")
    with pytest.raises(InputError, match="not UTF-8"):
        open_cube(header)


def npy_header(shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def test_npy_that_promises_more_than_it_holds_is_refused_unread(tmp_path: Path):
    path = tmp_path / "a.npy"
    path.write_bytes(npy_header((10**5, 10**5, 100)) + bytes(800))
    for source in (path, path.read_bytes()):
        with pytest.raises(InputError):
            list(reader().stream(source))


def test_pickled_npy_is_refused(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([[[{}, {}]]]), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        list(reader().stream(tmp_path / "a.npy"))


def test_zip_bomb_is_refused_unpacked(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cube.npy", npy_header((10**5, 10**5, 100)) + bytes(10**6))
    with pytest.raises(InputError, match="GiB"):
        list(reader().stream(tmp_path / "a.npz"))


def test_matlab_array_that_promises_more_than_it_holds_is_refused_unread(tmp_path: Path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"scene": CUBE})
    whole = path.read_bytes()
    shape = struct.pack("<3i", HEIGHT, WIDTH, BANDS)
    assert whole.count(shape) == 1
    path.write_bytes(whole.replace(shape, struct.pack("<3i", 10**5, 10**5, 100)))
    with pytest.raises(InputError, match=r"a\.mat: the array 'scene' is \(100000, 100000, 100\) uint16 and has 120"):
        list(reader().stream(path))
    size = struct.pack("<2I", 4, 120)
    assert whole.count(size) == 1
    larger = whole.replace(shape, struct.pack("<3i", 46_000, 23_000, 2))
    path.write_bytes(larger.replace(size, struct.pack("<2I", 4, 46_000 * 23_000 * 2 * 2)))
    with pytest.raises(InputError, match=r"3\.9 GiB"):
        list(reader().stream(path))


def test_data_set_of_hdf5_that_was_never_written_is_refused(tmp_path: Path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file.create_dataset("scene", (100, 10**5, 10**5), "f8", chunks=(100, 10, 10), compression="gzip")
    with pytest.raises(InputError, match=r"\(100000, 100000, 100\).* holds 0 bytes"):
        list(reader().stream(tmp_path / "a.mat"))


def test_damage_in_the_middle_of_a_data_set_of_hdf5_is_refused(tmp_path: Path):
    path, random = tmp_path / "a.mat", np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        scene = random.integers(0, 60_000, (5, 40, 30), np.uint16)
        file.create_dataset("scene", data=scene, chunks=(5, 10, 10), compression="gzip")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = random.bytes(400)
    path.write_bytes(content)
    for read in (lambda: list(reader().stream(path)), lambda: reader().read(PixelAt(str(path), 0, 0))):
        with pytest.raises(InputError, match=r"a\.mat is damaged"):
            read()


def test_tiff_that_promises_more_than_it_holds_is_refused(tmp_path: Path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, CUBE, photometric="minisblack", planarconfig="contig", metadata=None)
    whole = bytearray(path.read_bytes())
    for tag in (256, 257):  # width and length
        place = next(at for kind in (3, 4) if (at := whole.find(struct.pack("<HHI", tag, kind, 1))) > 0)
        whole[place : place + 12] = struct.pack("<HHII", tag, 4, 1, 10**5)
    path.write_bytes(whole)
    with pytest.raises(InputError):
        list(reader().stream(path))


def test_tiff_in_a_compression_that_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    path = tmp_path / "packed.tif"
    tifffile.imwrite(path, CUBE, photometric="minisblack", planarconfig="contig", compression="zlib")
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", refuse)
    with pytest.raises(MissingDependencyError, match=r"mt-plugin-hyperspectral\[codecs\]"):
        open_cube(path)
