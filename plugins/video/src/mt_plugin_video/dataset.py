"""Labelled videos: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import Field

from mt_core.contract import Classification
from mt_core.errors import DatasetError
from mt_core.sdk import (
    FILE_LAYOUTS,
    FileOptions,
    ListedDataset,
    Listing,
    files_below,
    left_out,
    list_files,
    list_folders,
)
from mt_plugin_video.demo import moving_shapes, write_examples
from mt_plugin_video.layouts import find_kinetics, find_lists, find_ucf101
from mt_plugin_video.reading import FRAME_SUFFIXES, SUFFIXES


class VideoDatasetOptions(FileOptions):
    """Which videos are tested."""

    fold: int = Field(
        default=1,
        ge=1,
        description="Which of `folds`; else which of UCF101's three divisions, or of lists called split_1, split_2 …",
    )


class VideoDataset(ListedDataset):
    """Videos and the classes they belong to."""

    Options = VideoDatasetOptions
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "ucf101 lists": "ucfTrainTestlist/ (trainlist01.txt, testlist01.txt, …) inside or beside; fold",
        "kinetics": "CSV of label,youtube_id,time_start,time_end,split, clips anywhere below, <id>_<start>_<end>.mp4",
        "lists": "a .txt list a split of 'path label' or 'folder frames label' (MMAction2), labels.txt beside; fold",
        **FILE_LAYOUTS,
        "folders": "a folder per class, of video files or of folders of frames; everything is 'train'",
    }
    demo_options = {  # noqa: RUF012
        "size": 32, "patch": 16, "frames": 8, "tubelet": 4, "motion": True, "flip": False, "augment": 0
    }  # fmt: skip
    task: Classification

    @classmethod
    def find(cls, root: Path, split: str, *, options: VideoDatasetOptions | None = None) -> Listing | None:
        """The videos under a folder, or in a table or list, in one of `layouts`."""
        options = options or VideoDatasetOptions()
        fold = options.fold
        if root.is_file() and root.suffix.lower() not in (".csv", ".tsv", ".txt"):
            raise DatasetError(f"{root} is a file, and not a list", fix="give the folder of the data, a .csv or a .txt")
        if options.label is not None:
            return list_files(root, split, SUFFIXES, options)
        found = find_kinetics(root, split) or find_ucf101(root, split, fold) or find_lists(root, split, fold)
        if found or root.suffix.lower() == ".txt":
            return found
        videos = list_files(root, split, SUFFIXES, options)
        if videos is not None and videos.layout.endswith("folders"):
            _tell_frame_folders(videos, root)
        return videos or _list_frame_folders(root, split)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Shapes that move, the class being how; `size` is a split's."""
        source = "moving shapes drawn for this run (synthetic)"
        return cls.of(moving_shapes(split, size, seed), None, source=source)

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)


def _tell_frame_folders(videos: Listing, root: Path) -> None:
    """Tell of folders of pictures beside the files of a class."""
    classes = {os.path.dirname(path) for path in videos.samples}
    beside = [Path(entry.path) for folder in sorted(classes) for entry in os.scandir(folder) if entry.is_dir()]
    count = sum(next(files_below(folder, FRAME_SUFFIXES), None) is not None for folder in beside)
    if count:
        left_out(str(root), f"{count:,} folders of pictures beside the files of videos")


def _list_frame_folders(root: Path, split: str) -> Listing | None:
    """A folder of pictures a sample, below each class's folder; None where pictures lie in the classes themselves."""
    pictures = list_folders(root, split, FRAME_SUFFIXES)
    if pictures is None:
        return None
    label_of = {os.path.dirname(path): label for path, label in zip(pictures.samples, pictures.labels, strict=True)}
    if any(os.path.basename(folder) in pictures.classes for folder in label_of):
        return None
    return Listing(list(label_of), list(label_of.values()), pictures.classes, pictures.layout)
