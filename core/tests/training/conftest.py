"""Two processes that meet over loopback."""

import multiprocessing
import os
import socket

import pytest
import torch


def take_part(rank, port, done, measured, arguments):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    done.put((rank, measured(rank, *arguments)))
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="session")
def of_two_processes():
    """What `measured(rank, *arguments)` gives in each of two processes of a gloo group, by their rank."""

    def found(measured, *arguments):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        context = multiprocessing.get_context("fork")
        done = context.Queue()
        processes = [
            context.Process(target=take_part, args=(rank, port, done, measured, arguments), daemon=True)
            for rank in range(2)
        ]
        for process in processes:
            process.start()
        try:
            return dict(done.get(timeout=120) for _ in processes)
        finally:
            for process in processes:
                process.join(10)
                process.kill()

    return found
