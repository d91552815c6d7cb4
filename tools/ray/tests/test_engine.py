"""Embedding with Ray writes the same file as without it, and refuses what it cannot do."""

import pytest

from mt_core.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),  # of Ray, about itself
]

BY_RAY = ("--engine", "ray", "--num-workers", "1")


def test_one_machine_and_ray_give_the_same_file_and_ray_says_nothing(command, check_same, capfd):
    assert main(command("alone.parquet", "--num-workers", "1")) == 1
    alone = capfd.readouterr()
    assert main(command("ray.parquet", *BY_RAY)) == 1
    by_ray = capfd.readouterr()
    assert by_ray.out == alone.out.replace("alone", "ray")
    assert by_ray.err.replace("ray.", "alone.") == alone.err
    check_same("alone.parquet", "ray.parquet")


def test_what_cannot_be_done_is_said(command, folder, capfd):
    assert main(command("a.parquet", "--engine", "ray", "--address", "127.0.0.1:9")) == 2
    assert "no Ray cluster answers at 127.0.0.1:9" in capfd.readouterr().err
    assert main(command("a.parquet", *BY_RAY, "--gpus-per-worker", "8")) == 2
    assert "want more than the 0 of the cluster" in capfd.readouterr().err
    assert not (folder / "a.parquet").exists()


def test_no_more_workers_are_started_than_there_is_work_for(command, folder, capfd):
    for file in sorted((folder / "in").iterdir())[3:]:
        file.unlink()
    assert main(command("few.parquet", "--engine", "ray", "--num-workers", "2")) == 0
    assert "Warning" not in capfd.readouterr().err
