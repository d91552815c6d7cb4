"""Labelled recordings: where they lie and what is done in them.

Files are listed here and read by the tokenizer, but for benchmarks that keep many recordings in one file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from mt_core.sdk import FILE_LAYOUTS, Listing, StepsDataset, list_files, list_uea
from mt_plugin_imu.demo import write_demo, write_examples
from mt_plugin_imu.layouts import find_hapt, find_uci_har, find_wisdm
from mt_plugin_imu.options import ImuDatasetOptions
from mt_plugin_imu.reading import SUFFIXES
from mt_plugin_imu.steps import find_steps


class ImuDataset(StepsDataset):
    """Recordings and what was done in them."""

    Options = ImuDatasetOptions
    layouts: ClassVar[dict[str, str]] = {
        "uci-har": "train/Inertial Signals/body_acc_x_train.txt and eight more, y_train.txt; activity_labels.txt",
        "hapt": "RawData/acc_exp01_user01.txt, gyro_*, labels.txt; activity_labels.txt; Test/subject_id_test.txt",
        "wisdm": "WISDM_ar_v1.1_raw.txt, windows of 200 steps; split by the option test_users",
        "steps": "tables with a column of the class of each step: -D labels=steps",
        "uea": "Name_TRAIN.ts and Name_TEST.ts, or .arff",
        **FILE_LAYOUTS,
    }
    demo_options: ClassVar[dict[str, Any]] = {"rate_hz": 25, "patch": 8}
    kinds = ("classification", "segmentation")

    @classmethod
    def find(cls, root: Path, split: str, *, options: ImuDatasetOptions | None = None) -> Listing | None:
        """The recordings under a folder, or in a file, in one of `layouts`."""
        options = options or ImuDatasetOptions()
        test_users = options.test_users
        if options.labels == "steps":
            return find_steps(root, split, options)
        if options.label is not None:
            return list_files(root, split, SUFFIXES, options)
        return (
            find_uci_har(root, split)
            or find_hapt(root, split, test_users)
            or find_wisdm(root, split, test_users)
            or list_uea(root, split)
            or list_files(root, split, SUFFIXES, options)
        )

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Five movements of a drawn device, of several rates and lengths, written as .csv and .npz."""
        source = "movements drawn for this run, written as .csv and .npz (synthetic)"
        return cls.of(write_demo(split, size, seed), None, source)

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)
