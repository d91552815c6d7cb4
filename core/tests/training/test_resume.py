"""A run that was interrupted ends where the undisturbed one does, whoever reads and however far ahead."""

import csv
import io

import pytest

import mt_core as mt
from mt_core.plugins import get
from mt_core.training.module import TrainingModule

pytestmark = pytest.mark.usefixtures("toy")
SETTINGS = {"epochs": 3, "batch_size": 8, "lr": 1e-2, "num_workers": 0}
STEPS_AN_EPOCH = 5


def fit(encoder, out, **settings):
    dataset = get("toy").dataset
    train, val = dataset.demo(size=8 * STEPS_AN_EPOCH), dataset.demo("val", size=16)
    return mt.fit(mt.load("toy", encoder=encoder), train, val, out=out, **{**SETTINGS, **settings})


def stop_at(monkeypatch, step):
    """Ctrl-C at a step of a run."""
    training_step = TrainingModule.training_step

    def stopping(self, batch, index):
        if self.global_step == step:
            raise KeyboardInterrupt
        return training_step(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", stopping)


def what_is_kept(folder):
    """The weights' bytes, and the rows of metrics.csv without the seconds."""
    rows = list(csv.DictReader(io.StringIO((folder / "metrics.csv").read_text())))
    return (folder / "weights.safetensors").read_bytes(), [{**row, "seconds": None} for row in rows]


@pytest.mark.parametrize(
    ("stopped_in_epoch", "settings"),
    [
        (0, {}),
        (1, {"num_workers": 1}),
        (1, {"num_workers": 2}),
        (2, {"num_workers": 1}),
        (1, {"tune": "probe", "head": {"hidden": 8}}),
    ],
)
def test_an_interrupted_run_gives_the_bytes_of_an_undisturbed_one(
    small_encoder, tmp_path, monkeypatch, stopped_in_epoch, settings
):
    fit(small_encoder, tmp_path / "whole", **settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt, match="--resume"):
        stop_at(patch, stopped_in_epoch * STEPS_AN_EPOCH + 2)
        fit(small_encoder, tmp_path / "run", **settings)
    fit(small_encoder, tmp_path / "run", resume=True, **settings)
    assert what_is_kept(tmp_path / "run") == what_is_kept(tmp_path / "whole")


def test_the_number_of_workers_is_not_in_the_result(small_encoder, tmp_path):
    for num_workers in (0, 1, 2):
        fit(small_encoder, tmp_path / str(num_workers), num_workers=num_workers)
    kept = [what_is_kept(tmp_path / name) for name in "012"]
    assert kept[0] == kept[1] == kept[2]


def test_the_columns_of_the_metrics_are_the_same_from_the_first_epoch_on(small_encoder, tmp_path):
    fit(small_encoder, tmp_path / "one", epochs=1)
    fit(small_encoder, tmp_path / "two", epochs=2)
    one, two = ((tmp_path / name / "metrics.csv").read_text().splitlines()[0] for name in ("one", "two"))
    metrics = "accuracy auroc average_precision balanced_accuracy f1 macro_f1 loss".split()
    assert one == two == f"epoch,train_loss,{','.join(f'val_{name}' for name in metrics)},seconds"


def test_a_run_that_is_killed_before_its_record_says_complete_has_everything_when_it_is_resumed(
    small_encoder, tmp_path, monkeypatch
):
    fit(small_encoder, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def killed(folder, record):
            raise KeyboardInterrupt

        patch.setattr("mt_core.training.finishing.write_record", killed)
        fit(small_encoder, tmp_path / "run")
    assert (tmp_path / "run" / "report.html").is_file() and (tmp_path / "run" / "checkpoints").is_dir()
    fit(small_encoder, tmp_path / "run", resume=True)
    assert what_is_kept(tmp_path / "run") == what_is_kept(tmp_path / "whole")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        path.name for path in (tmp_path / "whole").iterdir()
    }


def test_a_run_that_is_killed_after_its_record_says_complete_leaves_no_checkpoint_when_it_is_resumed(
    small_encoder, tmp_path
):
    fit(small_encoder, tmp_path / "run")
    (tmp_path / "run" / "checkpoints").mkdir()
    (tmp_path / "run" / "checkpoints" / "last.ckpt").write_bytes(b"of the last epoch")
    assert fit(small_encoder, tmp_path / "run", resume=True).was_complete
    assert not (tmp_path / "run" / "checkpoints").exists()
