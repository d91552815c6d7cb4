"""The files that a page names, small; as the modalities' own demonstrations write them where they write such files."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.plugins import get

RANDOM = np.random.default_rng(0)


def demo_files(modality: str) -> list[tuple[Path, str]]:
    """Files of a demonstration, each with its class."""
    dataset = get(modality).dataset.demo("train", size=24)
    return [(Path(sample), dataset.task.classes[target]) for sample, target in (dataset[i] for i in range(24))]


def place(modality: str, *names: str) -> None:
    """A demonstration's file under each of these names."""
    of_suffix = {path.suffix: path for path, _ in demo_files(modality)}
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(of_suffix[Path(name).suffix], name)


def folders(modality: str, root: str) -> None:
    """A folder per class."""
    for number, (path, name) in enumerate(demo_files(modality)):
        Path(root, name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, Path(root, name, f"{number}{path.suffix}"))


def write_table(name: str, header: str, rows: list[Any]) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *(row if isinstance(row, str) else ",".join(str(cell) for cell in row) for row in rows)]
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_pictures(*names: str, dtype: type = np.uint8) -> None:
    from PIL import Image

    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 255, (40, 40)).astype(dtype)).save(name)


def write_series(name: str, steps: int) -> None:
    hours = np.datetime_as_string(np.datetime64("2020-01-01T00") + np.arange(steps).astype("timedelta64[h]"))
    load = np.sin(np.arange(steps) / 12 * np.pi) + RANDOM.normal(0, 0.1, steps)
    write_table(name, "date,load", list(zip(hours, load.round(4), strict=True)))


def write_survey(name: str) -> None:
    """A LAS file whose points have classes."""
    import laspy

    Path(name).parent.mkdir(parents=True, exist_ok=True)
    survey = laspy.create(file_version="1.4", point_format=6)
    survey.x, survey.y, survey.z = RANDOM.normal(size=(3, 200))
    survey.classification = np.where(np.asarray(survey.z) > 0, 5, 2).astype(np.uint8)
    survey.write(name)


def audio() -> dict[str, Any]:
    import soundfile

    place("audio", "clips/1.wav", "clips/2.wav", "a.wav")
    folders("audio", "DIR")
    array = RANDOM.normal(0, 0.1, 20_000)
    soundfile.write("b.mp3", array, 16_000, format="MP3")
    return {"array": array}


def graph() -> dict[str, Any]:
    chains = ["C" * length + end for length in range(1, 13) for end in ("O", "N")]
    solubility = "smiles,measured log solubility in mols per litre"
    write_table("ESOL/delaney.csv", solubility, [(chain, -len(chain)) for chain in chains])
    write_table("molecules.smi", "CCO ethanol", chains)
    place("graph", "web.graphml")
    return {}


def hyperspectral() -> dict[str, Any]:
    from scipy.io import savemat

    labels = np.repeat([1, 2, 3], 48).reshape(12, 12)
    cube = (labels[..., None] * np.linspace(1, 2, 20) + RANDOM.normal(0, 0.1, (12, 12, 20))).astype(np.float32)
    Path("DIR").mkdir()
    savemat("DIR/PaviaU.mat", {"paviaU": cube})
    savemat("DIR/PaviaU_gt.mat", {"paviaU_gt": labels})
    header = "ENVI\nsamples = 12\nlines = 12\nbands = 20\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
    Path("scene.hdr").write_text(header)
    Path("scene.img").write_bytes(cube.tobytes())
    return {"list_of_spectra": list(cube[0])}


def image() -> dict[str, Any]:
    names = ("photos/1.jpg", "photos/2.jpg", "a.jpg", "b.png")
    write_pictures(*names, *(f"DIR/{name}/{i}.png" for name in ("cat", "dog") for i in range(8)))
    return {}


def imu() -> dict[str, Any]:
    place("imu", "walks/1.csv", "walks/2.csv", "walk.csv")
    folders("imu", "DIR")
    return {"array": RANDOM.normal(size=(200, 6))}


def infrared() -> dict[str, Any]:
    place("infrared", "b.png")
    folders("infrared", "DIR")
    write_pictures("frames/1.tiff", "frames/2.tiff", "a.tiff", dtype=np.uint16)
    return {}


def pointcloud() -> dict[str, Any]:
    place("pointcloud", "scans/1.bin", "sweep.bin", "scan.ply")
    for name in ("survey.las", "extra.las", *(f"DIR/{name}/{i}.las" for name in ("park", "street") for i in range(4))):
        write_survey(name)
    return {"array": RANDOM.normal(size=(100, 3))}


def tabular() -> dict[str, Any]:
    header = "age,workclass,hours-per-week,income"
    rows = [(age, ("Private", "State-gov")[age % 2], 40, (">50K", "<=50K")[age > 40]) for age in range(20, 60)]
    for name in ("DIR/train.csv", "DIR/test.csv", "one_row.csv", "table.csv"):
        write_table(name, header, rows[:1] if name == "one_row.csv" else rows)
    return {}


def text() -> dict[str, Any]:
    said = ["a fine film", "a dull film", "not bad at all", "what a waste"]
    for name in ("DIR/train.tsv", "DIR/dev.tsv"):
        write_table(name, "sentence\tlabel", [f"{sentence}\t{i % 2}" for i, sentence in enumerate(said * 4)])
    write_table("reviews.csv", "text", said)
    write_table("more/1.txt", "One long story.", [])
    return {}


def timeseries() -> dict[str, Any]:
    write_series("ETTh1.csv", 20 * 30 * 24)  # ETT's months
    for name, steps in {"load.csv": 600, "latest.csv": 400, "meters/1.csv": 400, "meters/2.csv": 400}.items():
        write_series(name, steps)
    return {}


def video() -> dict[str, Any]:
    place("video", "clips/1.mp4", "clips/2.mp4", "a.mp4")
    folders("video", "UCF-101")
    write_pictures(*(f"frames/of/one/video/{i:03d}.png" for i in range(20)))
    return {}


def xray() -> dict[str, Any]:
    place("xray", "films/1.dcm", "films/2.dcm", "a.dcm")
    folders("xray", "DIR")
    write_pictures("b.png")
    return {}


def front_page() -> dict[str, Any]:
    import soundfile
    import torch
    from timm.models.vision_transformer import Block

    write_pictures("a.jpg", "b.png", "photo.jpg", "other.png", "new.jpg")
    write_pictures(
        *(f"{root}/{name}/{i}.png" for root in ("DIR", "photos") for name in ("cat", "dog") for i in range(8))
    )
    place("pointcloud", "scans/1.bin")
    write_survey("extra.las")
    write_series("ETTh1.csv", 20 * 30 * 24)
    write_series("latest.csv", 400)
    rows = [(f"DIR/cat/{at % 8}.png", f"a thing that is number {at}", at % 5, "ab"[at % 2]) for at in range(40)]
    write_table("items.csv", "photo,about,price,category", rows)
    Path("recordings").mkdir()
    soundfile.write("recordings/1.flac", RANDOM.normal(0, 0.1, 20_000), 16_000)
    original = torch.nn.Sequential(*(Block(64, 1, qkv_bias=True) for _ in range(2)))
    torch.save(original.state_dict(), "Meta-Transformer_base_patch16_encoder.pth")
    return {}


def pictures_of_two() -> dict[str, Any]:
    write_pictures(*(f"photos/{name}/{number}.png" for name in ("cat", "dog") for number in range(8)))
    return {}


def exported() -> dict[str, Any]:
    """Photos of cats and dogs, pictures of cars with boxes, and surveys whose higher points are vegetation."""
    names = [f"cars/images/{number}.png" for number in range(8)]
    write_pictures(*names)
    Path("cars/labels").mkdir()
    for name in names:
        Path(name.replace("images", "labels")).with_suffix(".txt").write_text("0 0.5 0.5 0.4 0.6\n")
    import laspy

    Path("surveys").mkdir()
    for number in range(6):
        survey = laspy.LasData(laspy.LasHeader(version="1.2", point_format=3))
        survey.header.scales = [0.01] * 3
        survey.x, survey.y, survey.z = (RANDOM.uniform(0, 1, (500, 3)) * (12, 8, 2)).T
        survey.classification = np.where(np.asarray(survey.z) > 1, 5, 2).astype(np.uint8)
        survey.write(f"surveys/{number}.las")
    return pictures_of_two()


def searched() -> dict[str, Any]:
    names = [f"photos/{name}-{number}.jpg" for name in ("cat", "dog") for number in range(4)]
    write_pictures(*names, "new.jpg")
    colours = ("red", "blue")
    rows = [(name, 5 * number, colours[number % 2]) for number, name in enumerate(names)]
    write_table("items.csv", "photo,price,colour", rows)
    return {}


def captioned() -> dict[str, Any]:
    """Photos of cats and dogs with captions."""
    names = [("cat", "dog")[number % 2] for number in range(16)]
    write_pictures(*(f"photos/{number}.jpg" for number in range(16)))
    rows = [(f"photos/{number}.jpg", f"a {name} on chair number {number}") for number, name in enumerate(names)]
    write_table("pairs.csv", "photo,caption", rows)
    return {}


def served() -> dict[str, Any]:
    """Photos of cats and dogs, and reviews."""
    write_pictures(*(f"photos/{name}/{number}.png" for name in ("cat", "dog") for number in range(8)))
    rows = [(("a fine film", "a waste of time")[at % 2] + f" part {at}", ("good", "bad")[at % 2]) for at in range(32)]
    write_table("reviews.csv", "text,label", rows)
    return {}


def two_towers() -> dict[str, Any]:
    """Photos, captions, and a small model of open_clip with random weights, called as files of the hub are."""
    import json

    import open_clip
    from safetensors.torch import save_file

    towers = {
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    Path("clip").mkdir()
    save_file(open_clip.CLIP(16, **towers).state_dict(), "clip/open_clip_model.safetensors")
    prepared = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    config = {"model_cfg": {"embed_dim": 16, **towers}, "preprocess_cfg": prepared}
    Path("clip/open_clip_config.json").write_text(json.dumps(config))
    write_pictures(*(f"photos/{name}/{number}.jpg" for name in ("cat", "dog") for number in range(3)))
    write_table("captions.csv", "caption", [("a cat on a chair",), ("a dog that runs",)])
    return {}


SETTINGS: dict[str, Callable[[], dict[str, Any]]] = {
    "README.md": front_page,
    "core/README.md": image,
    "docs/adapt.md": imu,
    "docs/align.md": captioned,
    "docs/ladder.md": imu,
    "docs/precision.md": image,
    "docs/search.md": searched,
    "tools/serve/README.md": served,
    "docs/urls.md": searched,
    "tools/export/README.md": exported,
    "tools/explain/README.md": pictures_of_two,
    "docs/explain.md": pictures_of_two,
    "tools/report/README.md": pictures_of_two,
    "docs/two-towers.md": two_towers,
    "tools/fusion/README.md": lambda: searched() | captioned(),
    **{
        f"plugins/{made.__name__}/README.md": made
        for made in (
            audio,
            graph,
            hyperspectral,
            image,
            imu,
            infrared,
            pointcloud,
            tabular,
            text,
            timeseries,
            video,
            xray,
        )
    },
}


@pytest.fixture
def setting() -> Callable[[str], dict[str, Any]]:
    """Make the files that a page names, in the current folder, and give the variables that its Python names.

    The other pages in docs/ have none: they make what they need.
    """
    return lambda page: SETTINGS[page]() if page in SETTINGS else {}
