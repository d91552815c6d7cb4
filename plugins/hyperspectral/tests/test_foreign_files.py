"""Scenes as other people's programs write them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import spectral.io.envi
import tifffile

from mt_core.errors import DataWarning, InputError
from mt_plugin_hyperspectral.dataset import HyperspectralDataset
from mt_plugin_hyperspectral.reading import open_cube

foreign_file = pytest.mark.foreign_file

HEIGHT, WIDTH, BANDS = 7, 5, 24
DRAW = np.random.default_rng(0)
SPECTRUM = 1000 + 800 * np.sin(np.linspace(0, 6, BANDS))
CUBE = np.round(SPECTRUM * DRAW.uniform(0.9, 1.1, (HEIGHT, WIDTH, 1))).astype(np.int16)
WAVELENGTHS = np.linspace(400, 2500, BANDS)


def pixels(path: Path) -> Any:
    """All pixels as they are read, (H, W, B)."""
    cube = open_cube(path)
    found = [spectrum[0, 0] for spectrum in cube.neighbourhoods(1)]
    return np.array(found).reshape(cube.height, cube.width, -1)


def envi(path: Path, *, cube: Any = CUBE, **fields: Any) -> Path:
    """Written by Spectral Python, its header completed by hand."""
    spectral.io.envi.save_image(
        str(path), cube, dtype=cube.dtype, interleave=fields.pop("interleave", "bsq"), ext="img"
    )
    more = "".join(f"{key.replace('_', ' ')} = {value}\n" for key, value in fields.items())
    path.write_text(path.read_text() + more)
    return path


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@foreign_file("reflectance scale factor = 10000", "ENVI of each interleave", "read: divided by it")
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_reflectance_is_divided_by_its_factor(tmp_path: Path, interleave: str):
    path = envi(tmp_path / "a.hdr", interleave=interleave, reflectance_scale_factor=10000)
    assert np.allclose(pixels(path), spectral.io.envi.open(str(path)).load(), atol=1e-6)
    assert pixels(path).max() < 1


@foreign_file("data ignore value beside a scale factor", "ENVI", "read: compared before it is divided")
def test_ignored_pixels_are_missing_whatever_the_factor(tmp_path: Path):
    cube = CUBE.copy()
    cube[2, 3] = -9999
    found = pixels(envi(tmp_path / "a.hdr", cube=cube, reflectance_scale_factor=10000, data_ignore_value=-9999))
    assert np.isnan(found).all(-1).sum() == 1 and np.isnan(found[2, 3]).all()


@pytest.mark.parametrize(
    ("unit", "numbers"),
    [
        pytest.param("Nanometers", WAVELENGTHS, marks=foreign_file("nanometres", "ENVI", "read")),
        pytest.param("Micrometers", WAVELENGTHS / 1e3, marks=foreign_file("micrometres", "ENVI", "read")),
        pytest.param(
            "Micrometres", WAVELENGTHS / 1e3, marks=foreign_file("British micrometres", "scripts, ENVI", "read")
        ),
        pytest.param("Unknown", WAVELENGTHS / 1e3, marks=foreign_file("no unit", "ENVI", "read: by size")),
        pytest.param("Wavenumber", 1e7 / WAVELENGTHS, marks=foreign_file("wavenumbers", "FTIR, ENVI", "read")),
    ],
)
def test_wavelengths_become_nanometres(tmp_path: Path, unit: str, numbers: Any):
    path = envi(tmp_path / "a.hdr", wavelength=f"{{{', '.join(map(repr, numbers.tolist()))}}}", wavelength_units=unit)
    assert open_cube(path).wavelengths == pytest.approx(WAVELENGTHS.tolist())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param(
            {"wavelength": "{400, 500, 600}"},
            "left out: wavelengths: 3 for 24 bands",
            marks=foreign_file("fewer wavelengths than bands", "cut with other tools, ENVI", "read, told"),
        ),
        pytest.param(
            {"bbl": "{1, 0, 1}"},
            "left out: the list of bad bands: 3 for 24 bands",
            marks=foreign_file("a list of bad bands of another length", "cut with other tools, ENVI", "read, told"),
        ),
        pytest.param(
            {"wavelength": "{" + ", ".join(["1"] * 24) + "}", "wavelength_units": "GHz"},
            "left out: wavelengths, which are in ghz",
            marks=foreign_file("wavelengths that are frequencies", "ENVI", "read, told"),
        ),
        pytest.param(
            {"data_gain_values": "{" + ", ".join(["0.5"] * 24) + "}"},
            "left out: gains and offsets of the bands",
            marks=foreign_file("gains of the bands", "radiance products, ENVI", "read, told: not applied"),
        ),
    ],
)
def test_what_a_header_says_in_vain_is_told(tmp_path: Path, fields: dict[str, str], told: str):
    path = envi(tmp_path / "a.hdr", **fields)
    with pytest.warns(DataWarning, match=told):
        assert np.array_equal(pixels(path), CUBE)


@foreign_file("no byte order", "written by hand, ENVI", "read, told: little end first")
def test_a_missing_byte_order_is_told(tmp_path: Path):
    path = envi(tmp_path / "a.hdr")
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "byte order" not in line))
    with pytest.warns(DataWarning, match="without a byte order"):
        assert np.array_equal(pixels(path), CUBE)


@foreign_file("a header in Latin-1", "a camera's software, ENVI", "read, told: as Windows-1252")
def test_a_header_in_latin_1_is_read(tmp_path: Path):
    numbers = ", ".join(map(repr, (WAVELENGTHS / 1e3).tolist()))
    path = envi(tmp_path / "a.hdr", wavelength=f"{{{numbers}}}", wavelength_units="µm", sensor_type="Caméra")
    path.write_bytes(path.read_text("utf-8").encode("latin-1"))
    with pytest.warns(DataWarning, match="text that is not UTF-8, as Windows-1252"):
        assert np.array_equal(pixels(path), CUBE)
        assert open_cube(path).wavelengths == pytest.approx(WAVELENGTHS.tolist())


@foreign_file("bands first", "rasterio, .npy", "read, told")
def test_bands_first_in_an_array(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.moveaxis(CUBE, -1, 0))
    with pytest.warns(DataWarning, match="the first axis taken for the bands"):
        assert np.array_equal(pixels(tmp_path / "a.npy"), CUBE)
    np.save(tmp_path / "b.npy", CUBE)
    assert np.array_equal(pixels(tmp_path / "b.npy"), CUBE)


@pytest.mark.parametrize(
    ("layout", "is_told"),
    [
        pytest.param("contig", False, marks=foreign_file("bands as samples of a pixel", "GDAL, TIFF", "read")),
        pytest.param("separate", False, marks=foreign_file("bands in planes", "GDAL, TIFF", "read")),
        pytest.param("pages", False, marks=foreign_file("bands as pages", "microscopes, TIFF", "read")),
        pytest.param("rows", True, marks=foreign_file("an array with its bands last", "imwrite, TIFF", "read, told")),
    ],
)
def test_bands_are_found_wherever_a_tiff_has_them(tmp_path: Path, layout: str, is_told: bool):
    path = tmp_path / "a.tif"
    if layout in ("contig", "separate"):
        cube = CUBE if layout == "contig" else np.moveaxis(CUBE, -1, 0)
        tifffile.imwrite(path, cube, photometric="minisblack", planarconfig=layout)
    else:
        tifffile.imwrite(path, CUBE if layout == "rows" else np.moveaxis(CUBE, -1, 0), photometric="minisblack")
    if is_told:
        with pytest.warns(DataWarning, match="pages taken for rows"):
            found = pixels(path)
    else:
        found = pixels(path)
    assert np.array_equal(found, CUBE)


@foreign_file("a thumbnail before the scene, no-data in a tag", "GDAL, TIFF", "read: the scene; no-data is missing")
def test_a_thumbnail_is_no_scene(tmp_path: Path):
    cube = CUBE.copy()
    cube[0, 0] = -9999
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.zeros((2, 2, 3), np.uint8), photometric="rgb", subfiletype=1)
        file.write(cube, photometric="minisblack", planarconfig="contig", extratags=[(42113, "s", 0, "-9999", True)])
    found = pixels(tmp_path / "a.tif")
    assert np.isnan(found[0, 0]).all() and np.array_equal(found[1:], CUBE[1:])


@foreign_file("scales of the bands by GDAL", "satellite, GeoTIFF", "read, told: not applied")
def test_scales_of_bands_are_told(tmp_path: Path):
    items = "".join(f'<Item name="SCALE" sample="{band}" role="scale">0.0001</Item>' for band in range(BANDS))
    tags = [(42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True)]
    tifffile.imwrite(tmp_path / "a.tif", CUBE, photometric="minisblack", planarconfig="contig", extratags=tags)
    with pytest.warns(DataWarning, match="left out: scales and offsets of the bands"):
        assert np.array_equal(pixels(tmp_path / "a.tif"), CUBE)


@pytest.mark.parametrize("is_7_3", [False, True])
@foreign_file("a cube, its ground truth and its wavelengths in one file", "MATLAB 5 and 7.3", "read: with wavelengths")
def test_one_file_with_everything(tmp_path: Path, is_7_3: bool):
    arrays = {"scene": CUBE, "gt": np.ones((HEIGHT, WIDTH)), "wavelengths": WAVELENGTHS[None]}
    if is_7_3:
        with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
            for key, array in arrays.items():
                file[key] = array.T
    else:
        scipy.io.savemat(tmp_path / "a.mat", arrays)
    assert np.array_equal(pixels(tmp_path / "a.mat"), CUBE)
    assert open_cube(tmp_path / "a.mat").wavelengths == pytest.approx(WAVELENGTHS.tolist())


@foreign_file("a cube and its wavelengths in micrometres", "scripts, .npz", "read: nanometres")
@pytest.mark.parametrize("called", ["cube", "scene"])
def test_wavelengths_beside_a_cube_in_an_npz(tmp_path: Path, called: str):
    np.savez(tmp_path / "a.npz", **{called: CUBE, "wavelengths": WAVELENGTHS / 1e3})
    assert np.array_equal(pixels(tmp_path / "a.npz"), CUBE)
    assert open_cube(tmp_path / "a.npz").wavelengths == pytest.approx(WAVELENGTHS.tolist())
    assert open_cube((tmp_path / "a.npz").read_bytes()).wavelengths == pytest.approx(WAVELENGTHS.tolist())


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        pytest.param(
            {"gt": np.ones((HEIGHT, WIDTH)), "fwhm": WAVELENGTHS},
            "left out: the arrays gt, fwhm",
            marks=foreign_file("further arrays beside the cube", "scripts, .npz", "read, told: which are left out"),
        ),
        pytest.param(
            {"wavelengths": WAVELENGTHS[:3]},
            "left out: wavelengths: 3 for 24 bands",
            marks=foreign_file("fewer wavelengths than bands", "scripts, .npz", "read, told"),
        ),
        pytest.param(
            {"wavelengths": np.full(BANDS, np.nan)},
            "left out: wavelengths, which are not all positive numbers",
            marks=foreign_file("wavelengths that are not known", "scripts, .npz", "read, told"),
        ),
    ],
)
def test_what_is_not_used_of_an_npz_is_told(tmp_path: Path, beside: dict[str, Any], told: str):
    np.savez(tmp_path / "a.npz", cube=CUBE, **beside)
    with pytest.warns(DataWarning, match=told):
        cube = open_cube(tmp_path / "a.npz")
    assert np.array_equal(np.asarray(cube.values), CUBE) and cube.wavelengths is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "a.npy",
            b"\x93NUMPY\x01\x00\x76\x00"
            + b"{'descr': '<f8', 'fortran_order': False, 'shape': (90000, 90000, 9000), }".ljust(117)
            + b"\n",
            marks=foreign_file("an array of 500 TB announced", "damaged, .npy", "refused: by the header"),
        ),
        pytest.param(
            "a.hdr",
            b"ENVI\nlines = 40000\nsamples = 40000\nbands = 8000\ndata type = 5\ninterleave = bsq\nbyte order = 0\n",
            marks=foreign_file("a scene of 100 TB announced", "damaged, ENVI", "refused: by the header"),
        ),
        pytest.param(
            "a.mat",
            b"MATLAB 5.0".ljust(124)
            + b"\x00\x01IM"
            + struct.pack(
                "<14I4s2I", 14, 2**31, 6, 8, 6, 0, 5, 12, 90000, 90000, 9000, 0, 1 | 1 << 16, 0x61, b"", 9, 8
            ),
            marks=foreign_file("an array of 500 TB announced", "damaged, MATLAB 5", "refused: by the header"),
        ),
    ],
)
def test_headers_are_not_believed(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "a.img").write_bytes(bytes(100))
    with pytest.raises(InputError):
        open_cube(tmp_path / name)


LABELS = np.arange(40) % 3 + 1
SPECTRA = DRAW.normal(size=(40, BANDS)).astype(np.float32)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            ("X_train.npy", "y_train.npy", "X_test.npy", "y_test.npy"),
            marks=foreign_file("X_train, y_train, X_test, y_test", "scripts, .npy", "read: splits by name"),
        ),
        pytest.param(
            ("TrainSpectra.mat", "TrainLabels.mat", "TestSpectra.mat", "TestLabels.mat"),
            marks=foreign_file("tables of pixels under any names", "published code, .mat", "read: splits by the names"),
        ),
    ],
)
def test_tables_of_spectra_under_any_names(tmp_path: Path, names: tuple[str, ...]):
    parts = (SPECTRA[:30], LABELS[:30], SPECTRA[30:], LABELS[30:])
    for name, array in zip(names, parts, strict=True):
        if name.endswith(".npy"):
            np.save(tmp_path / name, array)
        else:
            scipy.io.savemat(tmp_path / name, {"data": array})
    for split, part in {"train": slice(0, 30), "test": slice(30, 40), "all": slice(0, 40)}.items():
        dataset = HyperspectralDataset.open(tmp_path, split)
        assert np.array_equal(np.stack([dataset[at].sample for at in range(len(dataset))]), SPECTRA[part])
        named = [dataset.task.classes[target] for target in dataset.targets()]
        assert named == [str(label) for label in LABELS[part]]


@foreign_file("a table and its labels in one file, pixels in columns", "MATLAB", "read: divided by train_fraction")
def test_one_table_is_divided(tmp_path: Path):
    scipy.io.savemat(tmp_path / "soil.mat", {"X": SPECTRA.T, "y": LABELS})
    options = HyperspectralDataset.Options(train_fraction=0.5)
    sizes = [len(HyperspectralDataset.open(tmp_path, split, options=options)) for split in ("train", "test")]
    assert sum(sizes) == 40 and 18 <= sizes[0] <= 22


@pytest.mark.parametrize("writes", ["MATLAB 5", "MATLAB 7.3"])
@foreign_file("bands first", "scripts, MATLAB 5 and 7.3", "read, told")
def test_bands_first_in_a_matlab_file(tmp_path: Path, writes: str):
    first = np.moveaxis(CUBE, -1, 0)
    if writes == "MATLAB 5":
        scipy.io.savemat(tmp_path / "a.mat", {"cube": first})
    else:
        with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
            file["cube"] = first.T
    with pytest.warns(DataWarning, match="the first axis taken for the bands"):
        assert np.array_equal(pixels(tmp_path / "a.mat"), CUBE)


@foreign_file("an HDF5 file that MATLAB did not write", "h5py, .mat", "read: axes as they are stored")
def test_axes_of_h5py_are_not_turned(tmp_path: Path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["cube"] = CUBE
    assert np.array_equal(pixels(tmp_path / "a.mat"), CUBE)


@foreign_file("two files that a header may be of", "scripts, ENVI", "read, told: which one")
def test_of_two_files_beside_a_header_one_is_told(tmp_path: Path):
    numbers = CUBE.astype("<f4")
    fields = f"lines = {HEIGHT}\nsamples = {WIDTH}\nbands = {CUBE.shape[2]}\ndata type = 4\nbyte order = 0\n"
    (tmp_path / "a.hdr").write_text(f"ENVI\ninterleave = bip\n{fields}")
    (tmp_path / "a.img").write_bytes(b"a preview")
    (tmp_path / "a.dat").write_bytes(numbers.tobytes())
    assert np.array_equal(pixels(tmp_path / "a.hdr"), numbers)  # the only one that is as long as the header says
    (tmp_path / "a.raw").write_bytes(bytes(numbers.nbytes))
    with pytest.warns(DataWarning, match=r"a\.dat as its data, of 2 files that may be it"):
        assert np.array_equal(pixels(tmp_path / "a.hdr"), numbers)


@pytest.mark.filterwarnings("ignore:.*the first axis taken for the bands:mt_core.errors.DataWarning")
@foreign_file("bands first, beside a ground truth", "scripts, MATLAB 5", "read, told: labels of the same pixels")
def test_a_ground_truth_fits_a_cube_that_has_its_bands_first(tmp_path: Path):
    truth = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 3
    scipy.io.savemat(tmp_path / "a.mat", {"cube": np.moveaxis(CUBE, -1, 0)})
    scipy.io.savemat(tmp_path / "a_gt.mat", {"gt": truth})
    dataset = HyperspectralDataset.open(tmp_path, "all")
    assert len(dataset) == np.count_nonzero(truth)
    examples = [dataset[index] for index in range(len(dataset))]
    expected = [str(truth[each.sample.row, each.sample.column]) for each in examples]
    assert [dataset.task.classes[each.target] for each in examples] == expected
