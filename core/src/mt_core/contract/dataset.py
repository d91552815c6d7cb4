"""What a plugin's datasets look like: `Example`s with a `Task`, opened from a folder or made for a demonstration."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from torch.utils.data import Dataset

from mt_core.contract.options import Options as AnyOptions
from mt_core.contract.task import AnyTask

SPLITS = ("train", "val", "test", "all")
"""The splits that `ModalityDataset.open` can be asked for; "all" is everything there is, in one."""


class Example(NamedTuple):
    """One labelled sample.

    Attributes:
        sample: Anything that the tokenizer's `read` takes: a path (read when it is needed), or an object in memory.
        target: What the dataset's task says: a class index, a number, a list of them; None where it is not known.
    """

    sample: Any
    target: Any = None


class ModalityDataset(Dataset[Example]):
    """Labelled samples of one modality. Cheap to make: files are listed, not read.

    A subclass sets `task`, `source` and `layouts`, and implements `__len__`, `__getitem__`, `targets`, `open` and
    `demo`. Instances are pickled to data workers, so they hold paths and numbers, never open files.

    Attributes:
        Options: What a user may choose of it, for `open`.
        task: What is to be predicted.
        source: One line on where the samples come from, shown beside every result: "scikit-learn digits (real)",
            "shapes drawn for this run (synthetic)", a folder.
        layouts: The folder layouts that `open` recognises, name and one line each, for `mt info`.
        demo_options: Options of the tokenizer that suit the samples of `demo`.
    """

    Options: ClassVar[type[AnyOptions]] = AnyOptions
    layouts: ClassVar[dict[str, str]] = {}
    demo_options: ClassVar[dict[str, Any]] = {}
    task: AnyTask
    source: str

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Example:
        """The example at an index.

        Raises:
            InputError: a sample that cannot be read, with its file's name.
        """

    @abstractmethod
    def targets(self) -> Sequence[Any]:
        """All targets in order, without reading a sample: for class weights, baselines and split."""

    def groups(self) -> Sequence[str | None] | None:
        """For each example the name of what it comes from (a speaker, a patient, a site), None for one of its own.

        Examples of one group are never on both sides of a part that is held out. By default there are no groups: None.
        """
        return None

    def summary(self) -> Sequence[str]:
        """What a user should know before a training, a line each: "target: Price (2 of 300 rows have none)",
        "columns left out: Name (as many values as rows)". By default nothing; classes and splits are counted anyway.
        """
        return ()

    def tokenizer_options(self) -> dict[str, Any]:
        """The tokenizer's options that these data decide, names to values. By default none.

        What the user gave for the dataset is among them where it settles them.
        """
        return {}

    @classmethod
    @abstractmethod
    def open(
        cls,
        root: Path,
        split: str = "train",
        *,
        task: AnyTask | None = None,
        options: AnyOptions | None = None,
    ) -> Self:
        """The samples under a folder (or in a file), in a layout of the modality's public benchmarks.

        Args:
            root: The folder or file.
            split: One of `SPLITS`. A layout without splits of its own has "train" and "all", and both are everything.
            task: The task of an earlier run: its classes or labels and their order are used, whatever the folder
                holds, so that a test folder which lacks a class keeps the indices. None: found from the data.
            options: An instance of `cls.Options`; None: the defaults.

        Raises:
            DatasetError: no known layout; the message says what was looked for.
            MissingSplitError: a known layout that has no such split.
            OptionError: a class in the data that `task` does not have.
        """

    @classmethod
    @abstractmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """A small dataset that needs no download, the same for the same arguments on any machine.

        Real data where an installed package ships some, otherwise generated, and then written as real files of the
        modality so that the reader is shown at work. `source` says which. Splits never share a sample.
        """

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        """Write a small valid file of each suffix that the manifest declares, for the conformance suite.

        By default none: the suite then takes those that `demo` writes. A modality of several formats overrides this.
        Where a package that is not installed is needed to write one, a file whose reading says so takes its place;
        none is needed where reading anything under this suffix says so.

        Args:
            folder: An empty folder.

        Returns:
            What was written there, at least one sample a file.
        """
        return []
