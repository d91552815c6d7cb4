"""Which of several processes of one training this is: started by `mt … --devices`, torchrun, SLURM or Ray Train alike.

Importing this imports nothing heavy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

from mt_core.errors import OptionError, RunError

_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun, Ray Train and `mt … --devices` set."""

_BROKEN = ("gloo", "nccl", "connection", "socket", "timed out")
"""In the messages of torch where another process is gone."""


LAUNCHED_BY = "MT_LAUNCHED_BY"
"""In the environment of the processes that `mt … --devices` starts: the number of the one that started them."""

FAULT_OF_ANOTHER = 3
"""Exit code of such a process that ends, without a word, because another one did."""

_FAULT_OF_ANOTHER = "another process of the training has ended, and this one cannot go on without it"


class Devices(Protocol):
    """What a recipe says of devices: processes on a machine, one a device, and machines."""

    @property
    def devices(self) -> int: ...
    @property
    def num_nodes(self) -> int: ...


@dataclass(frozen=True)
class Ranks:
    """One of the processes that train together.

    Attributes:
        rank: Its number, from 0; the first alone writes and shows.
        count: How many there are.
        local: Its number on its machine.
        devices: How many there are on a machine.
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    devices: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0


ALONE = Ranks()


def by_torchrun() -> Ranks | None:
    """This process by the environment of torchrun; None where it is none of several."""
    if any(name not in os.environ for name in _TORCHRUN):
        return None
    rank, local, count, devices = (int(os.environ[name]) for name in _TORCHRUN[:4])
    return Ranks(rank, count, local, devices) if count > 1 else None


def by_slurm(count: int, devices: int) -> Ranks | None:
    """This process of so many by the environment of srun; None where that started another number."""
    if os.environ.get("SLURM_NTASKS") != str(count) or os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
        return None
    if "SLURM_STEP_ID" not in os.environ or "SLURM_PROCID" not in os.environ:
        return None  # in the batch script itself, without srun
    return Ranks(int(os.environ["SLURM_PROCID"]), count, int(os.environ.get("SLURM_LOCALID", 0)), devices)


def settled(asked: dict[str, Any]) -> dict[str, Any]:
    """Settings whose devices and machines are those that torchrun has started, where they do not name any."""
    found = by_torchrun()
    if found is None or {"devices", "num_nodes"} & asked.keys():
        return asked
    return {**asked, "devices": found.devices, "num_nodes": found.count // found.devices}


def find_ranks(devices: int, num_nodes: int) -> Ranks | None:
    """This process of those that a recipe asks for; None where they have not been started.

    Raises:
        OptionError: another number of processes was started.
    """
    count = devices * num_nodes
    if count == 1:
        return ALONE
    found = by_torchrun() or by_slurm(count, devices)
    if found is not None and found.count != count:
        raise OptionError(
            f"{found.count} processes were started, and devices={devices} times num_nodes={num_nodes} are {count}",
            fix="start as many, or leave both out under torchrun",
        )
    return found


def ranks_of(recipe: Devices) -> Ranks:
    """This process of those that a recipe asks for.

    Raises:
        OptionError: they have not been started.
    """
    found = find_ranks(recipe.devices, recipe.num_nodes)
    if found is None:
        raise OptionError(
            f"devices={recipe.devices} and num_nodes={recipe.num_nodes} need a process for each device",
            fix=how_to_start(recipe.devices, recipe.num_nodes),
        )
    return found


def how_to_start(devices: int, num_nodes: int) -> str:
    """What starts the processes, as a fix."""
    machines = f" --nnodes {num_nodes} --rdzv-backend c10d --rdzv-endpoint HOST:29400" if num_nodes > 1 else ""
    command = "the same on each machine: " if num_nodes > 1 else "on the command line mt starts them; in Python: "
    return f"{command}torchrun{machines} --nproc-per-node {devices} …, or srun with one task a device"


def check_several(count: int, tune: object, precision: object) -> None:
    """Refuse what several processes cannot do together.

    Raises:
        OptionError: such a setting.
    """
    if count == 1:
        return
    if tune in ("knn", "probe"):
        raise OptionError(
            f"tune={tune} computes features once and trains no more than a head, in one process",
            fix="leave devices out, or train more than a head by another tune",
        )
    if precision == "auto":
        raise OptionError("precision=auto is chosen by each process for itself", fix="give 32 or bf16")


def check_shard(count: int, is_asked: bool) -> None:
    """Refuse to divide an encoder over one process, or by a torch that cannot.

    Raises:
        OptionError: with what to change.
    """
    if not is_asked:
        return
    if count == 1:
        raise OptionError(
            "shard divides the encoder's weights over several processes, and there is one",
            fix="give devices (--devices) as well, or leave shard out",
        )
    from mt_core.training.sharding import is_supported

    if not is_supported():
        raise OptionError("shard needs a later torch than this one", fix="pip install -U torch, or leave shard out")


def lost_process(error: RuntimeError, ranks: Ranks) -> RunError | None:
    """What to say where torch cannot reach another process; None of any other error."""
    text = f"{type(error).__name__} {error}".lower()
    if ranks.count == 1 or not any(word in text for word in _BROKEN):
        return None
    return fault_of_another()


def fault_of_another() -> RunError:
    """What to say where this process ends because another one does; `is_fault_of_another` knows it again."""
    return RunError(_FAULT_OF_ANOTHER, fix="see its own message; the same command with --resume goes on")


def is_launched() -> bool:
    """Whether `mt … --devices` started this process, and speaks for it."""
    return LAUNCHED_BY in os.environ


def is_fault_of_another(error: Exception) -> bool:
    """Whether this process ended because another one did, which says more."""
    return bool(error.args) and error.args[0] == _FAULT_OF_ANOTHER
