"""Target columns as other people write them: what is predicted, and what is said of it."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mt_core.contract import Classification, Regression
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_plugin_tabular.dataset import TabularDataset

foreign = pytest.mark.foreign_file
pytestmark = pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")


def opened(
    folder: Path, targets: list[str], separator: str = ";", split: str = "train", **options: str
) -> TabularDataset:
    lines = [f"{row}.5{separator}{cell}" for row, cell in enumerate(targets)]
    path = folder / "table.csv"
    path.write_text("\n".join(["a;y", *lines]))
    return TabularDataset.open(path, options=TabularDataset.Options.parse(options))


@foreign("decimal commas, points between thousands, and a -", "Excel in German", "read, told: exact values")
def test_a_target_with_decimal_commas_is_a_number(tmp_path: Path) -> None:
    cells = [f"{number * 1000:,.2f}".translate(str.maketrans(",.", ".,")) for number in range(1, 300)]
    with pytest.warns(DataWarning, match="decimal commas in the column y"):
        dataset = opened(tmp_path, [*cells, "-"])
    expected = pd.read_csv(io.StringIO("\n".join(cells)), sep=";", decimal=",", thousands=".", header=None)[0]
    assert dataset.task == Regression(names=("y",))
    np.testing.assert_array_equal(dataset.targets()[:-1], expected)
    assert math.isnan(dataset.targets()[-1])


@foreign("dollar amounts as the target", "US spreadsheets", "read, told: exact values")
def test_a_target_of_amounts_is_a_number(tmp_path: Path) -> None:
    dataset = opened(tmp_path, [f"${number + 1:,}" for number in range(1000, 1300)])
    assert list(dataset.targets()) == list(range(1001, 1301))


@foreign("a few targets that are no numbers", "people", "read, told: a regression, these rows without a target")
def test_a_target_that_is_almost_numbers_stays_a_regression(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match=r"2 cells that are no numbers \('ask', '<5'\) in the target y"):
        dataset = opened(tmp_path, [*(f"{number}.5" for number in range(298)), "ask", "<5"])
    assert dataset.task == Regression(names=("y",))
    assert np.isnan(dataset.targets()).sum() == 2


@foreign("a third of the targets are no numbers", "people", "refused: says what they are; option kind")
def test_a_target_that_is_half_numbers_is_refused(tmp_path: Path) -> None:
    cells = [*(f"{number}.5" for number in range(200)), *["unknown"] * 100]
    with pytest.raises(DatasetError, match=r"neither .* nor classes: 100 of 300 cells are no numbers \('unknown'\)"):
        opened(tmp_path, cells)
    assert np.isnan(opened(tmp_path, cells, kind="regression").targets()).sum() == 100
    assert len(opened(tmp_path, cells, kind="classification").task.classes) == 201


@foreign("a target with a text of its own in each row", "notes as the last column", "refused: names the option")
def test_a_target_of_free_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has 30 different texts in 30 rows: no classes[\s\S]*option target"):
        opened(tmp_path, [f"note {number}" for number in range(30)])


@foreign("codes of classes with letters among them (1, 2, S)", "registers", "read: classes")
def test_codes_with_letters_are_classes(tmp_path: Path) -> None:
    assert opened(tmp_path, ["1", "2", "S", "1", "2", "1"]).task == Classification(classes=("1", "2", "S"))


@foreign("0.0/1.0 in the training table, 0/1 in the test table", "pandas, after a gap", "read: the same two classes")
def test_labels_are_equal_as_numbers(tmp_path: Path) -> None:
    train = opened(tmp_path, ["0.0", "1.0", "", "1.0"])
    assert train.task == Classification(classes=("0", "1"))
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "y": [1, 0, 1]})
    frame.to_csv(tmp_path / "other.csv", index=False)
    frame.to_parquet(tmp_path / "other.parquet")
    for name in ("other.csv", "other.parquet"):
        assert list(TabularDataset.open(tmp_path / name, task=train.task).targets()) == [1, 0, 1]


@foreign("True in one table, true in the next", "Python and JSON", "read: the same class")
def test_booleans_are_equal(tmp_path: Path) -> None:
    train = opened(tmp_path, ["True", "False", "True"])
    assert list(opened(tmp_path, ["true", "FALSE"], kind="classification").targets()) == [1, 0]
    assert train.task == Classification(classes=("False", "True"))


@foreign("True in one table, 1 in the next", "SQL and pandas", "refused: a class that the run does not have")
def test_a_one_is_no_true(tmp_path: Path) -> None:
    train = opened(tmp_path, ["True", "False", "True"])
    path = tmp_path / "other.csv"
    path.write_text("a;y\n1;1\n2;0\n")
    with pytest.raises(OptionError, match="classes that the task does not"):
        TabularDataset.open(path, task=train.task)


@foreign("Yes and yes as targets", "people", "read, told: two classes")
def test_classes_that_differ_in_capitals_are_told(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="Yes and yes as two classes of the target y"):
        opened(tmp_path, ["Yes", "yes", "no"])


@foreign("rows without a target", "any", "read, told: how many")
def test_rows_without_a_target_are_told(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="2 of 5 rows have no target"):
        assert list(opened(tmp_path, ["u", "", "v", "NA", "u"]).targets()) == [0, None, 1, None, 0]


@foreign("a test table without the target", "Kaggle", "read, told: the training part; there is no test part")
def test_a_test_table_without_a_target_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,a,price\n1,2,3.5\n2,3,4.5\n3,4,1.5\n")
    (tmp_path / "test.csv").write_text("id,a\n4,2\n5,3\n")
    (tmp_path / "sample_submission.csv").write_text("id,price\n4,0\n5,0\n")
    with pytest.warns(DataWarning, match=r"test\.csv: left out: the table lacks the target 'price'"):
        assert list(TabularDataset.open(tmp_path).targets()) == [3.5, 4.5, 1.5]
    with pytest.raises(MissingSplitError, match="no 'test' split; it has train"):
        TabularDataset.open(tmp_path, "test")
