"""Which of several processes this is, by what started them."""

import pytest

from mt_core.errors import OptionError
from mt_core.training.ranks import ALONE, Ranks, by_slurm, find_ranks, lost_process, ranks_of, settled
from mt_core.training.recipe import Recipe

TORCHRUN = {
    "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1",
}  # fmt: skip
SRUN = {"SLURM_NTASKS": "4", "SLURM_PROCID": "2", "SLURM_LOCALID": "0", "SLURM_STEP_ID": "0", "SLURM_JOB_NAME": "train"}


@pytest.fixture
def started_by(monkeypatch):
    """Set the environment of what starts processes, and of nothing else."""
    for name in (*TORCHRUN, *SRUN):
        monkeypatch.delenv(name, raising=False)

    def start(environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return start


def test_one_process_is_alone_whatever_the_environment_says(started_by):
    started_by({**TORCHRUN, **SRUN})
    assert find_ranks(1, 1) is ALONE and ALONE.is_first  # eight trainings side by side under srun are eight trainings


def test_torchrun_tells_the_number_and_how_many_there_are(started_by):
    started_by(TORCHRUN)
    assert find_ranks(2, 2) == Ranks(rank=3, count=4, local=1, devices=2)
    assert not find_ranks(2, 2).is_first


def test_under_torchrun_devices_and_machines_need_not_be_named(started_by):
    assert settled({"lr": 1}) == {"lr": 1}
    started_by(TORCHRUN)
    assert settled({"lr": 1}) == {"lr": 1, "devices": 2, "num_nodes": 2}
    assert settled({"devices": 4}) == {"devices": 4}


def test_srun_tells_the_number_where_it_started_as_many(started_by):
    started_by(SRUN)
    assert find_ranks(2, 2) == Ranks(rank=2, count=4, local=0, devices=2)
    assert by_slurm(2, 2) is None


@pytest.mark.parametrize("change", [{"SLURM_JOB_NAME": "bash"}, {"SLURM_NTASKS": "8"}])
def test_what_is_no_task_of_srun_is_not_taken_for_one(started_by, change):
    started_by({**SRUN, **change})
    assert find_ranks(2, 2) is None


def test_another_number_of_processes_is_refused(started_by):
    started_by(TORCHRUN)
    with pytest.raises(OptionError, match="4 processes were started, and devices=3 times num_nodes=1 are 3"):
        find_ranks(3, 1)


def test_in_python_nothing_is_started_and_the_error_says_what_starts(started_by):
    with pytest.raises(OptionError, match="need a process for each device") as caught:
        ranks_of(Recipe(devices=2))
    assert "torchrun --nproc-per-node 2" in caught.value.fix
    with pytest.raises(OptionError) as caught:
        ranks_of(Recipe(devices=2, num_nodes=3))
    assert "torchrun --nnodes 3" in caught.value.fix


def test_only_an_error_of_the_connection_means_that_a_process_is_gone():
    closed = RuntimeError("[…/gloo/transport/tcp/pair.cc:561] Connection closed by peer [127.0.0.1]:62629")
    two = Ranks(0, 2, 0, 2)
    assert "--resume" in lost_process(closed, two).fix
    assert lost_process(closed, ALONE) is None
    assert lost_process(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), two) is None
