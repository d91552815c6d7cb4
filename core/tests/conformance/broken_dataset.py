"""A broken plugin for each check of the family `dataset`."""

from .broken_reading import where
from .conftest import Change

LISTING = 'listing = Listing(samples, labels, CLASSES, "drawn")'
MADE = 'return cls.of(listing, None, source="bags drawn for this run (synthetic)")'
UNKNOWN_SPLIT = "if split not in SPLITS:"
FOUND = 'return list_folders(root, split, (".npy", ".csv"))'
LAYOUTS = 'layouts = {"folder per class": "large/*.npy, small/*.npy, or the same below train/, val/ and test/"}'


def change(old: str, new: str) -> Change:
    return Change("dataset.py", old, new)


BROKEN: dict[str, list[Change]] = {
    "lengths_and_targets_agree": [
        change(
            "    @classmethod\n    def find",
            "    def targets(self):\n        return self._targets[::-1]\n\n    @classmethod\n    def find",
        )
    ],
    "targets_fit_the_task": [
        change(LISTING, 'listing = Listing(samples, labels, CLASSES[:: -1 if split == "val" else 1], "drawn")')
    ],
    "splits_are_disjoint": [change("default_rng([seed, SPLITS.index(part), number])", "default_rng([seed, number])")],
    "a_sample_does_not_hold_its_target": [
        change(LISTING, 'listing = Listing(list(zip(samples, labels, strict=True)), labels, CLASSES, "drawn")'),
        where("isinstance(source, tuple)", "source = source[0]"),
    ],
    "demo_depends_on_the_seed_alone": [
        change("default_rng([seed, SPLITS.index(part), number])", "default_rng([0, SPLITS.index(part), number])")
    ],
    "demo_is_offline": [
        change(
            LISTING,
            "import socket\n        try:\n            socket.create_connection(('127.0.0.1', 9), timeout=0.1)\n"
            f"        except OSError:\n            pass\n        {LISTING}",
        )
    ],
    "demo_names_its_source": [change(" (synthetic)", "")],
    "demo_has_every_split": [
        change(UNKNOWN_SPLIT, f"split = split if split in SPLITS else 'all'\n        {UNKNOWN_SPLIT}")
    ],
    "an_unknown_folder_is_refused": [
        change(FOUND, FOUND.replace("return", "found =") + "\n        assert found is not None\n        return found")
    ],
    "layouts_are_documented": [change(LAYOUTS, "layouts = {}")],
    "a_dataset_survives_pickling": [
        change(MADE, MADE.replace("return", "made =") + "\n        made.order = lambda row: row\n        return made")
    ],
}
