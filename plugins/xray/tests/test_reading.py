"""Every kind of radiograph is read as a reader of films sees it; bad files are refused, and nobody's name is told."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    MPEG2MPML,
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from mt_core.errors import DataWarning, InputError, MissingDependencyError, MtError
from mt_plugin_xray.reading import read_film
from mt_plugin_xray.tokenizer import XrayTokenizer

PERSONAL = ("DOE^JANE", "PID-31337", "19701231", "WHO^DOCTOR", "Saint Elsewhere", "ACC-4711", "a secret comment")

RAMP = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)  # all of 12 bits


def read(source: Any) -> np.ndarray[Any, Any]:
    return read_film(source, needed=64)


def dicom(values: np.ndarray[Any, Any] = RAMP, *, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Dataset:
    """A radiograph of somebody, as a modality sends it; an element of None is left out."""
    dataset, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.file_meta = meta
    names = ("PatientName", "PatientID", "PatientBirthDate", "ReferringPhysicianName", "InstitutionName")
    for name, value in zip((*names, "AccessionNumber", "ImageComments"), PERSONAL, strict=True):
        setattr(dataset, name, value)
    dataset.private_block(0x0011, "Somebody", create=True).add_new(1, "LO", PERSONAL[0])
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = values.dtype.itemsize * 8
    dataset.BitsStored = 12 if values.dtype == np.uint16 else dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.astype(
        values.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    ).tobytes()
    for name, value in elements.items():
        delattr(dataset, name) if value is None else setattr(dataset, name, value)
    return dataset


def saved(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def file(values: np.ndarray[Any, Any] = RAMP, **elements: Any) -> bytes:
    return saved(dicom(values, **elements))


def picture(values: np.ndarray[Any, Any] | Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (values if isinstance(values, Image.Image) else Image.fromarray(values)).save(buffer, format, **options)
    return buffer.getvalue()


# from stored to shown


def test_twelve_bits_are_all_kept():
    film = read(file(WindowCenter=2048, WindowWidth=4096))
    assert film.dtype == np.float32 and film.shape == (64, 64, 1)
    assert np.abs(film[..., 0] - RAMP / 4095).max() < 1e-6 and len(np.unique(film)) == 4096


def test_monochrome1_is_turned_over_after_its_window():
    dark_is_high = file(4095 - RAMP, PhotometricInterpretation="MONOCHROME1", WindowCenter=1000, WindowWidth=500)
    shown = 1 - np.clip(((4095.0 - RAMP) - 999.5) / 499 + 0.5, 0, 1)
    assert np.abs(read(dark_is_high)[..., 0] - shown).max() < 1e-5


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [None, (2, -1024)])
def test_windows_are_those_of_the_standard(function: str | None, rescale: tuple[int, int] | None):
    window: dict[str, Any] = {"WindowCenter": 900, "WindowWidth": 700}
    if function:
        window["VOILUTFunction"] = function
    if rescale:
        window.update(RescaleSlope=rescale[0], RescaleIntercept=rescale[1], RescaleType="US")
    dataset = dicom(**window)
    shown = apply_voi_lut(apply_modality_lut(RAMP, dataset), dataset)  # in the units of the rescaled pixels
    low, high = (0, 4095) if not rescale else (-1024, 4095 * 2 - 1024)
    assert np.abs(read(saved(dataset))[..., 0] - (shown - low) / (high - low)).max() < 1e-4


def test_window_is_read_from_the_numbers_of_the_standard():
    # PS3.3 C.11.2.1.2.1: centre 2048 and width 1 shows all from 2048 on as full, all below as nothing
    film = read(file(WindowCenter=2048, WindowWidth=1))[..., 0]
    assert np.array_equal(film, (RAMP >= 2048).astype(np.float32))


def test_first_of_several_windows_is_used():
    several = read(file(WindowCenter=[500, 3000], WindowWidth=[100, 100]))
    assert np.array_equal(several, read(file(WindowCenter=500, WindowWidth=100)))


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"WindowCenter": 5},
        {"WindowCenter": 5, "WindowWidth": 0},
        {"WindowCenter": 90_000, "WindowWidth": 10},  # in which there is nothing
    ],
    ids=str,
)
def test_without_a_usable_window_most_of_the_pixels_are_shown(window: dict[str, Any]):
    expected = pytest.warns(DataWarning, match="its window") if window else nullcontext()
    with expected:
        film = read(file(1000 + RAMP // 8, **window))[..., 0]
    low, high = np.percentile(1000 + RAMP // 8, (1, 99))
    assert np.abs(film - np.clip((1000 + RAMP // 8 - low) / (high - low), 0, 1)).max() < 1e-4


def table(entries: list[int], first: int, bits: int, **more: Any) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    for name, value in more.items():
        setattr(item, name, value)
    return [item]


def test_voi_table_is_looked_up_and_comes_before_a_window():
    entries = [0, 10, 100, 1000, 4095]
    film = read(file(VOILUTSequence=table(entries, 2000, 12), WindowCenter=1, WindowWidth=9))[..., 0].flatten()
    expected = np.array([*[0] * 2000, *entries, *[4095] * (4096 - 2005)]) / 4095
    assert np.abs(film - expected).max() < 1e-6


def test_modality_table_comes_before_the_window():
    entries = list(range(4095, -1, -1))
    sequence = table(entries, 0, 16, ModalityLUTType="US")
    film = read(file(ModalityLUTSequence=sequence, WindowCenter=2048, WindowWidth=4096))[..., 0]
    assert np.abs(film - (4095 - RAMP) / 4095).max() < 1e-6


def test_signed_pixels_are_read():
    values = (RAMP.astype(np.int32) - 2048).astype(np.int16)
    film = read(file(values, BitsStored=16, HighBit=15, WindowCenter=0, WindowWidth=4096))[..., 0]
    assert np.abs(film - RAMP / 4095).max() < 2e-4


def test_flat_film_is_black_and_not_nan():
    assert (read(file(np.full((8, 8), 77, np.uint16))) == 0).all()


# ways of storing


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_native_pixels_are_read(syntax: str):
    assert np.abs(read(file(syntax=syntax, WindowCenter=2048, WindowWidth=4096))[..., 0] - RAMP / 4095).max() < 1e-6


def test_run_lengths_are_read():
    dataset = dicom(WindowCenter=2048, WindowWidth=4096)
    dataset.compress(RLELossless)
    assert np.abs(read(saved(dataset))[..., 0] - RAMP / 4095).max() < 1e-6


@pytest.mark.parametrize("format", ["JPEG2000", "JPEG"])
def test_jpeg_and_jpeg_2000_are_read(format: str):
    grey = np.linspace(0, 255, 64 * 64).astype(np.uint8).reshape(64, 64)
    options = {"no_jp2": True, "irreversible": False} if format == "JPEG2000" else {"quality": 100}
    dataset = dicom(grey, syntax=JPEG2000Lossless if format == "JPEG2000" else JPEGBaseline8Bit)
    dataset.PixelData = encapsulate([picture(grey, format, **options)])
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    assert np.abs(read(saved(dataset))[..., 0] - grey / 255).max() < (1e-6 if format == "JPEG2000" else 0.02)


def test_middle_of_several_frames_is_read():
    frames = np.stack([np.full((8, 8), number, np.uint8) for number in (10, 20, 30)])
    dataset = dicom(frames[0], NumberOfFrames=3, PixelData=frames.tobytes(), WindowCenter=128, WindowWidth=256)
    for source in (saved(dataset), dataset):
        with pytest.warns(DataWarning, match="left out: all but one of its 3 frames"):
            assert read(source).max() == pytest.approx(20 / 255)


def test_colours_become_their_luminance():
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    film = read(file(red, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0))
    assert film.dtype == np.float32 and film.max() == pytest.approx(76 / 255)  # ITU-R BT.601: 0.299


def test_dataset_in_memory_is_read_like_its_file(tmp_path: Path):
    path = tmp_path / "IM0001"  # by content, whatever it is called
    path.write_bytes(file(WindowCenter=900, WindowWidth=700))
    films = [
        read(source)
        for source in (
            path,
            str(path),
            path.read_bytes(),
            pydicom.dcmread(path),
            dicom(WindowCenter=900, WindowWidth=700),
        )
    ]
    assert all(np.array_equal(film, films[0]) for film in films)


# pictures


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_eight_bits_stay_eight_bits(format: str):
    film = read(picture(np.full((16, 16), 200, np.uint8), format))
    assert film.shape == (16, 16, 1) and film.dtype == np.uint8 and np.abs(film.astype(int) - 200).max() <= 1


def test_modes_of_pictures_show_the_same_grey():
    for mode, colour in {"L": 100, "LA": (100, 255), "RGB": (100,) * 3, "RGBA": (100, 100, 100, 255)}.items():
        for source in (picture(Image.new(mode, (2, 3), colour)), Image.new(mode, (2, 3), colour)):
            film = read(source)
            assert film.shape == (3, 2, 1) and film.dtype == np.uint8 and (film == 100).all(), mode


def test_transparent_pixels_are_laid_on_black():
    assert read(picture(Image.new("LA", (1, 1), (200, 0)))).item() == 0
    assert read(picture(Image.new("RGBA", (1, 1), (200, 200, 200, 51)))).item() == 40


def test_sixteen_bits_are_shown_by_what_most_pixels_hold():
    for source in (picture(RAMP), RAMP, RAMP.astype(np.int64), RAMP.astype(np.float64), torch.from_numpy(RAMP * 1.0)):
        film = read(source)[..., 0]
        low, high = np.percentile(RAMP, (1, 99))
        assert film.dtype == np.float32 and np.abs(film - np.clip((RAMP - low) / (high - low), 0, 1)).max() < 1e-4


def test_floats_within_0_to_1_are_taken_as_they_are():
    values = np.array([[0.2, 0.5], [0.7, 0.3]], np.float32)
    assert np.array_equal(read(values)[..., 0], values)


# size


def test_large_film_is_averaged_to_less_than_twice_of_what_is_needed():
    large = RAMP.repeat(10, 0).repeat(12, 1)
    for source in (file(large, WindowCenter=2048, WindowWidth=4096), picture((large >> 4).astype(np.uint8), "JPEG")):
        film = read(source)
        assert 64 <= film.shape[0] < 128 and film.shape[1] == pytest.approx(film.shape[0] * 1.2, abs=2)


def test_what_was_read_is_read_again_as_it_is():
    for source in (file(), picture(RAMP), picture(Image.new("RGB", (300, 200), "red"))):
        once = read(source)
        assert np.array_equal(read(pickle.loads(pickle.dumps(once))), once)


def test_enormous_rows_and_columns_are_refused_by_the_header(tmp_path: Path):
    (tmp_path / "huge.dcm").write_bytes(file(Rows=65_535, Columns=65_535))
    with pytest.raises(InputError, match=r"huge\.dcm is too large"):
        read(tmp_path / "huge.dcm")


def test_compressed_pixels_larger_than_the_header_says_are_refused():
    # a codestream that claims 60,000 x 60,000 where the header says 64 x 64
    stream = picture(np.zeros((64, 64), np.uint8), "JPEG2000", no_jp2=True)
    at = stream.index(b"\xff\x51") + 6
    stream = stream[:at] + (60_000).to_bytes(4, "big") * 2 + stream[at + 8 :]
    dataset = dicom(np.zeros((64, 64), np.uint8), syntax=JPEG2000Lossless, PixelData=encapsulate([stream]))
    with pytest.raises(InputError, match="cannot be decoded"):
        read(saved(dataset))


def test_deflated_file_is_not_inflated():
    with pytest.raises(InputError, match="deflated") as caught:
        read(file(syntax=DeflatedExplicitVRLittleEndian))
    assert "dcmconv" in caught.value.fix


# bad files


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"PixelData": None}, "without pixels"),
        ({"Rows": None}, "something else than a picture"),
        ({"Rows": 0}, "no pixel"),
        ({"SamplesPerPixel": 2}, "no pixel"),
        ({"PixelData": bytes(64 * 64)}, "cannot be decoded"),
        ({"BitsAllocated": 13}, "cannot be decoded"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "palette"),
        ({"PhotometricInterpretation": "SOMEBODY"}, "neither grey nor RGB"),
        ({"PhotometricInterpretation": None}, "neither grey nor RGB"),
        ({"NumberOfFrames": 9}, "cannot be decoded"),
        ({"RescaleSlope": "1e200", "RescaleIntercept": "0"}, "not finite numbers"),
        ({"VOILUTSequence": table([0, 1], 0, 0)}, "not finite numbers"),
    ],
    ids=str,
)
def test_incomplete_dicom_is_refused(tmp_path: Path, elements: dict[str, Any], said: str):
    (tmp_path / "bad.dcm").write_bytes(file(**elements))
    for source in (tmp_path / "bad.dcm", dicom(**elements)):
        with pytest.raises(InputError, match=said if source.__class__ is not Dataset else ".") as caught:
            read(source)
        assert caught.value.fix and not told(caught.value) and "SOMEBODY" not in str(caught.value)


def test_no_dicom_is_refused(tmp_path: Path):
    (tmp_path / "notes.dcm").write_text("not a film")
    with pytest.raises(InputError, match=r"notes\.dcm is not a DICOM file"):
        read(tmp_path / "notes.dcm")
    (tmp_path / "notes.png").write_text("not a film")
    with pytest.raises(InputError, match=r"notes\.png is not a picture") as caught:
        read(tmp_path / "notes.png")
    assert ".dcm" in caught.value.fix


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless])
def test_missing_codec_names_the_extra(syntax: str, monkeypatch: pytest.MonkeyPatch):
    from pydicom.pixels.decoders import base

    monkeypatch.setattr(base.Decoder, "is_available", property(lambda decoder: False))
    with pytest.raises(MissingDependencyError, match="JPEG") as caught:
        read(file(syntax=syntax, PixelData=encapsulate([b"\xff\xd8\xff\xd9"])))
    assert "pip install 'mt-plugin-xray[codecs]'" in caught.value.fix


def test_film_that_moves_is_refused():
    with pytest.raises(InputError, match="not a still picture"):
        read(file(syntax=MPEG2MPML, PixelData=encapsulate([b"\0\0\1\xb3"])))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float):
    array = np.zeros((4, 4))
    array[1, 1] = value
    for source in (array, torch.from_numpy(array)):
        with pytest.raises(InputError, match="NaN or infinite"):
            read(source)


@pytest.mark.parametrize("source", [np.zeros(5), np.zeros((2, 2, 5)), np.array([["a"]]), [[0]], None, 7], ids=str)
def test_what_is_no_picture_is_refused_with_a_fix(source: Any):
    with pytest.raises(InputError) as caught:
        read(source)
    assert caught.value.fix


# nobody's name is told


def told(error: BaseException | None) -> list[str]:
    """Personal values in an error, in those behind it, or in what is left of it after a worker process sent it."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(pickle.dumps(error.args))]
        error = error.__cause__ or error.__context__
    return [value for value in PERSONAL for text in texts if value in text]


def quoted(where: str) -> Callable[[bytes], bytes]:
    """A name where a number should be."""
    return lambda content: content.replace(where.encode(), PERSONAL[0].encode(), 1)


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "whole": lambda content: content,
    "window": quoted("1234.567"),
    "slope": quoted("3.000001"),
    "syntax": quoted("1.2.840.10008.1.2.1\0"[:8]),
    "short": lambda content: content[:1500],
    "shifted": lambda content: content[:400] + content[401:],
    "lengths": lambda content: content.replace(b"PN\x08\0", b"PN\xff\xff"),
    "vr": lambda content: content.replace(b"\x10\0\x10\0PN", b"\x28\0\x10\0US"),  # the name as the rows
}


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@pytest.mark.parametrize("malformed", MALFORMED)
def test_no_personal_field_is_told_or_kept(
    tmp_path: Path, malformed: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    content = file(WindowCenter="1234.567", WindowWidth="4000", RescaleSlope="3.000001", RescaleIntercept="0")
    assert all(value.encode() in content for value in PERSONAL)
    path = tmp_path / "film.dcm"
    path.write_bytes(MALFORMED[malformed](content))
    for source in (path, path.read_bytes()):
        try:
            kept = pickle.dumps(read(source))
        except MtError as error:
            assert not told(error) and error.fix
        else:
            assert not [value for value in PERSONAL if value.encode() in kept]
    said = "".join(capfd.readouterr()) + caplog.text
    assert not [value for value in PERSONAL if value in said]


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_damaged_dicom_is_read_or_refused_in_our_words(capfd: pytest.CaptureFixture[str]):
    content, random = file(WindowCenter=2048, WindowWidth=4096), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for at in random.integers(132, 1200, 6):
            damaged[at] = random.integers(0, 256)
        try:
            read(bytes(damaged))
        except MtError as error:
            refused += 1
            assert not told(error)
    assert refused > 10 and capfd.readouterr().err == ""


@pytest.mark.parametrize("kept", [0.95, 0.5, 0.1, 0.05, 0.02])
def test_truncated_file_is_refused(tmp_path: Path, kept: float):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for content in (file(), picture(noise), picture(noise, "JPEG")):
        (tmp_path / "cut").write_bytes(content[: int(len(content) * kept)])
        with pytest.raises(InputError, match="cut") as caught:
            read(tmp_path / "cut")
        assert not told(caught.value)


def test_text_in_a_png_is_not_kept():
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", PERSONAL[0])
    assert PERSONAL[0].encode() not in pickle.dumps(read(picture(RAMP, pnginfo=text)))


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data")
def test_computed_radiograph_of_an_extremity():
    folder = Path(os.environ["MT_DATA"]) / "xray" / "dicom"
    lossless, lossy = (read_film(folder / f"RG3_J2K{kind}.dcm", needed=224)[..., 0] for kind in "RI")
    assert lossless.shape == (252, 252) and np.abs(lossless - lossy).mean() < 0.01
    assert lossless[120, 120] > 0.6 > 0.2 > lossless[120, 170]  # bone is bright, and the air beside it dark


def test_the_header_gives_size_and_bits_and_nothing_of_a_patient(tmp_path: Path):
    (tmp_path / "film.dcm").write_bytes(file())
    (tmp_path / "film.png").write_bytes(picture(np.zeros((30, 20), np.uint8)))
    facts = XrayTokenizer(8).file_facts(tmp_path / "film.dcm")
    assert facts == {"format": "DICOM", "width_px": 64, "height_px": 64, "pixels": "MONOCHROME2", "bits": 12}
    of_picture = XrayTokenizer(8).file_facts(tmp_path / "film.png")
    assert of_picture == {"format": "PNG", "width_px": 20, "height_px": 30, "pixels": "L"}
