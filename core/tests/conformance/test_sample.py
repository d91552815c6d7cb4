"""Faults of samples beside those in `test_broken`, and what a sample may be."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch
from PIL import Image

from mt_core.conformance.sample_parts import changed_samples

from .broken_sample import added, labelling, with_attribute
from .conftest import Change, result_of

NAME = "the_name_of_a_file_changes_nothing"
STEPS = "each_step_is_labelled_once"
PARTS = "every_part_of_a_sample_changes_what_is_prepared"
MANIFEST = "recipe = { batch_size"
READINGS = "readings = torch.from_numpy(sample)"
COUNT = '"count": batch["mask"].sum((1, 2))'
LABEL = "sum(Path(source).name.encode()) % 2"
ITEM = '"largest": readings.abs().max()}'
BATCH = '"largest": torch.stack([item["largest"] for item in items])}'


def unused(part: str) -> Change:
    table = f"[[unused]]\npart = {part!r}\nreason = 'it is for people'\n"
    return Change("plugin.toml", "lr = 5e-3, epochs = 4 }\n", f"lr = 5e-3, epochs = 4 }}\n\n{table}")


def used(part: str) -> Change:
    return Change("tokenizer.py", READINGS, f"{READINGS[:-1]}{part})")


FAULTS = {
    "a step that two windows label": (STEPS, labelling(windows="[0, 2]"), "labels steps from -1 before the end"),
    "a step that no window labels": (STEPS, labelling(windows="[0, 4]"), "labels steps from 1 after the end"),
    "a place too few": (STEPS, labelling(places="count - 1"), "labels 3 steps, and `side` has 2 places"),
    "the name of the folder": (NAME, [added("sum(Path(source).parent.name.encode()) % 10")], "is prepared differently"),
    "the whole path": (NAME, [added("sum(str(source).encode()) % 10")], "is prepared differently"),
    "the date of the file": (NAME, [added("Path(source).stat().st_mtime % 10")], "is prepared differently"),
    "a label from the name, in side": (
        NAME,
        [
            *with_attribute(f"float({LABEL}) if isinstance(source, str | Path) else 0.0"),
            Change("tokenizer.py", ITEM, ITEM[:-1] + ', "label": torch.tensor(getattr(sample, "unit", 0.0))}'),
            Change("tokenizer.py", BATCH, BATCH[:-1] + ', "label": torch.stack([item["label"] for item in items])}'),
            Change("tokenizer.py", COUNT, f'{COUNT}, "label": batch["label"]'),
        ],
        "is prepared differently",
    ),
    "half of the rows": (
        PARTS,
        [Change("tokenizer.py", READINGS, READINGS[:-1] + "[: -(-len(sample) // 2)])")],
        "axis 0",
    ),
    "the last channel": (
        PARTS,
        [Change("tokenizer.py", READINGS, READINGS[:-1] + "[:, :2])")],
        "quarter 4 of 4 along axis 1",
    ),
    "what is declared as unused, and is used": (
        PARTS,
        [
            *with_attribute("2.5"),
            unused("unit"),
            Change("tokenizer.py", READINGS, READINGS + ' * getattr(sample, "unit", 1.0)'),
        ],
        "declares as unused what changes what is prepared: unit",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(fault, specimen):
    name, changes, message = FAULTS[fault]
    specimen(*changes)
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


def test_windows_that_label_each_step_once_pass(specimen):
    specimen(*labelling())
    assert result_of(STEPS).message == ""


def test_a_part_that_is_declared_unused_passes(specimen):
    specimen(*with_attribute("2.5"), unused("unit"))
    assert result_of(PARTS).message == ""


@dataclass(frozen=True)
class Volume:
    voxels: np.ndarray
    spacing_mm: tuple[float, ...]
    inside: dict
    name: str
    is_left: bool = False

    @cached_property
    def middle(self) -> float:
        return float(self.voxels[1, 1])


def test_each_number_of_a_sample_is_changed_alone_and_the_sample_itself_is_not():
    volume = Volume(np.arange(8.0).reshape(4, 2), (1.0, 2.5), {"scale": 2, "mask": torch.ones(1)}, "a.nii")
    assert volume.middle == 3
    found: dict[str, list] = {}
    for part, copies in changed_samples(volume):
        found.setdefault(part.path, []).append((part, next(copies)))
    assert {path: len(parts) for path, parts in found.items()} == {
        "voxels": 4 + 2,
        "spacing_mm": 2,
        "inside.scale": 1,
        "inside.mask": 1,
        "is_left": 1,
    }
    for path, parts in found.items():
        for part, changed in parts:
            assert (changed.voxels != volume.voxels).any() == (path == "voxels"), part
            assert (changed.spacing_mm != volume.spacing_mm) == (path == "spacing_mm")
            assert (changed.inside["scale"] != 2) == (path == "inside.scale")
            assert bool(changed.inside["mask"] != 1) == (path == "inside.mask")
            assert changed.middle == changed.voxels[1, 1]
    first_rows = next(copy for part, copy in found["voxels"] if (part.axis, part.index) == (0, 0))
    assert (first_rows.voxels[1:] == volume.voxels[1:]).all()


@pytest.mark.parametrize(
    ("sample", "count"),
    [
        (np.zeros((3, 1), np.uint8), 3),
        (Image.new("L", (2, 3)), 5),
        ("twelve words", 4),
        ({"age": "41", "job": "nurse"}, 2),
        ([np.zeros(4), np.ones(4, bool)], 8),
        ("", 0),
        (np.array(["a"]), 0),
        (None, 0),
    ],
    ids=["array", "picture", "text", "row of a table", "list", "empty text", "array of texts", "nothing"],
)
def test_samples_of_every_kind_have_parts(sample, count):
    parts = [(part, next(copies)) for part, copies in changed_samples(sample)]
    assert len(parts) == count
    for _, changed in parts:
        assert type(changed) is type(sample) or isinstance(sample, Image.Image)
