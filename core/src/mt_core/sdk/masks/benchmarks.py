"""What is known of the masks of public benchmarks.

Sources: Everingham et al. 2010, The PASCAL Visual Object Classes challenge; cityscapesScripts, helpers/labels.py;
Badrinarayanan et al. 2017 (SegNet), arXiv:1511.00561, for the eleven classes of CamVid; Parkhi et al. 2012, Cats and
dogs, annotations/README; Zhou et al. 2017, ADE20K, objectInfo150.txt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mt_core.sdk.masks.classes import Known
from mt_core.sdk.text import read_text

_VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()

_CAMVID = "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist".split()
_CAMVID_COLOURS = (
    (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0),
    (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
)  # fmt: skip

_CITYSCAPES = {
    7: ("road", (128, 64, 128)), 8: ("sidewalk", (244, 35, 232)), 11: ("building", (70, 70, 70)),
    12: ("wall", (102, 102, 156)), 13: ("fence", (190, 153, 153)), 17: ("pole", (153, 153, 153)),
    19: ("traffic light", (250, 170, 30)), 20: ("traffic sign", (220, 220, 0)), 21: ("vegetation", (107, 142, 35)),
    22: ("terrain", (152, 251, 152)), 23: ("sky", (70, 130, 180)), 24: ("person", (220, 20, 60)),
    25: ("rider", (255, 0, 0)), 26: ("car", (0, 0, 142)), 27: ("truck", (0, 0, 70)), 28: ("bus", (0, 60, 100)),
    31: ("train", (0, 80, 100)), 32: ("motorcycle", (0, 0, 230)), 33: ("bicycle", (119, 11, 32)),
}  # fmt: skip
"""The nineteen that are evaluated."""

CITYSCAPES = Known(
    names={number: name for number, (name, _) in _CITYSCAPES.items()},
    void=tuple(number for number in (*range(34), 255) if number not in _CITYSCAPES),
    colours={number: colour for number, (_, colour) in _CITYSCAPES.items()},
    has_all=True,
)

PETS = Known(names={1: "pet", 2: "background"}, void=(3,), colours={1: (214, 39, 40), 2: (40, 40, 40)}, has_all=True)

VSPW = Known(void=(0, 255))
"""0 is of no class. Source: Miao et al. 2021, VSPW, and its repository."""

_CAMVID_FILE = re.compile(r"(?:0001TP|0006R0|0016E5|Seq05VD)_f?\d+")
_VOC_FILE = re.compile(r"20(?:07|08|09|10|11|12)_\d{6}")


def known_by_names(masks: Sequence[str]) -> Known | None:
    """What is known of masks whose files are called as those of Pascal VOC or of CamVid; None of others."""
    stems = [Path(mask).stem for mask in masks[:50]]
    if stems and all(map(_VOC_FILE.fullmatch, stems)):
        return Known(names=dict(enumerate(_VOC)), void=(255,), has_all=True)
    if stems and all(map(_CAMVID_FILE.fullmatch, stems)):
        colours = dict(enumerate(_CAMVID_COLOURS))
        return Known(names=dict(enumerate(_CAMVID)), void=(11,), colours=colours, has_all=True)
    return None


def ade20k(root: Path) -> Known:
    """0 is of no class; names from objectInfo150.txt, where it lies beside the folders."""
    path = root / "objectInfo150.txt"
    if not path.is_file():
        return Known(void=(0,))
    rows = [line.split("\t") for line in read_text(path).splitlines()[1:] if line.strip()]
    return Known(names={int(row[0]): row[-1].split(",")[0].strip() for row in rows}, void=(0,), has_all=True)
