"""The true classes that mt zeroshot is measured by."""

import pandas as pd
import pytest
from click.testing import CliRunner

from mt_core.errors import DatasetError, OptionError
from mt_fusion.aligning import zeroshot_command
from mt_fusion.aligning.truth import truth_of


@pytest.fixture
def photos(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(b"-")
    return tmp_path / "photos"


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "labels.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_a_folder_is_the_class_of_its_files(photos):
    assert truth_of("folder")(str(photos / "a.png")) == "photos"


def test_a_table_says_the_classes_of_files_relative_to_its_folder(photos, write, monkeypatch):
    monkeypatch.chdir("/")
    true_class = truth_of(write("note,photo,label\nx,photos/a.png,cat\ny,photos/b.png,dog\n"))
    assert (true_class(str(photos / "a.png")), true_class(str(photos / "b.png"))) == ("cat", "dog")
    assert true_class(str(photos / "c.png")) is None


def test_a_table_says_the_classes_of_files_relative_to_the_current_folder(photos, tmp_path, write, monkeypatch):
    monkeypatch.chdir(photos)
    (tmp_path / "elsewhere").mkdir()
    assert truth_of(write("file,class\na.png,cat\n", "elsewhere/t.csv"))("a.png") == "cat"


def test_parquet_with_other_names_of_columns(photos, tmp_path):
    table = pd.DataFrame({"where": ["photos/a.png", "gone.png"], "animal": ["cat", "dog"], "label": ["x", "y"]})
    table.to_parquet(tmp_path / "t.parquet")
    assert truth_of(str(tmp_path / "t.parquet"), key="where", target="animal")(str(photos / "a.png")) == "cat"


@pytest.mark.parametrize(
    ("table", "how", "said"),
    [
        ("photo,kind\nphotos/a.png,cat\n", {}, "has no column called label or class"),
        ("photo,label\nphotos/c.png,cat\n", {}, "no column names files that are there"),
        ("photo,label\nphotos/a.png,cat\n", {"key": "phto"}, "has no column 'phto'; did you mean photo"),
        ("photo,label\nphotos/a.png,cat\n", {"target": "kind"}, "has no column 'kind'"),
    ],
)
def test_a_table_without_its_columns_is_refused(photos, write, table, how, said):
    with pytest.raises(OptionError, match=said):
        truth_of(write(table), **how)


def test_two_classes_of_one_file_are_refused(photos, write):
    with pytest.raises(DatasetError, match=r"line 3: photos/a\.png is 'dog' here and 'cat' before"):
        truth_of(write("photo,label\nphotos/a.png,cat\nphotos/a.png,dog\n"))


@pytest.mark.parametrize("more", [["--key", "photo"], ["--truth", "folder", "--target", "kind"]])
def test_columns_without_a_table_are_refused(photos, more):
    arguments = ["runs/a", "photo", str(photos / "a.png"), "--labels", "cat,dog", *more]
    ran = CliRunner().invoke(zeroshot_command.command, arguments, standalone_mode=False)
    assert isinstance(ran.exception, OptionError) and "--key and --target" in ran.exception.problem
