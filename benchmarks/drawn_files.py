"""Files of each modality, as large and as many as a timing needs, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np


def photographs(folder: Path) -> list[Path]:
    """JPEG files of 640 x 480 pixels with the spectrum of photographs, quality 90."""
    from PIL import Image

    random = np.random.default_rng(0)
    paths = []
    for number in range(384):
        coarse = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
        noisy = np.asarray(picture, dtype=np.int16) + random.normal(0, 6, (480, 640, 3)).astype(np.int16)
        paths.append(folder / f"{number:04d}.jpg")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def clouds(folder: Path) -> list[Path]:
    """Binary PLY files of 4,096 points on ellipsoids."""
    random = np.random.default_rng(0)
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 4096\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
    paths = []
    for number in range(1024):
        points = random.normal(size=(4096, 3))
        points *= random.uniform(0.5, 2, 3) / np.linalg.norm(points, axis=1, keepdims=True)
        paths.append(folder / f"{number:04d}.ply")
        paths[-1].write_bytes(header.encode() + points.astype("<f4").tobytes())
    return paths


def tables(folder: Path) -> list[Path]:
    """Two CSV files of 2,048 rows: eight numbers and six categories."""
    random = np.random.default_rng(0)
    paths = []
    for number in range(2):
        lines = [",".join([*(f"n{i}" for i in range(8)), *(f"c{i}" for i in range(6))])]
        for _ in range(2048):
            numbers = (f"{value:.3f}" for value in random.normal(size=8))
            lines.append(",".join([*numbers, *(f"kind{value}" for value in random.integers(0, 9, 6))]))
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


def sentences(folder: Path) -> list[Path]:
    """A CSV file of 4,096 reviews of 8 to 40 words."""
    random = np.random.default_rng(0)
    words = "the a film story of and is not very good bad slow moving with actor plot scene music boring funny".split()
    lines = ["text,label"]
    for _ in range(4096):
        text = " ".join(random.choice(words, random.integers(8, 41)))
        lines.append(f"{text},{random.integers(2)}")
    path = folder / "reviews.csv"
    path.write_text("\n".join(lines) + "\n")
    return [path]


def recordings(folder: Path) -> list[Path]:
    """WAV files of two seconds at 44.1 kHz, stereo."""
    import soundfile

    random = np.random.default_rng(0)
    time = np.arange(2 * 44_100) / 44_100
    paths = []
    for number in range(384):
        tone = np.sin(2 * np.pi * random.uniform(100, 4000) * time)[:, None] + 0.1 * random.normal(size=(len(time), 2))
        paths.append(folder / f"{number:04d}.wav")
        soundfile.write(paths[-1], 0.3 * tone, 44_100)
    return paths


def films(folder: Path) -> list[Path]:
    """MPEG-4 films of 64 frames of 320 x 240."""
    import av

    random = np.random.default_rng(0)
    paths = []
    for number in range(96):
        paths.append(folder / f"{number:04d}.mp4")
        ground = random.integers(0, 256, (240 + 64, 320 + 64, 3), dtype=np.uint8)
        with av.open(str(paths[-1]), "w") as container:
            stream = container.add_stream("mpeg4", rate=Fraction(25))
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for step in range(64):
                frame = np.ascontiguousarray(ground[step : step + 240, step : step + 320] // 4 * 4)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            container.mux(stream.encode())
    return paths


def thermograms(folder: Path) -> list[Path]:
    """16-bit PNG files of 640 x 512 counts."""
    from PIL import Image

    random = np.random.default_rng(0)
    paths = []
    for number in range(384):
        coarse = Image.fromarray(random.normal(7000, 400, (16, 20)).astype(np.float32))
        counts = np.asarray(coarse.resize((640, 512), Image.Resampling.BICUBIC)) + random.normal(0, 5, (512, 640))
        paths.append(folder / f"{number:04d}.png")
        Image.fromarray(counts.clip(0, 65535).astype(np.uint16)).save(paths[-1], compress_level=1)
    return paths


def radiographs(folder: Path) -> list[Path]:
    """DICOM files of 1,024 x 1,024 pixels of 12 bits, uncompressed."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

    random = np.random.default_rng(0)
    paths = []
    for number in range(256):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
        film = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        film.Rows = film.Columns = 1024
        film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
        film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
        film.PixelData = random.integers(0, 4096, (1024, 1024), dtype=np.uint16).tobytes()
        paths.append(folder / f"{number:04d}.dcm")
        film.save_as(paths[-1], enforce_file_format=True)
    return paths


def scenes(folder: Path) -> list[Path]:
    """A cube of 64 x 64 pixels and 200 bands of 16 bits, as .npy."""
    random = np.random.default_rng(0)
    spectra = random.uniform(500, 8000, (5, 200))
    shares = random.dirichlet(np.ones(5), (64, 64))
    path = folder / "scene.npy"
    np.save(path, (shares @ spectra + random.normal(0, 50, (64, 64, 200))).clip(0).astype(np.uint16))
    return [path]


def motions(folder: Path) -> list[Path]:
    """CSV files of ten seconds of six axes at 100 Hz, with their times."""
    random = np.random.default_rng(0)
    time = np.arange(1000) / 100
    paths = []
    for number in range(1536):
        axes = np.sin(2 * np.pi * random.uniform(0.5, 3, 6) * time[:, None]) + 0.2 * random.normal(size=(1000, 6))
        rows = [
            ",".join([f"{second:.2f}", *(f"{value:.4f}" for value in row)])
            for second, row in zip(time, axes, strict=True)
        ]
        paths.append(folder / f"{number:04d}.csv")
        paths[-1].write_text("\n".join(["time,ax,ay,az,gx,gy,gz", *rows]) + "\n")
    return paths


def molecules(folder: Path) -> list[Path]:
    """A file of 4,096 SMILES: chains and rings with substituents, 8 to 30 heavy atoms."""
    random = np.random.default_rng(0)
    ends, middles = ["O", "N", "F", "Cl", "C(=O)O"], ["C", "CC", "c1ccccc1", "C1CCCCC1", "C(=O)N", "C=C", "CO"]
    lines = []
    for _ in range(4096):
        chain = "".join(random.choice(middles, random.integers(2, 7)))
        lines.append(f"C{chain}{random.choice(ends)}")
    path = folder / "molecules.smi"
    path.write_text("\n".join(lines) + "\n")
    return [path]


def series(folder: Path) -> list[Path]:
    """CSV files of 2,000 hours of seven channels."""
    random = np.random.default_rng(0)
    hours = np.datetime64("2024-01-01T00") + np.arange(2000)
    paths = []
    for number in range(128):
        daily = np.sin(2 * np.pi * np.arange(2000) / 24)[:, None] * random.uniform(0.5, 2, 7)
        values = daily + random.normal(0, 0.3, (2000, 7)).cumsum(0) * 0.05
        rows = [
            ",".join([str(hour), *(f"{value:.3f}" for value in row)]) for hour, row in zip(hours, values, strict=True)
        ]
        paths.append(folder / f"{number:04d}.csv")
        paths[-1].write_text("\n".join(["date,a,b,c,d,e,f,g", *rows]) + "\n")
    return paths


MAKERS: dict[str, Callable[[Path], list[Path]]] = {
    "text": sentences,
    "image": photographs,
    "pointcloud": clouds,
    "audio": recordings,
    "video": films,
    "infrared": thermograms,
    "hyperspectral": scenes,
    "xray": radiographs,
    "imu": motions,
    "tabular": tables,
    "graph": molecules,
    "timeseries": series,
}
