"""The commands of the core on items of several inputs."""

import json
import os
import re

import pytest

import mt_core
from mt_core import cli
from mt_core.training import load_run
from mt_core.training.by_solving import without_some

NAMES = ("photo", "about", "tabular")


@pytest.fixture
def mt(capsys):
    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def table(make_rows, write_rows, tmp_path_factory):
    return write_rows(make_rows(), tmp_path_factory.mktemp("items"))


@pytest.fixture(scope="module")
def run(table):
    """A run on twelve items: the head alone."""
    out = table.parent / "run"
    given = ["--tune", "probe", "--num-workers", "0", "-S", "val_fraction=0.3", "-q"]
    assert cli.main(["train", "--data", str(table), "--out", str(out), *given]) == 0
    return out


def test_a_run_on_a_table_finds_its_inputs_and_says_which_a_prediction_used(mt, run, table):
    code, out, _ = mt("predict", run, table, "--json", "--num-workers", 0)
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(records) == 12
    assert [record["inputs"] for record in records[:2]] == [["tabular"], ["photo", "about", "tabular"]]
    assert {record["prediction"] for record in records} <= {"bad", "good"}


def test_a_row_whose_file_is_not_there_is_named_and_the_others_are_predicted(mt, run, write_table, rows):
    rows[4]["photo"] = "img/lost.jpg"
    code, out, err = mt("predict", run, write_table(rows, "new.csv"), "--num-workers", 0)
    assert code == 1 and len(out.splitlines()) == 11
    assert "new.csv, line 6: photo: " in err and "img/lost.jpg does not exist" in err


def test_a_table_that_lacks_a_column_is_refused(mt, run, write_table, rows):
    for row in rows:
        row["prize"] = row.pop("price")
    code, _, err = mt("predict", run, write_table(rows, "new.csv"), "--num-workers", 0)
    assert code == 1 and "has no column 'price'; did you mean prize?" in err


def test_a_run_predicts_from_every_subset_of_its_inputs(run, table):
    model = load_run(run)
    photo, about, facts = str(table.parent / "img/1.png"), "a long story", {"price": 12.0, "colour": "red"}
    whole = {"photo": photo, "about": about, "tabular": facts}
    names = list(whole)
    subsets = [[name for at, name in enumerate(names) if bits >> at & 1] for bits in range(1, 8)]
    records = mt_core.predict(model, [{name: whole[name] for name in subset} for subset in subsets])
    assert [record["inputs"] for record in records] == subsets
    alone = [mt_core.predict(model, [{name: whole[name] for name in subset}])[0] for subset in subsets]
    for together, single in zip(records, alone, strict=True):
        assert together["probability"] == pytest.approx(single["probability"], abs=1e-5)


def test_inputs_target_and_fusion_are_options_of_train(mt, table, tmp_path):
    out = tmp_path / "late"
    code, *told = mt(
        "train", "--data", table, "--out", out, "--inputs", "photo=image,facts:price+colour=tabular",
        "--target", "category", "--fusion", "late", "--epochs", 1, "--num-workers", 0, "-S", "val_fraction=0.3", "-q",
    )  # fmt: skip
    record = json.loads((out / "run.json").read_text())
    assert code == 0, told
    assert record["tokenizer"]["options"]["fusion"] == "late"
    assert record["head"]["options"]["views"] == "attention"
    assert list(record["tokenizer"]["options"]["inputs"]) == ["photo", "facts"]


def test_the_vectors_of_items_are_files_like_any_others(mt, run, table, tmp_path):
    import pyarrow.parquet as pq

    code, *_ = mt("embed", run, table, "-o", tmp_path / "v.parquet", "--num-workers", 0, "-q")
    assert code == 0
    assert pq.read_table(tmp_path / "v.parquet").column("row").to_pylist() == list(range(12))


def test_a_run_that_was_interrupted_goes_on(mt, table, tmp_path):
    out = tmp_path / "run"
    given = ["train", "--data", table, "--out", out, "--num-workers", 0, "-S", "val_fraction=0.3", "-q"]
    mt(*given, "--epochs", 2, "--max-minutes", 0.0001)
    assert json.loads((out / "run.json").read_text())["status"] == "stopped"
    code, *told = mt(*given, "--epochs", 2, "--resume")
    assert code == 0, told
    assert json.loads((out / "run.json").read_text())["status"] == "complete"


def test_each_input_is_measured_alone_and_left_out(mt, run, write_table, rows):
    for row in rows:
        row["price"] += "0"  # items that the run has not seen
    new = write_table(rows, "new.csv")
    code, out, err = mt("evaluate", run, "--data", new, "--each", "--json", "--num-workers", 0, "-q")
    assert code == 0, err
    found = {row["title"]: row for row in json.loads(out)["by_input"]["rows"]}
    alone, without = [f"{name} alone" for name in NAMES], [f"without {name}" for name in NAMES]
    assert list(found) == ["all inputs", *alone, *without]
    assert found["all inputs"]["metrics"]["accuracy"] == json.loads(out)["metrics"]["accuracy"]
    assert [found[name]["samples"] for name in ("photo alone", "about alone", "without tabular")] == [8, 9, 11]
    assert "What each input contributes" in (run / "report.html").read_text()


def test_a_contribution_is_what_the_prediction_loses_without_the_input(run, table):
    model = load_run(run)
    facts = {"price": 12.0, "colour": "red"}
    whole = mt_core.predict(model, [{"about": "a long story", "tabular": facts}], each=True)[0]
    without = mt_core.predict(model, [{"tabular": facts}], each=True)[0]
    lost = whole["probability"] - without["probabilities"][whole["prediction"]]
    assert whole["contributions"]["about"] == pytest.approx(lost, abs=1e-5)
    assert without["contributions"] == {"tabular": None}


def test_contributions_are_shown_beside_predictions(mt, run, table):
    _, out, _ = mt("predict", run, table, "--each", "--num-workers", 0)
    assert re.search(r"items.csv:0  \w+  0\.\d+  \(tabular\)\n", out)
    assert re.search(r"items.csv:1  \w+  0\.\d+  \(photo [+-]\S+, about [+-]\S+, tabular [+-]\S+\)\n", out)


def test_each_is_refused_for_samples_of_one_thing(mt, tmp_path):
    out = tmp_path / "run"
    folder = tmp_path / "rows.csv"
    folder.write_text("a,target\n" + "".join(f"{at % 3},{'xy'[at % 2]}\n" for at in range(20)))
    assert mt("train", "tabular", "--data", folder, "--out", out, "--tune", "probe", "--num-workers", 0, "-q")[0] == 0
    folder.write_text("a,target\n" + "".join(f"{at},{'xy'[at % 2]}\n" for at in range(7, 27)))
    for command in (["evaluate", out, "--data", folder, "--each"], ["predict", out, folder, "--each"]):
        code, _, err = mt(*command)
        assert code == 2 and "no several inputs" in err


def test_a_probe_sees_a_quarter_of_the_items_again_with_inputs_left_out(table):
    tokenizer = mt_core.load({"photo": "image", "about": "text"}).tokenizer
    change = without_some(tokenizer, seed=0)
    whole = tokenizer.prepare(tokenizer.read({"photo": str(table.parent / "img/1.png"), "about": "words"}))
    changed = [tokenizer.inputs_in(again) for _ in range(400) if (again := change(whole)) is not None]
    assert set(changed) == {("photo",), ("about",)} and 70 < len(changed) < 130
    assert change(tokenizer.prepare(tokenizer.read({"about": "words"}))) is None


def test_items_are_embedded_again_where_a_photo_has_changed_and_the_table_has_not(mt, run, table, tmp_path):
    embed = ("embed", run, table, "-o", tmp_path / "v.parquet", "--num-workers", 0)
    assert mt(*embed)[0] == 0
    assert "changed" not in mt(*embed)[2]
    os.utime(table.parent / "img" / "1.png", (2e9, 2e9))
    code, _, told = mt(*embed)
    assert code == 0 and "1 file(s) had changed since" in told
