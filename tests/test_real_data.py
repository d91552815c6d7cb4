"""The commands on real files, end to end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import mt_core as mt

LIDAR = ("once/000076", "kitti", "las")


def mt_command(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mt_core.cli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, **options)


def killed_half_way(arguments: list[str], out: Path) -> None:
    """Run `mt` with a part a batch, and kill it without warning when some parts are there."""
    slowly = (
        "import sys, time, mt_core.embedding.part_writer as f; add = f._Pending.add; f.SECONDS_A_PART = 0\n"
        "f._Pending.add = lambda self, *a: (time.sleep(0.3), add(self, *a))[1]\n"
        "from mt_core.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", slowly, *arguments, "-o", str(out)], env=environment)
    parts = out.with_name(out.name + ".parts")
    while process.poll() is None and len(list(parts.glob("part-*.parquet"))) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["pointcloud", "image"])
def test_a_killed_embedding_of_real_files_goes_on_to_the_undisturbed_one(data, tmp_path, modality):
    if modality == "pointcloud":
        files = sorted(str(p) for p in (data / "point_cloud/lidar_scans").rglob("*") if p.is_file())
        batch = "1"
    else:
        files = sorted(str(p) for p in (data / "image/imagenet-sample-images").iterdir())
        batch = "8"
    assert len(files) == (4 if modality == "pointcloud" else 40)
    arguments = ["embed", modality, *files, "--batch-size", batch]
    killed_half_way(arguments, tmp_path / "v.parquet")
    resumed = mt_command(*arguments, "-o", str(tmp_path / "v.parquet"))
    undisturbed = mt_command(*arguments, "-o", str(tmp_path / "whole.parquet"))
    assert resumed.returncode == undisturbed.returncode == 0, resumed.stderr
    assert "went on after" in resumed.stderr
    assert pq.read_table(tmp_path / "v.parquet").equals(pq.read_table(tmp_path / "whole.parquet"))
    assert pq.read_table(tmp_path / "v.parquet")["source"].to_pylist() == files


def test_adults_files_as_they_are_become_rows(data, encoder, tmp_path):
    from mt_core.plugins import get

    dataset = get("tabular").dataset
    train, test = (dataset.open(data / "tabular/adult", split) for split in ("train", "test"))
    assert (len(train), len(test)) == (32_561, 16_281)
    assert train.task == test.task
    share = np.mean(np.array(train.targets()) == train.task.classes.index("<=50K"))
    assert share == pytest.approx(24_720 / 32_561)


@pytest.mark.slow
def test_lidarnet_is_trained_evaluated_and_predicted_from_the_command_line(data, tmp_path):
    root = data / "point_cloud/LiDARNet"
    run = str(tmp_path / "run")
    trained = mt_command("train", "pointcloud", "--data", str(root), "--out", run, "--epochs", "2", "-q")
    assert trained.returncode == 0, trained.stderr
    evaluated = mt_command("evaluate", run, "--data", str(root), "--json", "-q")
    assert json.loads(evaluated.stdout)["metrics"]["samples"] == 135
    predicted = mt_command("predict", run, str(next((root / "Car").iterdir())), "--json")
    assert set(json.loads(predicted.stdout)["probabilities"]) == {"Bush", "Car", "Pedestrian", "Trunk"}


def test_a_folder_of_photographs_gives_distinct_vectors(data, encoder):
    photographs = sorted((data / "image/imagenet-sample-images").iterdir())[:6]
    vectors = mt.embed(mt.load("image", encoder=encoder, size=64), photographs)
    assert len(np.unique(vectors.round(4), axis=0)) == 6


@pytest.mark.slow
def test_a_forecast_of_a_real_series_is_a_table_and_a_plot(data, tmp_path):
    series, run = str(data / "time_series/ETT-small/ETTh1.csv"), str(tmp_path / "run")
    short = ["-D", "window_stride=400", "-D", "horizon=24", "-O", "lookback=48"]
    trained = mt_command("train", "timeseries", "--data", series, *short, "--out", run, "--epochs", "1", "-q")
    assert trained.returncode == 0, trained.stderr
    shown = mt_command("predict", run, series, "--out", str(tmp_path / "shown"))
    assert shown.returncode == 0, shown.stderr
    lines = (tmp_path / "shown/ETTh1_forecast.csv").read_text().splitlines()
    assert lines[0] == "date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT" and len(lines) == 25
    assert lines[1].startswith("2018-06-26 20:00:00,")  # the hour after the file's last
    assert (tmp_path / "shown/ETTh1_forecast.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_real_scene_becomes_a_map_of_its_materials(data, tmp_path):
    scene, run = str(data / "hyperspectral/Samson/samson_dataset.mat"), str(tmp_path / "run")
    settings = ["-D", "train_fraction=0.05", "--epochs", "3", "--num-workers", "0", "-q"]
    trained = mt_command("train", "hyperspectral", "--data", scene, *settings, "--out", run)
    assert trained.returncode == 0, trained.stderr
    shown = mt_command("predict", run, scene, "--out", str(tmp_path / "shown"))
    assert shown.returncode == 0, shown.stderr
    from scipy.io import loadmat

    drawn = np.load(tmp_path / "shown/samson_dataset_map.npy")
    # pixels stand column by column in the file
    true = loadmat(scene)["A"].argmax(0).reshape(95, 95, order="F")
    assert drawn.shape == (95, 95) and (drawn == true).mean() > 0.9


@pytest.mark.slow
def test_a_real_survey_is_coloured_by_what_its_points_are(data, tmp_path):
    surveys, run = data / "point_cloud/lidar_scans/las", str(tmp_path / "run")
    settings = [
        "-D",
        "labels=points",
        "-O",
        "max_points=1024",
        "--batch-size",
        "1",
        "--epochs",
        "1",
    ]
    trained = mt_command(
        "train", "pointcloud", "--data", str(surveys), *settings, "--out", run, "--num-workers", "0", "-q"
    )
    assert trained.returncode == 0, trained.stderr
    shown = mt_command("predict", run, str(surveys / "simple.las"), "--out", str(tmp_path / "shown"))
    assert shown.returncode == 0, shown.stderr
    header = (tmp_path / "shown/simple_classes.ply").read_bytes().partition(b"end_header")[0]
    assert b"element vertex 1065\n" in header and b"comment class 2 ground" in header
