"""What users choose of a data set of files: where labels and groups come from, and which part is tested."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from mt_core.contract import Options


def several_folds(folds: int) -> int:
    """Validator of an option `folds`: 0 for none, else at least 2.

    Raises:
        ValueError: 1.
    """
    if folds == 1:
        raise ValueError("one fold leaves nothing to train on")
    return folds


def known_fold(fold: int | None, info: ValidationInfo) -> int | None:
    """Validator of an option `fold` that stands behind `folds`: one of them, where there are any.

    Raises:
        ValueError: a higher one.
    """
    folds = info.data.get("folds", 0)
    if folds and fold is not None and fold > folds:
        raise ValueError(f"there are only {folds} folds")
    return fold


def known_groups(test_group: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Validator of an option `test_group` that stands behind `group`.

    Raises:
        ValueError: there are no groups.
    """
    if test_group and not info.data.get("group"):
        raise ValueError("there are no groups; give the option group as well")
    return test_group


class GroupOptions(Options):
    """Groups and folds of samples that are no files of their own: rows of a table, windows of a series, pixels."""

    group: str | None = Field(
        default=None,
        description="What samples have in common that must not be trained and tested on (a speaker, patient or site): "
        "a column of the table, which then is no input.",
    )
    test_group: tuple[str, ...] = Field(
        default=(), description='The groups that are "test", for instance one patient; the others are "train".'
    )
    folds: int = Field(
        default=0, ge=0, description="Equal parts of all samples, whole groups each; one is tested. 0: none."
    )
    fold: int = Field(default=1, ge=1, description='Which of the folds is "test", 1 to `folds`.')

    _groups_are_known = field_validator("test_group")(known_groups)
    _folds_are_several = field_validator("folds")(several_folds)
    _fold_is_one_of_them = field_validator("fold")(known_fold)

    @property
    def divides(self) -> bool:
        """Whether these options say what is tested, whatever the layout says."""
        return bool(self.test_group or self.folds)


class LabelOptions(Options):
    """Where labels and groups come from."""

    label: str | None = Field(
        default=None,
        description="Column of the table with the labels; or a pattern for the files' names, a Python regular "
        "expression such as (?P<speaker>..)...(?P<label>.); or folder, folder1, folder2 …: the name of the folder that "
        "a file lies in, or of the first, second … below the data's. none: found.",
    )
    group: str | None = Field(
        default=None,
        description="What samples have in common that must not be trained and tested on (a speaker, patient or site): "
        "a named group of the pattern, a column of the table, a pattern of its own, or folder, folder1 …",
    )
    test_group: tuple[str, ...] = Field(
        default=(), description='The groups that are "test", for instance one speaker; the others are "train".'
    )

    _groups_are_known = field_validator("test_group")(known_groups)

    @property
    def divides(self) -> bool:
        """Whether these options say what is tested, whatever the layout says."""
        return bool(self.test_group)


class FileOptions(LabelOptions):
    """Where labels and groups come from, and folds."""

    folds: int = Field(
        default=0, ge=0, description="Equal parts of all samples, whole groups each; one is tested. 0: none."
    )
    fold: int = Field(default=1, ge=1, description='Which of the folds is "test", 1 to `folds`.')

    _folds_are_several = field_validator("folds")(several_folds)
    _fold_is_one_of_them = field_validator("fold")(known_fold)

    @property
    def divides(self) -> bool:
        return bool(self.test_group or self.folds)
