"""Chest films that need no download: soft lungs between ribs, with or without a finding.

Written as the files that hospitals have: 12-bit DICOM of either photometric interpretation, and PNG; and an example of
every format.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mt_core.sdk import Listing, demo_files
from mt_plugin_xray.reading import SUFFIXES

HEIGHT, WIDTH = 72, 64

_BITS = 12

Density = NDArray[np.floating[Any]]
"""(HEIGHT, WIDTH), 0 where all passes through to 1 where nothing does."""

_DOWN, _ACROSS = np.meshgrid(np.linspace(-1, 1, HEIGHT), np.linspace(-1, 1, WIDTH), indexing="ij")


def radiographs(split: str, size: int, seed: int) -> Listing:
    """`size` films a split, in files that vanish with the process."""
    return demo_files("xray", split, size, seed, tuple(_FINDINGS), _write)


def _chest(random: np.random.Generator) -> Density:
    """Two dark lungs, a bright heart on the left of the body (the right of the film), and ribs."""
    down, across = _DOWN + random.uniform(-0.08, 0.08), _ACROSS + random.uniform(-0.08, 0.08)
    wide, high = random.uniform(0.3, 0.36), random.uniform(0.65, 0.75)
    film = np.full((HEIGHT, WIDTH), random.uniform(0.62, 0.72))
    for side in (-1, 1):
        film -= 0.42 * _soft(((across - side * 0.45) / wide) ** 2 + (down / high) ** 2)
    film += 0.25 * _soft(((across - 0.12) / 0.25) ** 2 + ((down - 0.3) / 0.3) ** 2)
    film += 0.06 * (np.cos((down + 0.3 * across**2) * random.uniform(14, 17)) > 0.6)
    return film


def _soft(square_distance: Density) -> Density:
    """1 within an ellipse, 0 far from it."""
    inside: Density = 1 / (1 + np.exp(np.minimum(8 * (square_distance - 1), 80)))
    return inside


def _clear(film: Density, random: np.random.Generator) -> Density:
    return film


def _effusion(film: Density, random: np.random.Generator) -> Density:
    """Fluid fills one lung from below, to a level."""
    side, level, body = random.choice((-1, 1)), random.uniform(0.0, 0.3), float(film[0, 0])
    is_below = (_DOWN > level) & (_ACROSS * side > 0)
    return np.where(is_below, np.maximum(film, body), film)


def _fracture(film: Density, random: np.random.Generator) -> Density:
    """A thin dark line through the bone at the edge of the film."""
    side, middle, slope = random.choice((-1, 1)), random.uniform(-0.5, 0.5), random.uniform(-0.8, 0.8)
    is_line = np.abs(_DOWN - middle - slope * (_ACROSS - side * 0.85)) < 0.07
    return film + np.where(is_line & (np.abs(_ACROSS - side * 0.85) < 0.25), -0.45, 0.0)


def _opacity(film: Density, random: np.random.Generator) -> Density:
    """A bright round spot within a lung."""
    side, radius = random.choice((-1, 1)), random.uniform(0.18, 0.26)
    across, down = side * random.uniform(0.38, 0.5), random.uniform(-0.4, 0.3)
    spot: Density = film + 0.35 * _soft((_ACROSS - across) ** 2 / radius**2 + (_DOWN - down) ** 2 / radius**2)
    return spot


_FINDINGS: dict[str, Callable[[Density, np.random.Generator], Density]] = {
    "clear": _clear,
    "effusion": _effusion,
    "fracture": _fracture,
    "opacity": _opacity,
}


def _write(stem: Path, finding: str, turn: int, random: np.random.Generator) -> Path:
    """A film as one of three kinds of file, in turn."""
    film = _FINDINGS[finding](_chest(random), random)
    film = np.clip(film + random.normal(0, 0.02, film.shape), 0, 1)
    kind = turn % 3
    path = stem.with_suffix(".png" if kind == 2 else ".dcm")
    _write_film(film, path, photometric=f"MONOCHROME{kind + 1}")
    return path


def write_examples(folder: Path) -> list[Path]:
    """A bright disc of 24 x 32 pixels a suffix, of 12 bits in DICOM and 8 elsewhere."""
    down, across = np.indices((24, 32))
    film = np.exp(-((down - 12) ** 2 + (across - 16) ** 2) / 40)
    written = [folder / f"disc{suffix}" for suffix in SUFFIXES]
    for path in written:
        _write_film(film, path, photometric="MONOCHROME1")
    return written


def _write_film(film: Density, path: Path, *, photometric: str) -> None:
    if path.suffix in (".dcm", ".dicom"):
        _write_dicom(film, path, photometric)
    else:
        Image.fromarray(np.rint(film * 255).astype(np.uint8)).save(path)


def _write_dicom(film: Density, path: Path, photometric: str) -> None:
    """A 12-bit DICOM file, windowed over all of its range.

    Args:
        photometric: MONOCHROME1 (0 is white) or MONOCHROME2 (0 is black).
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian

    largest = 2**_BITS - 1
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.1")  # of pydicom's root
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality = "CR"
    dataset.PatientName = "Synthetic^Film"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = film.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, _BITS, _BITS - 1
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2 ** (_BITS - 1), 2**_BITS
    shown = 1 - film if photometric == "MONOCHROME1" else film
    dataset.PixelData = np.rint(shown * largest).astype("<u2").tobytes()
    dataset.save_as(path, enforce_file_format=True)
