"""A Ray cluster for as long as it is needed, and quiet."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mt_core.errors import EmbeddingError, OptionError

_SECONDS = 10.0
"""That a cluster has to answer in; Ray itself tries for minutes."""

BYTES_A_BLOCK = 2 << 20
"""What goes from a reader to an encoder at a time."""


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected: to a cluster, or to one that is started here and ends with this process.

    Raises:
        EmbeddingError: there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # by default it reports to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of a change to come
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_worker_niceness", "0")  # by default 15: on a busy machine workers would hardly run
    import ray

    was_there = ray.is_initialized()
    if not was_there:
        _check_answers(address)
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
        here: dict[str, Any] = {} if address else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        try:
            with _without_stderr():  # where Ray reports that its log level was set
                ray.init(address=address or "local", **here, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(address, error) from error
    try:
        _quieten()
        yield ray
    finally:
        if not was_there:
            ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Raises EmbeddingError: nothing listens at the host and port of an address."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        return  # "auto", which Ray looks up
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str | None, error: Exception) -> EmbeddingError:
    where = f"no Ray cluster answers at {address}" if address else "Ray cannot be started here"
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return EmbeddingError(
        f"{where} ({said})", fix="ray start --head starts one; without --address this machine alone computes"
    )


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Within it nothing of this process reaches standard error, native code included."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _quieten() -> None:
    """No bars and no lines of Ray Data, and results in their order."""
    import ray.data

    # what raylets report of lost processes would stand in standard output, among what is computed
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.target_max_block_size = BYTES_A_BLOCK
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)


def share_of(ray: Any, num_workers: int | None, gpus_per_worker: float) -> tuple[int, float]:
    """How many encoders, and CPUs of each of them and of each of as many readers.

    Args:
        num_workers: As wanted; None: as many as the GPUs or half of the CPUs allow.

    Raises:
        OptionError: more GPUs than there are.
    """
    there = ray.cluster_resources()
    cpus, gpus = there.get("CPU", 1.0), there.get("GPU", 0.0)
    if num_workers is None:
        num_workers = max(1, int(gpus / gpus_per_worker if gpus_per_worker else cpus / 2))
    if num_workers < 1:
        raise OptionError("a cluster encodes with one worker at least", fix="give --num-workers 1, or leave it out")
    if gpus_per_worker * num_workers > gpus:
        raise OptionError(
            f"{num_workers} workers with {gpus_per_worker:g} GPUs each want more than the {gpus:g} of the cluster",
            fix="give fewer --num-workers or --gpus-per-worker",
        )
    return num_workers, min(1.0, cpus / (2 * num_workers))
