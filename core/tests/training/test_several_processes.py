"""`mt train --devices 2`: two processes on this machine give what one gives, in one run folder."""

import contextlib
import csv
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import mt_core as mt

TOY = Path(__file__).parents[1] / "toy"
EPOCHS = 3
SECONDS = 400  # after which a command is ended, with a failing test


@pytest.fixture
def data(tmp_path):
    """Two classes of series, of numbers that no batch or process gets an equal part of."""
    drawn = np.random.default_rng(0)
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(31):
            noisy = sign * np.linspace(-1, 1, int(drawn.integers(8, 40))) + 0.8 * drawn.normal()
            np.save(tmp_path / "data" / name / f"{number}.npy", noisy.astype(np.float32))
    return tmp_path / "data"


@pytest.fixture
def train(tmp_path, data, small_encoder_file):
    """Start `mt train toy` with more options, as a process of its own: `train("a", "--devices", "2")`."""
    started = []

    def train(out, *options, before=("-m", "mt_core.cli"), epochs=EPOCHS, environment=None):
        arguments = ["train", "toy", "--data", str(data), "--out", str(tmp_path / out), "--epochs", str(epochs)]
        arguments += ["--encoder", str(small_encoder_file), "--batch-size", "8", "--num-workers", "0", *options]
        path = os.pathsep.join(filter(None, (str(TOY), os.environ.get("PYTHONPATH"))))
        of_process = {
            **os.environ,
            "PYTHONPATH": path,
            "OMP_NUM_THREADS": "1",
            "MT_PLUGINS": "toy",
            **(environment or {}),
        }
        process = subprocess.Popen(
            [sys.executable, *before, *arguments], env=of_process, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield train
    for process in started:
        process.kill()
        process.communicate()


def ended(process):
    """Exit code, standard output and standard error of a process that comes to its end."""
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out.decode(), err.decode()


def rows(folder):
    return [{**row, "seconds": None} for row in csv.DictReader(io.StringIO((folder / "metrics.csv").read_text()))]


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def wait_for_epochs(folder, count):
    until = time.monotonic() + SECONDS
    while not (folder / "metrics.csv").is_file() or len(rows(folder)) < count:
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_give_what_one_gives_and_the_same_bytes_again(train, tmp_path):
    same_draws = ("-O", "dropout=0")  # each process draws for its own samples what is dropped
    one = ended(train("one", *same_draws))
    two = ended(train("two", *same_draws, "--devices", "2"))
    again = ended(train("again", *same_draws, "--devices", "2", "-q"))
    assert (one[0], two[0], again[0]) == (0, 0, 0), (one, two, again)
    for alone, together in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        for name, value in alone.items():
            assert value is together[name] is None or float(value) == pytest.approx(float(together[name]), rel=1e-4)
    assert weights(tmp_path / "two") == weights(tmp_path / "again")
    assert rows(tmp_path / "two") == rows(tmp_path / "again")
    assert names(tmp_path / "two") == names(tmp_path / "one")
    assert two[2].count("epoch 1/3") == 1 and two[1].count("test accuracy") == 1  # the first process alone speaks
    assert "Traceback" not in two[2] and again[2] == ""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sample_that_one_process_cannot_read_ends_both_with_its_name(train, tmp_path, data):
    path = data / "rising" / "7.npy"
    path.write_bytes(path.read_bytes()[:100])
    code, _, err = ended(train("run", "--devices", "2", "-q"))
    assert code == 2 and err.count("7.npy") == 1 and err.count("fix:") == 1, err
    code, _, err = ended(train("skipping", "--devices", "2", "-q", "--skip-unreadable"))
    assert code == 0 and "7.npy" in err, err
    assert "7.npy" in (tmp_path / "skipping" / "errors.jsonl").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_process_that_is_killed_ends_the_others_and_the_run_goes_on_to_the_end_that_torchrun_comes_to(
    train, tmp_path
):
    by_torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "mt_core.cli")
    code, out, err = ended(train("whole", before=by_torchrun, epochs=12))
    assert code == 0, err
    assert out.count("test accuracy") == 1
    disturbed = train("run", "--devices", "2", "-q", epochs=12)
    wait_for_epochs(tmp_path / "run", 2)
    os.kill(children(disturbed.pid)[1], signal.SIGKILL)
    code, _, err = ended(disturbed)
    assert code == 2 and "process 1 of 2 was ended by signal 9" in err and "Traceback" not in err, err
    assert ended(train("run", "--devices", "2", "-q", "--resume", epochs=12))[0] == 0
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")


def tensors(folder):
    return {name: tensor for path in folder.glob("*.safetensors") for name, tensor in load_file(path).items()}


def assert_close(left, right):
    """Two runs are the same up to rounding, in what they measured and in their weights."""
    for one, other in zip(rows(left), rows(right), strict=True):
        for name, value in one.items():
            assert value is other[name] is None or float(value) == pytest.approx(float(other[name]), rel=1e-4)
    assert names(left) == names(right) and tensors(left).keys() == tensors(right).keys()
    for name, tensor in tensors(left).items():
        assert (tensor - tensors(right)[name]).abs().max() < 1e-4, name


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tune", ["frozen", "lora", "full"])
def test_with_the_encoder_in_parts_they_give_what_they_give_with_all_of_it(
    train, toy, tmp_path, small_encoder_file, tune
):
    # 50 samples: one of the two has none of the last batch
    same = ("--tune", tune, "-O", "dropout=0", "-S", "encoder_lr=1e-3", "--batch-size", "7", "--devices", "2")
    for out, more in (("whole", ()), ("parts", ("--shard",)), ("again", ("-S", "shard=true", "-q"))):
        code, _, err = ended(train(out, *same, *more))
        assert code == 0 and "arning" not in err, err
    assert_close(tmp_path / "whole", tmp_path / "parts")
    for path in (tmp_path / "parts").glob("*.safetensors"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    assert rows(tmp_path / "parts") == rows(tmp_path / "again")
    vectors = [mt.load_run(tmp_path / out, encoder=small_encoder_file) for out in ("whole", "parts")]
    series = [np.linspace(-1, 1, 20, dtype=np.float32)]
    assert mt.embed(vectors[0], series) == pytest.approx(mt.embed(vectors[1], series), abs=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_in_parts_goes_on_in_parts_to_the_same_bytes_and_in_one_process_up_to_rounding(train, tmp_path):
    options = ("--tune", "full", "-O", "dropout=0", "-S", "encoder_lr=1e-3", "-q")
    in_parts = ("--devices", "2", "--shard")
    assert ended(train("whole", *options, *in_parts, epochs=8))[0] == 0
    disturbed = train("run", *options, *in_parts, epochs=8)
    wait_for_epochs(tmp_path / "run", 2)
    os.kill(children(disturbed.pid)[1], signal.SIGKILL)
    code, _, err = ended(disturbed)
    assert code == 2 and "process 1 of 2 was ended by signal 9" in err and "Traceback" not in err, err
    shutil.copytree(tmp_path / "run", tmp_path / "alone")
    for out, more in (("run", in_parts), ("alone", ())):
        code, _, err = ended(train(out, *options, *more, "--resume", epochs=8))
        assert code == 0, err
    assert tensors(tmp_path / "run").keys() == tensors(tmp_path / "whole").keys()
    for path in (tmp_path / "run").glob("*.safetensors"):
        assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert_close(tmp_path / "alone", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_parts_too_a_sample_that_one_process_cannot_read_ends_both_with_its_name(train, tmp_path, data):
    (data / "rising" / "7.npy").write_bytes(b"no series")
    code, _, err = ended(train("run", "--devices", "2", "--shard", "-q"))
    assert code == 2 and err.count("7.npy") == 1 and err.count("fix:") == 1, err
    code, _, err = ended(train("skipping", "--devices", "2", "--shard", "-q", "--skip-unreadable"))
    assert code == 0 and "7.npy" in err, err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ctrl_c_ends_all_of_them_and_says_how_to_go_on(train, tmp_path):
    process = train("run", "--devices", "2", "-q", epochs=200)
    wait_for_epochs(tmp_path / "run", 1)
    started = children(process.pid)
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130 and err.count("--resume") == 1 and "Traceback" not in err, err
    assert len(started) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in started)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_srun_and_torchrun_on_two_machines_come_to_the_end_of_two_processes_on_one(train, tmp_path):
    assert ended(train("here", "--devices", "2", "-q"))[0] == 0
    port = free_port(range(15_000, 25_000))
    shared = {
        "SLURM_JOB_ID": f"31{port - 15_000:04}",  # whose end gives the port to meet at
        "SLURM_JOB_NAME": "train", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_NNODES": "2", "SLURM_NODELIST": "localhost,otherhost", "SLURM_LOCALID": "0",
    }  # fmt: skip
    of_two = ("--devices", "1", "--num-nodes", "2", "-q")
    tasks = [
        train("srun", *of_two, environment={**shared, "SLURM_PROCID": str(number), "SLURM_NODEID": str(number)})
        for number in range(2)
    ]
    assert [ended(task)[0] for task in tasks] == [0, 0]
    at = f"127.0.0.1:{free_port(range(25_000, 30_000))}"
    by_torchrun = ("-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d",
                   "--rdzv-endpoint", at, "--local-addr", "127.0.0.1", "-m", "mt_core.cli")  # fmt: skip
    machines = [train("torchrun", "-q", before=by_torchrun) for _ in range(2)]
    assert [ended(machine)[0] for machine in machines] == [0, 0]
    for out in ("srun", "torchrun"):
        assert weights(tmp_path / out) == weights(tmp_path / "here"), out
        assert rows(tmp_path / out) == rows(tmp_path / "here"), out


def free_port(among):
    """A port that nothing listens at."""
    for port in np.random.default_rng().permutation(among).tolist():
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {among} is free")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tune", "probe"], "features once"),
        (["-S", "precision=auto"], "chosen by each process"),
        (["--num-nodes", "2"], "needs processes on other machines"),
        (["--controls"], "--controls trains controls in one process"),
    ],
)
def test_what_several_processes_cannot_do_is_refused_before_any_is_started(toy, data, capsys, tmp_path, more, said):
    from mt_core.cli import main

    arguments = ["train", "toy", "--data", str(data), "--out", str(tmp_path / "run"), "--devices", "2", *more]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_an_encoder_is_not_divided_over_one_process(toy, data, capsys, tmp_path):
    from mt_core.cli import main

    arguments = ["train", "toy", "--data", str(data), "--out", str(tmp_path / "run"), "--shard"]
    assert main(arguments) == 2
    assert "there is one" in capsys.readouterr().err and not (tmp_path / "run").exists()
