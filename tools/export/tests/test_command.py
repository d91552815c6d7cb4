"""mt export on the command line."""

import json
import shutil

import pytest
from click.testing import CliRunner

from mt_core.errors import DatasetError, InputError, OptionError, RunError
from mt_export import export as export_run
from mt_export.command import command


@pytest.fixture
def export():
    """Runs `mt export …`: exit code and output; an error of ours is raised."""

    def call(*arguments):
        ran = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
        if ran.exception is not None:
            raise ran.exception
        return ran.return_value, ran.stdout

    return call


def test_a_run_becomes_a_file_in_its_folder(export, picture_run, encoder_file):
    run, data = picture_run
    how = ("--encoder", encoder_file, "--data", data, "--num-workers", "0", "--samples", "1")
    code, out = export(run, "--to", "torch", *how)
    assert code == 0
    assert out.splitlines()[0].startswith("1 sample: largest difference ")
    assert out.splitlines()[0].endswith("same decision for 1")
    assert (
        out.splitlines()[1].startswith(f"model: {run}/model.pt2 (") and out.splitlines()[2] == f"card: {run}/model.json"
    )
    card = json.loads((run / "model.json").read_text())
    assert card["parity"]["samples"] == 1 and str(data) in card["parity"]["samples_of"]


@pytest.mark.slow
def test_int8_reports_metrics_before_and_after(export, picture_run, tmp_path):
    run, _ = picture_run
    (tmp_path / "p.onnx").write_text("old")
    code, out = export(run, "--to", "onnx", "-o", tmp_path / "p.onnx", "--int8", "--overwrite", "--num-workers", "0")
    assert code == 0 and "\nint8: " in out and "\n  accuracy " in out and " -> " in out


def test_what_is_no_run_or_not_there_is_refused_before_torch_is_needed(export, picture_run, tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        export(tmp_path, "--to", "onnx")
    with pytest.raises((InputError, DatasetError), match="nowhere"):
        export(picture_run[0], "--to", "onnx", "--data", tmp_path / "nowhere")


def test_validation_data_that_have_moved_are_asked_for(picture_run, tmp_path):
    run, _ = picture_run
    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    record = json.loads((moved / "run.json").read_text())
    record["data"]["root"] = str(tmp_path / "gone")
    (moved / "run.json").write_text(json.dumps(record))
    with pytest.raises(OptionError, match=r"validation samples of the run: .*gone, which is not there") as caught:
        export_run(moved, "torch", tmp_path / "m.pt2")
    assert "--data" in caught.value.fix
