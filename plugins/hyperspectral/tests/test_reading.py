"""Every format gives the cube that was written, and every bad file is refused in our own words."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
import torch

import mt_core as mt
from mt_core.errors import DataWarning, InputError, MissingDependencyError
from mt_plugin_hyperspectral.pixel import Pixel, PixelAt
from mt_plugin_hyperspectral.reading import open_array, open_cube
from mt_plugin_hyperspectral.tokenizer import HyperspectralOptions, HyperspectralTokenizer

HEIGHT, WIDTH, BANDS = 3, 4, 5
CUBE = np.random.default_rng(0).integers(0, 60_000, (HEIGHT, WIDTH, BANDS)).astype(np.uint16)

ORDER = {"bip": (0, 1, 2), "bil": (0, 2, 1), "bsq": (2, 0, 1)}
"""Axes of the cube in the order in which ENVI's interleaves store them."""


def reader(window: int = 1) -> HyperspectralTokenizer:
    return HyperspectralTokenizer(8, HyperspectralOptions(window=window))


def envi(
    header: Path, cube: np.ndarray = CUBE, interleave: str = "bsq", data: str = ".img", big: bool = False, **fields: Any
) -> Path:
    """As ENVI writes a scene; a field given as "" is left out."""
    codes = {"uint8": 1, "int16": 2, "float32": 4, "float64": 5, "uint16": 12}
    stored = np.ascontiguousarray(cube.transpose(ORDER.get(interleave, (0, 1, 2))))
    stored = stored.astype(stored.dtype.newbyteorder(">" if big else "<"))
    offset = int(fields.get("header_offset", 0) or 0)
    header.with_suffix(data).write_bytes(b"\7" * offset + stored.tobytes())
    lines = {
        "description": "{a scene\n  in two lines}",
        "samples": cube.shape[1],
        "lines": cube.shape[0],
        "bands": cube.shape[2],
        "header offset": 0,
        "data type": codes[cube.dtype.name],
        "interleave": interleave,
        "byte order": int(big),
    }
    lines |= {key.replace("_", " "): value for key, value in fields.items()}
    text = "".join(f"{key} = {value}\n" for key, value in lines.items() if value != "")
    header.write_text(f"ENVI\n; a comment\n{text}")
    return header


def mat73(path: Path, **arrays: np.ndarray) -> Path:
    """As MATLAB writes version 7.3: HDF5 behind 512 bytes of its own, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, array in arrays.items():
            file.create_dataset(key, data=array.T, compression="gzip").attrs["MATLAB_class"] = np.bytes_(b"uint16")
        file.create_group("#refs#")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return path


def saved(write: Callable[[Any], object]) -> Callable[[Path], Path]:
    def at(path: Path) -> Path:
        write(path)
        return path

    return at


WRITERS: dict[str, Callable[[Path], Path]] = {
    "a.mat": saved(lambda path: scipy.io.savemat(path, {"scene": CUBE, "note": "text", "more": {"x": CUBE}})),
    "packed.mat": saved(lambda path: scipy.io.savemat(path, {"scene": CUBE, "gt": CUBE[..., 0]}, do_compression=True)),
    "two.mat": saved(lambda path: scipy.io.savemat(path, {"data": CUBE, "other": CUBE + 1})),
    "new.mat": lambda path: mat73(path, scene=CUBE, gt=CUBE[..., 0]),
    "a.npy": saved(lambda path: np.save(path, CUBE)),
    "fortran.npy": saved(lambda path: np.save(path, np.asfortranarray(CUBE))),
    "big.npy": saved(lambda path: np.save(path, CUBE.astype(">u2"))),
    "float.npy": saved(lambda path: np.save(path, CUBE.astype(np.float64))),
    "a.npz": saved(lambda path: np.savez_compressed(path, cube=CUBE)),
    "a.tif": saved(lambda path: tifffile.imwrite(path, CUBE, photometric="minisblack", planarconfig="contig")),
    "planes.tif": saved(
        lambda path: tifffile.imwrite(path, CUBE.transpose(2, 0, 1), photometric="minisblack", planarconfig="separate")
    ),
    "pages.tiff": saved(lambda path: tifffile.imwrite(path, CUBE.transpose(2, 0, 1), photometric="minisblack")),
    "packed.tif": saved(
        lambda path: tifffile.imwrite(path, CUBE, photometric="minisblack", planarconfig="contig", compression="zlib")
    ),
    "bigend.tif": saved(
        lambda path: tifffile.imwrite(path, CUBE, photometric="minisblack", planarconfig="contig", byteorder=">")
    ),
    **{
        f"{interleave}{int(big)}.hdr": lambda path, interleave=interleave, big=big: envi(  # type: ignore[misc]
            path, interleave=interleave, big=big
        )
        for interleave in ORDER
        for big in (False, True)
    },
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_pixel_of_a_file_is_streamed_row_by_row(tmp_path: Path, name: str):
    path = WRITERS[name](tmp_path / name)
    pixels = list(reader().stream(path))
    assert len(pixels) == HEIGHT * WIDTH
    assert np.array_equal([pixel.spectrum for pixel in pixels], CUBE.reshape(-1, BANDS))
    assert all(pixel.values.shape == (1, 1, BANDS) and pixel.values.dtype == np.float32 for pixel in pixels)


@pytest.mark.parametrize("name", [name for name in WRITERS if not name.endswith(".hdr")])
def test_bytes_are_read_like_their_file_and_whatever_its_suffix(tmp_path: Path, name: str):
    path = WRITERS[name](tmp_path / name)
    for source in (path.read_bytes(), path.rename(tmp_path / "scene.bin"), str(tmp_path / "scene.bin")):
        assert np.array_equal([pixel.spectrum for pixel in reader().stream(source)], CUBE.reshape(-1, BANDS))


@pytest.mark.parametrize("data", ["", ".img", ".dat", ".raw", ".IMG", ".bil"])
def test_envi_data_is_found_beside_its_header_and_the_header_beside_its_data(tmp_path: Path, data: str):
    header = envi(tmp_path / "scene.hdr", data=data)
    for source in (header, header.with_suffix(data)):
        assert open_cube(source).resident().values.shape == CUBE.shape
    envi(tmp_path / "other.hdr", data=".img").rename(tmp_path / "other.img.hdr")  # as GDAL names them
    for name in ("other.img.hdr", "other.img"):
        assert np.array_equal(open_cube(tmp_path / name).values, CUBE)


def test_envi_header_tells_wavelengths_in_nanometres(tmp_path: Path):
    for unit, factor in {"Nanometers": 1, "Micrometers": 1000, "Unknown": 1000, "": 1000}.items():
        known = [number / factor for number in (400, 500, 600.5, 700, 800)]
        header = envi(tmp_path / "a.hdr", wavelength="{" + ",\n ".join(map(str, known)) + "}", wavelength_units=unit)
        assert open_cube(header).wavelengths == pytest.approx((400, 500, 600.5, 700, 800))
    envi(tmp_path / "a.hdr", wavelength="{1, 2, 3, 4, 5}", wavelength_units="Index")
    assert open_cube(tmp_path / "a.hdr").wavelengths is None
    with pytest.warns(DataWarning, match="wavelengths: 2 for 5 bands"):
        assert open_cube(envi(tmp_path / "a.hdr", wavelength="{400, 500}")).wavelengths is None


def test_envi_header_offset_is_skipped_and_bad_bands_are_left_out(tmp_path: Path):
    cube = open_cube(
        envi(tmp_path / "a.hdr", header_offset=7, bbl="{1, 0, 1, 1, 0}", wavelength="{400, 500, 600, 700, 800}")
    )
    assert cube.bands == 3 and cube.wavelengths == (400, 600, 700)
    assert np.array_equal(cube.neighbourhood(2, 1, 1)[0, 0], CUBE[2, 1, [0, 2, 3]])


def test_capital_letters_in_an_envi_header_are_read(tmp_path: Path):
    header = envi(tmp_path / "a.hdr")
    header.write_text(header.read_text().replace("samples", "Samples").replace("bsq", "BSQ"))
    assert np.array_equal(open_cube(header).values, CUBE)


def test_unmixing_scene_is_laid_out_column_by_column(tmp_path: Path):
    side = 3
    square = CUBE[:, :side].astype(float)
    spectra = np.stack([square[index % side, index // side] for index in range(side * side)], axis=1)
    path = tmp_path / "samson_dataset.mat"
    scipy.io.savemat(path, {"Y": spectra, "A": np.ones((3, side * side)), "M": np.ones((BANDS, 3))})
    assert np.array_equal([pixel.spectrum for pixel in reader().stream(path)], square.reshape(-1, BANDS))
    mat73(path, Y=spectra, A=np.ones((3, side * side)))
    assert np.array_equal([pixel.spectrum for pixel in reader().stream(path)], square.reshape(-1, BANDS))


@pytest.mark.parametrize("window", [3, 5, 9])
def test_neighbourhood_is_reflected_at_the_borders(tmp_path: Path, window: int):
    reach = window // 2
    padded = np.pad(CUBE, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    for name in ("a.npy", "new.mat", "bil1.hdr"):
        path = WRITERS[name](tmp_path / name)
        pixels = list(reader(window).stream(path))
        for index, pixel in enumerate(pixels):
            row, column = divmod(index, WIDTH)
            expected = padded[row : row + window, column : column + window]
            assert np.array_equal(pixel.values, expected)
            assert np.array_equal(reader(window).read(PixelAt(str(path), row, column)).values, expected)


def test_arrays_in_memory_are_read():
    tokenizer, wide = reader(), reader(3)
    assert np.array_equal(tokenizer.read(CUBE[0, 0]).spectrum, CUBE[0, 0])
    assert np.array_equal(tokenizer.read(torch.tensor([1.0, 2.0], dtype=torch.bfloat16)).spectrum, [1, 2])
    assert np.array_equal(wide.read(CUBE[:, :3]).values, CUBE[:, :3])
    assert len(list(wide.stream(CUBE[:, :3]))) == 1 and len(list(wide.stream(CUBE))) == HEIGHT * WIDTH
    pixel = tokenizer.read({"values": CUBE[0, 0], "wavelengths": [400, 500, 600, 700, 800]})
    assert pixel.wavelengths == (400, 500, 600, 700, 800)
    micrometres = open_array({"values": CUBE[0, 0], "wavelengths": [0.4, 0.5, 0.6, 0.7, 0.8]})
    assert micrometres is not None and micrometres.wavelengths == pytest.approx((400, 500, 600, 700, 800))
    assert len(list(tokenizer.stream({"cube": CUBE, "wavelengths": range(400, 900, 100)}))) == HEIGHT * WIDTH


@pytest.mark.parametrize("window", [1, 3])
def test_sample_survives_pickling_and_is_accepted_again(tmp_path: Path, window: int):
    tokenizer = reader(window)
    for source in (CUBE[:window, :window], PixelAt(str(WRITERS["bil0.hdr"](tmp_path / "bil0.hdr")), 1, 2)):
        pixel = pickle.loads(pickle.dumps(tokenizer.read(source)))
        assert isinstance(pixel, Pixel)
        for again in (tokenizer.read(pixel), *tokenizer.stream(pixel)):
            assert np.array_equal(again.values, tokenizer.read(source).values)


def test_file_with_one_pixel_is_read(tmp_path: Path):
    np.save(tmp_path / "one.npy", CUBE[:1, :1])
    assert np.array_equal(reader().read(tmp_path / "one.npy").spectrum, CUBE[0, 0])
    assert reader(3).read(tmp_path / "one.npy").values.shape == (3, 3, BANDS)


def test_scene_cannot_be_read_as_one_pixel(tmp_path: Path):
    for source in (WRITERS["a.npy"](tmp_path / "a.npy"), CUBE):
        with pytest.raises(InputError, match=r"3 x 4 pixels[\s\S]*stream"):
            reader().read(source)


def test_file_that_changes_is_looked_up_anew(tmp_path: Path):
    path = tmp_path / "a.npy"
    np.save(path, CUBE)
    assert reader().read(PixelAt(str(path), 0, 0)).spectrum[0] == CUBE[0, 0, 0]
    np.save(path, CUBE[:2] + 1)
    assert reader().read(PixelAt(str(path), 0, 0)).spectrum[0] == CUBE[0, 0, 0] + 1


@pytest.mark.parametrize("name", ["big.hdr", "big.npy"])
def test_large_scene_is_streamed_in_bounded_memory(tmp_path: Path, name: str):
    height, width, bands = 4000, 2000, 100  # 1.5 GiB, without a block on the disk
    path = tmp_path / name
    if name.endswith(".hdr"):
        envi(path, np.zeros((1, 1, bands), np.uint16), lines=height, samples=width, interleave="bil")
        with path.with_suffix(".img").open("r+b") as file:
            file.truncate(height * width * bands * 2)
    else:
        np.lib.format.open_memmap(path, "w+", np.uint16, (height, width, bands))
    tracemalloc.start()
    try:
        stream = reader(3).stream(path)
        for _ in range(width + 1):
            next(stream)
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()


# no data


def test_pixel_without_data_is_streamed_and_cannot_be_read(tmp_path: Path):
    cube = CUBE.astype(np.float32)
    cube[1, 2] = np.nan
    cube[2, 0] = -9999
    header = envi(tmp_path / "a.hdr", cube, data_ignore_value="-9999")
    empty = [index for index, pixel in enumerate(reader().stream(header)) if np.isnan(pixel.spectrum).all()]
    assert empty == [1 * WIDTH + 2, 2 * WIDTH]
    assert np.flatnonzero(np.isnan(open_cube(header).brightness())).tolist() == empty
    with pytest.raises(InputError, match=r"row 2, column 0 has no data"):
        reader().read(PixelAt(str(header), 2, 0))


def test_nodata_of_a_geotiff_is_known(tmp_path: Path):
    cube = CUBE.copy()
    cube[0, 1] = 7
    tifffile.imwrite(
        tmp_path / "a.tif",
        cube,
        photometric="minisblack",
        planarconfig="contig",
        extratags=[(42113, "s", 2, "7", True)],
    )
    assert np.argwhere(np.isnan(open_cube(tmp_path / "a.tif").brightness())).tolist() == [[0, 1]]


def test_zero_in_some_bands_is_a_value_where_zero_means_no_data(tmp_path: Path):
    cube = CUBE + 1
    cube[0, 0, 2] = 0
    cube[0, 1] = 0
    first, second, *_ = reader().stream(envi(tmp_path / "a.hdr", cube.astype(np.uint16), data_ignore_value="0"))
    assert np.array_equal(first.spectrum, cube[0, 0]) and np.isnan(second.spectrum).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -9999])
def test_pixel_with_missing_bands_is_refused_with_its_place(tmp_path: Path, value: float):
    cube = CUBE.astype(np.float32)
    cube[1, 2, 3:] = value
    header = envi(tmp_path / "a.hdr", cube, data_ignore_value="-9999")
    with pytest.raises(InputError, match=r"a\.hdr, row 1, column 2: 2 of 5 bands .* band 3[\s\S]*bbl"):
        list(reader().stream(header))
    if value != -9999:
        with pytest.raises(InputError, match="2 of 5 bands"):
            reader().read(cube[1, 2])


def test_number_beyond_float32_is_refused():
    with pytest.raises(InputError, match="no finite value"):
        reader().read(np.array([1.0, 1e300]))


# bad files


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("damage", ["empty", "truncated", "short", "noise"])
def test_damaged_file_is_refused_with_its_name(tmp_path: Path, name: str, damage: str):
    path = WRITERS[name](tmp_path / name)
    if path.suffix == ".hdr":
        path = path.with_suffix(".img") if damage in ("short", "noise") else path
    whole = path.read_bytes()
    noise = np.random.default_rng(1).bytes(4000)
    path.write_bytes({"empty": b"", "truncated": whole[: len(whole) // 3], "short": whole[:40], "noise": noise}[damage])
    with pytest.raises(InputError) as caught:
        list(reader().stream(tmp_path / name))
    assert path.stem in caught.value.problem and caught.value.fix


@pytest.mark.parametrize("name", [name for name in WRITERS if not name.endswith(".hdr")])
def test_no_damage_lets_another_exception_through(tmp_path: Path, name: str):
    whole = WRITERS[name](tmp_path / name).read_bytes()
    draw = np.random.default_rng(2)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in draw.integers(0, min(len(whole), 600), 4):
            damaged[place] = draw.integers(256)
        try:
            for _ in zip(range(20), reader().stream(bytes(damaged)), strict=False):
                pass
        except (InputError, MissingDependencyError) as error:
            assert error.fix


def test_pixel_outside_its_scene_is_refused(tmp_path: Path):
    path = WRITERS["a.npy"](tmp_path / "a.npy")
    for row, column in ((HEIGHT, 0), (0, -1)):
        with pytest.raises(InputError, match=r"no pixel in row .*3 x 4"):
            reader().read(PixelAt(str(path), row, column))


def test_bytes_of_a_matlab_file_are_read_without_its_name():
    buffer = BytesIO()
    scipy.io.savemat(buffer, {"scene": CUBE})
    assert open_cube(buffer.getvalue()).bands == BANDS


@pytest.mark.parametrize("data", [".img", ".BSQ", ""])
def test_the_file_of_numbers_lies_beside_its_header_and_the_header_beside_it(tmp_path, data):
    header = envi(tmp_path / "scene.hdr", data=data)
    numbers = header.with_suffix(data)
    assert str(numbers) in reader().files_beside(str(header))
    assert str(header) in reader().files_beside(str(numbers))


def test_of_other_formats_nothing_lies_beside():
    assert reader().files_beside("memory://a.b/scene.mat") == []


@pytest.fixture
def model():
    return mt.load("hyperspectral", encoder="none/vit_tiny_patch16_224", view="tokens")


def test_a_scene_whose_numbers_have_changed_is_embedded_again(tmp_path, model):
    header = envi(tmp_path / "scene.hdr")
    mt.embed_files(model, header, tmp_path / "v.parquet", num_workers=0)
    assert mt.embed_files(model, header, tmp_path / "v.parquet", num_workers=0).changed == 0
    os.utime(envi(header, CUBE[::-1]).with_suffix(".img"), (2e9, 2e9))
    assert mt.embed_files(model, header, tmp_path / "v.parquet", num_workers=0).changed == 1


def test_a_scene_at_a_url_comes_with_its_numbers(tmp_path, model):
    header = envi(tmp_path / "scene.hdr")
    files = fsspec.filesystem("memory")
    files.put(str(tmp_path), "/scenes", recursive=True)
    try:
        there = mt.embed(model, "memory://scenes/scene.hdr")
    finally:
        files.rm("/scenes", recursive=True)
    np.testing.assert_allclose(there, mt.embed(model, header), atol=1e-6)
