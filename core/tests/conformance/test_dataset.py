"""Faults that the checks of the dataset catch, beside the one of each in `test_broken`, and what they let pass."""

import pytest

from .broken_dataset import FOUND, LISTING, MADE, UNKNOWN_SPLIT, change
from .broken_reading import where
from .conftest import result_of

DRAW = "draw = np.random.default_rng([seed, SPLITS.index(part), number])"
TURNED = f"cls.n = not getattr(cls, 'n', 0)\n        labels = labels[cls.n:] + labels[:cls.n]\n        {LISTING}"
BEFORE_FIND = "    @classmethod\n    def find"

WITH_INDEX = """    def __getitem__(self, index):
        sample, target = super().__getitem__(index)
        return Example({**sample, "place": target}, target)
"""


def method(*lines: str):
    """The dataset has one more."""
    return change(BEFORE_FIND, "".join(f"    {line}\n" for line in lines) + f"\n{BEFORE_FIND}")


def made(what: str):
    """Something is done to the demo when it is made."""
    return change(MADE, f"{MADE.replace('return ', 'made = ')}\n        made.{what}\n        return made")


FAULTS = {
    "too many samples": ("lengths_and_targets_agree", [change("range(size)", "range(size + 1)")], "gives 49 samples"),
    "too few targets": (
        "lengths_and_targets_agree",
        [method("def targets(self):", "    return self._targets[1:]")],
        "has 48 samples, and targets() gives 47",
    ),
    "nothing known": (
        "targets_fit_the_task",
        [change("labels.append(CLASSES[number % 2])", "labels.append(None)"), change("labels[-1]", "CLASSES[0]")],
        "no target is known",
    ),
    "a class that there is not": (
        "targets_fit_the_task",
        [made("_targets[0] = 2")],
        "class index 2 is outside 0..1",
    ),
    "the index of the class in the sample": (
        "a_sample_does_not_hold_its_target",
        [
            change(LISTING, 'listing = Listing([{"bag": path} for path in samples], labels, CLASSES, "drawn")'),
            change("from mt_core.contract import SPLITS", "from mt_core.contract import SPLITS, Example"),
            change(BEFORE_FIND, f"{WITH_INDEX}\n{BEFORE_FIND}"),
            where("isinstance(source, dict)", "source = source['bag']"),
        ],
        "place is the target of every sample",
    ),
    "one sample of train in test": (
        "splits_are_disjoint",
        [change(DRAW, f"{DRAW.replace('part)', 'part) * (number != 7)')}")],
        "sample 7 of val is sample 7 of train",
    ),
    "a different demo each time": (
        "demo_depends_on_the_seed_alone",
        [change(DRAW, "draw = np.random.default_rng()")],
        "gives different samples when it is called again",
    ),
    "different targets each time": (
        "demo_depends_on_the_seed_alone",
        [change(LISTING, TURNED)],
        "gives different samples when it is called again",
    ),
    "no source": ("demo_names_its_source", [change("bags drawn for this run (synthetic)", "")], "is ''"),
    "an unknown split as a KeyError": (
        "demo_has_every_split",
        [change(UNKNOWN_SPLIT, f"if split not in SPLITS:\n            raise KeyError(split)\n        {UNKNOWN_SPLIT}")],
        "raised KeyError",
    ),
    "no split called val": (
        "demo_has_every_split",
        [change(UNKNOWN_SPLIT, "if split not in ('train', 'test', 'all'):")],
        "there is no split called 'val'",
    ),
    "an empty folder taken": (
        "an_unknown_folder_is_refused",
        [change(FOUND, f"{FOUND} or Listing([root], ['small'], CLASSES, 'nothing')")],
        "which is empty or missing",
    ),
    "an empty folder refused without the layouts": (
        "an_unknown_folder_is_refused",
        [
            change(FOUND, f"{FOUND.replace('return', 'found =')}\n        if found is None:\n"
            "            raise DatasetError(f'no bags in {root}', fix='look elsewhere')\n        return found"),
            change("import OptionError", "import DatasetError, OptionError"),
        ],
        "does not name folder per class",
    ),
    "an open file": (
        "a_dataset_survives_pickling",
        [made("file = open(samples[0])")],
        "cannot be pickled",
    ),
    "other samples after pickling": (
        "a_dataset_survives_pickling",
        [method("def __setstate__(self, state):", "    self.__dict__ = {**state, 'samples': state['samples'][::-1]}")],
        "the pickled copy has other samples",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_fault_is_reported(fault, specimen):
    name, changes, message = FAULTS[fault]
    specimen(*changes)
    result = result_of(name)
    assert (result.outcome, message in result.message) == ("failed", True), result.message


@pytest.mark.parametrize(("draw", "outcome"), [(DRAW, "passed"), (DRAW.replace("SPLITS.index(part), ", ""), "failed")])
def test_samples_in_memory_are_held_against_each_other_too(draw, outcome, specimen):
    specimen(change("samples.append(path)", "samples.append(bag)"), change(DRAW, draw))
    assert result_of("splits_are_disjoint").outcome == outcome
