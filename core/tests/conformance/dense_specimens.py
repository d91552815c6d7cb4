"""The specimen for each task that labels parts of a sample: places in a row, pixels, objects, points of a scene."""

from .conftest import Change

_READING = """
    def read(self, source):
        return only_one(self.stream(source), source, "sample")

    def stream(self, source):
        with reading(source, formats=".npy"):
            is_file = isinstance(source, str | Path)
            values = np.load(source, allow_pickle=False) if is_file else np.asarray(source)
        if values.ndim != NUM_AXES or not values.size or values.shape[-1] != 3 or values.dtype.kind not in "fiu":
            raise InputError(f"{name_of(source)} holds no array of {NUM_AXES} axes, the last one of 3", fix="save one")
        if not np.isfinite(values).all():
            raise InputError(f"{name_of(source)} holds values that are not finite", fix="leave them out")
        yield values.astype(TYPE)
"""

_TOP = """from pathlib import Path

import numpy as np
import torch
from torch import nn

from mt_core.contract import Options, Tokenizer, Tokens, name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk.blocks import DensePictureTokenizer
"""

PICTURES = f"""{_TOP}
NUM_AXES, TYPE = 3, np.uint8


class SpecimenTokenizer(DensePictureTokenizer):
{_READING}"""

CLOUDS = f'''{_TOP}
NUM_AXES, TYPE = 2, np.float32


class SpecimenTokenizer(Tokenizer):
    """A token a point. A cloud is one block, or of a row of places none."""
{_READING}
    def __init__(self, width, options=None):
        super().__init__(width, options)
        self.stem = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, width))

    def prepare(self, sample, generator=None):
        points = torch.from_numpy(np.ascontiguousarray(sample, np.float32))
        if generator is not None:
            points = points + 0.01 * torch.randn(points.shape, generator=generator)
        count = len(points)
        side = {{"index": torch.arange(count), "weights": torch.ones(count), "size": torch.tensor([count])}}
        return {{"points": points, **(side if OF_SCENE else {{}})}}

    def forward(self, batch):
        points, mask = batch["points"], batch.get("points_mask")
        side = {{"places": points}}
        if mask is not None:
            side["places_mask"] = mask
        if OF_SCENE:
            side |= {{"counts": batch["size"], **{{name: batch[name] for name in ("index", "weights", "size")}}}}
        return Tokens(self.stem(points), mask=mask, coords=points, side=side)
'''

DATASET = '''"""Samples drawn for tests; their labels are of parts of them."""

import numpy as np

from mt_core.contract import SPLITS, Boxes, Detection, Segmentation
from mt_core.errors import OptionError
from mt_core.sdk import ListedDataset, Listing, temporary_folder


class SpecimenDataset(ListedDataset):
    kinds = ("segmentation", "detection")
    layouts = {"none": "these samples are drawn"}  # noqa: RUF012
    demo_options = DEMO_OPTIONS

    @classmethod
    def find(cls, root, split):
        return None

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        if split not in SPLITS:
            raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        folder = temporary_folder("specimen")
        samples, labels = [], []
        for number in range(size):
            part = SPLITS[number % 3] if split == "all" else split
            sample, label = drawn(np.random.default_rng([seed, SPLITS.index(part), number]))
            path = folder / f"{part}_{number:03d}.npy"
            np.save(path, sample)
            samples.append(path)
            labels.append(label)
        return cls.of(Listing(samples, labels, (), "drawn", task=TASK), None, source="drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder):
        path = folder / "one.npy"
        np.save(path, drawn(np.random.default_rng(0))[0])
        return [path]
'''

_RECTANGLE = """

def rectangle(draw):
    height, width = draw.integers(16, 21, 2).tolist()
    picture = draw.integers(0, 60, (height, width, 3)).astype(np.uint8)
    high, wide = draw.integers(7, 12, 2).tolist()
    top, left = int(draw.integers(0, height - high)), int(draw.integers(0, width - wide))
    picture[top : top + high, left : left + wide] += 180
    return picture, top, left, high, wide
"""

_DRAWN = {
    "places": """
TASK = Segmentation(classes=("left", "right"))


def drawn(draw):
    points = draw.normal(size=(int(draw.integers(5, 9)), 3)).astype(np.float32)
    return points, (points[:, 0] > 0).astype(int).tolist()
""",
    "points": """
TASK = Segmentation(classes=("left", "right"), of="points")


def drawn(draw):
    points = draw.normal(size=(int(draw.integers(5, 9)), 3)).astype(np.float32)
    return points, (points[:, 0] > 0).astype(int).tolist()
""",
    "pixels": f"""{_RECTANGLE}

TASK = Segmentation(classes=("dark", "light"), of="pixels")


def drawn(draw):
    picture, top, left, high, wide = rectangle(draw)
    mask = np.zeros(picture.shape[:2], int)
    mask[top : top + high, left : left + wide] = 1
    return picture, mask
""",
    "objects": f"""{_RECTANGLE}

TASK = Detection(classes=("flat", "tall"))


def drawn(draw):
    picture, top, left, high, wide = rectangle(draw)
    size = picture.shape[:2]
    return picture, Boxes([[left, top, left + wide, top + high]], [int(high > wide)], size=size)
""",
}

_MANIFEST = """contract = "1.0"
name = "specimen"
summary = "Samples whose parts have labels, for tests"
tokenizer = "mt_plugin_specimen.tokenizer:SpecimenTokenizer"
dataset = "mt_plugin_specimen.dataset:SpecimenDataset"
head = "HEAD"
suffixes = [".npy"]
capabilities = CAPABILITIES
recipe = { batch_size = 8, lr = 5e-3, epochs = 4RECIPE }
"""

HEADS = {
    "places": "SegmentationHead",
    "pixels": "PictureSegmentationHead",
    "objects": "DetectionHead",
    "points": "SceneSegmentationHead",
}
"""The core's own, by what is labelled."""


def dense(of: str, *lines: str) -> list[Change]:
    """The specimen for one of `HEADS`.

    Args:
        lines: Of a head of its own, in which something is wrong; none: the core's head.
    """
    is_picture = of in ("pixels", "objects")
    labels = {"pixels": "pixels", "objects": "boxes"}.get(of)
    options = f'{{"size": 16, "patch": 4, "across": 1, "overlap": 0.0, "labels": "{labels}"}}' if is_picture else "{}"
    tokenizer = PICTURES if is_picture else CLOUDS.replace("OF_SCENE", str(of == "points"))
    capabilities = '["variable_length", "init_from_encoder"]' if is_picture else '["variable_length"]'
    changes = [
        Change("tokenizer.py", "", tokenizer),
        Change("dataset.py", "", DATASET.replace("DEMO_OPTIONS", options) + _DRAWN[of]),
        Change("baseline.py", "", None),
    ]
    head = f"mt_core.heads:{HEADS[of]}"
    if lines:
        top = f"import torch\n\nfrom mt_core import heads\n\n\nclass OwnHead(heads.{HEADS[of]}):\n"
        changes.append(Change("head.py", "", top + "".join(f"    {line}\n" for line in lines)))
        head = "mt_plugin_specimen.head:OwnHead"
    recipe = ", head = { convs = 1 }" if of == "objects" else ""
    manifest = _MANIFEST.replace("HEAD", head).replace("CAPABILITIES", capabilities).replace("RECIPE", recipe)
    return [*changes, Change("plugin.toml", "", manifest)]
