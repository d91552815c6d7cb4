"""`mt pretrain --devices N` on drawn pictures: several processes give what one gives, in one run folder."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from mt_core.errors import OptionError
from mt_pretrain import pretrain
from mt_pretrain.formulas import callback, module
from mt_pretrain.formulas.callback import CHECKPOINT

SECONDS = 300  # after which processes are ended, with a failing test


def take_part(rank, count, port, done, folder, settings, options):
    torch.set_num_threads(1)
    here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_PORT": port}
    os.environ.update({"MASTER_ADDR": "127.0.0.1", **{name: str(value) for name, value in here.items()}})
    done.put((rank, pretrain(folder, settings, device="cpu", **options).step))


@pytest.fixture
def together():
    """The step that each of so many processes comes to, as torchrun would start them."""

    def together(count, folder, settings, **options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        context = multiprocessing.get_context("fork")
        done = context.Queue()
        processes = [
            context.Process(target=take_part, args=(rank, count, port, done, folder, settings, options), daemon=True)
            for rank in range(count)
        ]
        for process in processes:
            process.start()
        try:
            steps = dict(done.get(timeout=SECONDS) for _ in processes)
            return [steps[rank] for rank in range(count)]
        finally:
            for process in processes:
                process.join(10)
                process.kill()

    return together


@pytest.fixture
def settings(unscored, tiny, monkeypatch):
    """Of six steps, whose weights are kept as they are, without a moving average."""
    monkeypatch.setattr(callback, "STEPS_A_ROW", 3)
    return {**tiny, "steps": 6, "ema": 0.0}


def rows(folder):
    lines = map(json.loads, (folder / "progress.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if "second" not in name} for line in lines]


def content(folder):
    return (folder / "encoder.safetensors").read_bytes()


def assert_close(folder, other):
    """Up to rounding, also to the float16 of the file; in six steps AdamW moves a weight by some 5e-3."""
    for one, of_other in zip(rows(folder), rows(other), strict=True):
        assert one == pytest.approx(of_other, rel=1e-4, abs=2e-5)
    one, of_other = (load_file(each / "encoder.safetensors") for each in (folder, other))
    assert all(torch.allclose(one[name], of_other[name], rtol=0, atol=1e-4) for name in of_other)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])  # of 8 pictures the last of three has fewer
def test_several_processes_give_what_one_gives_and_the_same_bytes_again(together, settings, tmp_path, count):
    pretrain(tmp_path / "one", settings, device="cpu")
    for name in ("several", "again"):
        assert together(count, tmp_path / name, settings) == [6] * count
    assert_close(tmp_path / "several", tmp_path / "one")
    assert content(tmp_path / "several") == content(tmp_path / "again")
    assert rows(tmp_path / "several") == rows(tmp_path / "again")
    names = [{path.name for path in (tmp_path / name).iterdir()} for name in ("one", "several")]
    assert names[0] == names[1]


@pytest.mark.slow
def test_a_signal_to_one_process_stops_both_and_the_run_goes_on_with_as_many_or_in_one(
    together, settings, tmp_path, monkeypatch
):
    drawing = module.draw

    def signalled(seed, step, **options):
        if step == 2 and os.environ.get("RANK") == "1":
            signal.raise_signal(signal.SIGTERM)
        return drawing(seed, step, **options)

    together(2, tmp_path / "whole", settings)
    with monkeypatch.context() as patch:
        patch.setattr(module, "draw", signalled)
        for name in ("both", "one"):
            assert together(2, tmp_path / name, settings) == [3, 3]
    assert torch.load(tmp_path / "both" / CHECKPOINT, weights_only=True)["global_step"] == 3
    assert together(2, tmp_path / "both", {}, resume=True) == [6, 6]
    assert content(tmp_path / "both") == content(tmp_path / "whole")
    assert rows(tmp_path / "both") == rows(tmp_path / "whole")
    assert pretrain(tmp_path / "one", resume=True, device="cpu").is_complete
    assert_close(tmp_path / "one", tmp_path / "whole")
    assert json.loads((tmp_path / "one" / "pretrain.json").read_text())["recipe"]["devices"] == 1


@pytest.mark.parametrize(
    ("asked", "problem"), [({"devices": 9}, "no picture for some of 9"), ({"num_nodes": 2}, "need a process")]
)
def test_processes_that_cannot_be_or_were_not_started_are_refused(settings, tmp_path, asked, problem):
    with pytest.raises(OptionError, match=problem):
        pretrain(tmp_path / "run", {**settings, **asked})
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_the_processes_of_the_command_one_scores_and_tells(tmp_path):
    pytest.importorskip("mt_plugin_image")
    pytest.importorskip("sklearn")
    command = [sys.executable, "-m", "mt_core.cli", "pretrain", "--out", str(tmp_path / "run"), "--device", "cpu"]
    command += ["--steps", "2", "--size", "32", "--batch-size", "8", "-S", "categories=16", "-S", "depth=1"]
    command += ["--devices", "2", "--num-nodes", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("encoder: ") == ran.stdout.count("is complete") == ran.stdout.count("digits knn") == 1
    assert ran.stderr.count("step 2/2") == 1
    assert [row["step"] for row in rows(tmp_path / "run")] == [0, 2, 2]
