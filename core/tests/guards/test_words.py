"""A file is called what it holds."""

from pathlib import Path

import pytest

import mt_core

CORE = Path(mt_core.__file__).parents[2]
FOLDERS = [CORE / "src", *sorted((CORE.parent / "plugins").glob("*/src"))]

SAYS_NOTHING = {
    "backbone",
    "base",
    "common",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "misc",
    "preprocess",
    "processor",
    "util",
    "utils",
    "wrapper",
}


def empty_words(path: Path) -> set[str]:
    """The words in the name of a file or folder that do not tell what it holds."""
    return SAYS_NOTHING.intersection(path.stem.strip("_").lower().split("_"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_no_file_has_a_name_that_says_nothing(folder):
    paths = list(folder.rglob("*.py"))
    assert paths
    nothing = [path for path in paths if any(empty_words(part) for part in [path, *path.relative_to(folder).parents])]
    assert nothing == []


@pytest.mark.parametrize("name", ["utils.py", "_helpers.py", "image_utils.py", "encoder_base.py", "common/reading.py"])
def test_such_a_name_is_caught(name):
    path = Path(name)
    assert any(empty_words(part) for part in [path, *path.parents])


def test_a_name_that_holds_such_a_word_within_another_passes():
    assert not empty_words(Path("baseline.py"))
