"""One small scene in each format that is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_plugin_hyperspectral.demo import draw_scene, write_envi


def write_examples(folder: Path) -> list[Path]:
    """A corner of the demonstration's scene a suffix: 3 x 4 pixels of 64 bands, 16-bit reflectance times 10,000."""
    import scipy.io
    import tifffile

    reflectance, _ = draw_scene(8, np.random.default_rng(0))
    scene = np.round(reflectance[:3, :4] * 10_000).clip(0, 65_535).astype("<u2")
    files = [folder / f"scene{suffix}" for suffix in (".hdr", ".mat", ".tif", ".tiff", ".npy", ".npz")]
    write_envi(folder / "scene", scene)
    scipy.io.savemat(files[1], {"scene": scene})
    for path in files[2:4]:
        tifffile.imwrite(path, scene, photometric="minisblack", planarconfig="contig")
    np.save(files[4], scene)
    np.savez(files[5], scene=scene)
    return files
