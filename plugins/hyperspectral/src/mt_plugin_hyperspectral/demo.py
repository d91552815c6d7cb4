"""A scene that needs no download: fields of six materials, mixed where they meet, in uneven light, with noise; and an
example of every format."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import SPLITS
from mt_core.sdk import Listing, check_split, temporary_folder
from mt_plugin_hyperspectral.pixel import ScenePixels

_BANDS = 64
_WAVELENGTHS = np.linspace(400.0, 2450.0, _BANDS)  # nanometres, as far as AVIRIS reaches

_MATERIALS = {
    # of each material: level, slope over the range, and absorptions as (middle in nm, width in nm, depth)
    "water": (0.10, -0.09, ((740, 200, 0.3),)),
    "grass": (0.45, -0.15, ((660, 60, 0.8), (1450, 90, 0.6), (1940, 110, 0.7))),
    "conifers": (0.36, -0.14, ((660, 70, 0.85), (1200, 60, 0.25), (1450, 90, 0.65), (1940, 110, 0.75))),
    "clay": (0.25, 0.22, ((900, 120, 0.15), (1410, 50, 0.25), (2200, 60, 0.35))),
    "limestone": (0.50, 0.08, ((480, 120, 0.2), (2340, 70, 0.4))),
    "asphalt": (0.10, 0.06, ((1700, 60, 0.1), (2310, 60, 0.15))),
}
_PATCHES = 40  # fields in the scene
_NOISE = 0.012  # standard deviation, in reflectance
_LIGHT = 0.15  # standard deviation of the logarithm of the illumination


def demo_pixels(split: str, size: int, seed: int) -> Listing:
    """`size` pixels of a split; of "all", of the three together. No pixel is in two splits.

    It is written as `scene.hdr` and `scene.img` (16-bit, band-interleaved by line) with `scene_gt.npy` beside them.
    """
    check_split(split)
    parts = SPLITS[:3]
    side = max(32, math.ceil(math.sqrt(len(parts) * size)))
    draw = np.random.default_rng(seed)
    reflectance, labels = _draw_scene(side, draw)
    folder = temporary_folder("hyperspectral")
    _write_envi(folder / "scene", np.round(reflectance * 10_000).clip(0, 65_535).astype("<u2"))
    np.save(folder / "scene_gt.npy", labels + 1)
    order = draw.permutation(side * side)
    places = order if split == "all" else order[parts.index(split) :: len(parts)]
    places = places[:size]
    names = tuple(_MATERIALS)
    labels_here = [names[label] for label in labels.ravel()[places]]
    return Listing(ScenePixels(folder / "scene.hdr", side, places), labels_here, names, "demo")


def _draw_scene(side: int, draw: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(side, side, bands) reflectance and (side, side) material of each pixel."""
    rows, columns = np.mgrid[:side, :side] + 0.5
    middles = draw.uniform(0, side, (_PATCHES, 2))
    kinds = draw.permutation(np.arange(_PATCHES) % len(_MATERIALS))
    distances = np.hypot(rows[..., None] - middles[:, 0], columns[..., None] - middles[:, 1])
    nearest = np.sort(distances, axis=-1)
    labels = kinds[distances.argmin(-1)]
    second = kinds[np.argsort(distances, axis=-1)[..., 1]]
    # half of each at the border of two fields, none of the other two pixels from it
    share = np.clip((nearest[..., 1] - nearest[..., 0]) / 4, 0, 1) * 0.5 + 0.5
    spectra = np.stack([_spectrum(*material) for material in _MATERIALS.values()])
    mixed = share[..., None] * spectra[labels] + (1 - share[..., None]) * spectra[second]
    light = np.exp(_LIGHT * draw.standard_normal((side, side)))
    noise = _NOISE * draw.standard_normal(mixed.shape)
    return mixed * light[..., None] + noise, labels


def _spectrum(level: float, slope: float, absorptions: tuple[tuple[float, float, float], ...]) -> NDArray[np.float64]:
    """(bands,) a line with absorptions of Gaussian shape."""
    span = _WAVELENGTHS[-1] - _WAVELENGTHS[0]
    spectrum = level + slope * (_WAVELENGTHS - _WAVELENGTHS.mean()) / span
    for middle, width, depth in absorptions:
        spectrum = spectrum * (1 - depth * np.exp(-(((_WAVELENGTHS - middle) / width) ** 2) / 2))
    return np.asarray(spectrum)


def _write_envi(stem: Path, values: NDArray[np.uint16]) -> None:
    height, width, bands = values.shape
    values.transpose(0, 2, 1).tofile(stem.with_suffix(".img"))
    header = {
        "samples": width,
        "lines": height,
        "bands": bands,
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": 12,
        "interleave": "bil",
        "byte order": 0,
        "reflectance scale factor": 10_000,
        "wavelength units": "Nanometers",
        "wavelength": "{" + ", ".join(f"{wavelength:.2f}" for wavelength in _WAVELENGTHS) + "}",
    }
    lines = [f"{key} = {value}" for key, value in header.items()]
    stem.with_suffix(".hdr").write_text("\n".join(["ENVI", *lines]) + "\n", encoding="utf-8")


def write_examples(folder: Path) -> list[Path]:
    """A corner of the demonstration's scene a suffix: 3 x 4 pixels of 64 bands, 16-bit reflectance times 10,000."""
    import scipy.io
    import tifffile

    reflectance, _ = _draw_scene(8, np.random.default_rng(0))
    scene = np.round(reflectance[:3, :4] * 10_000).clip(0, 65_535).astype("<u2")
    files = [folder / f"scene{suffix}" for suffix in (".hdr", ".mat", ".tif", ".tiff", ".npy", ".npz")]
    _write_envi(folder / "scene", scene)
    scipy.io.savemat(files[1], {"scene": scene})
    for path in files[2:4]:
        tifffile.imwrite(path, scene, photometric="minisblack", planarconfig="contig")
    np.save(files[4], scene)
    np.savez(files[5], scene=scene)
    return files
