"""Batches encoded side by side on the cores of a CPU.

One batch on several threads makes all of them wait for the slowest at every operation, and a worker process always
keeps one of them busy. Several batches on one thread each do not wait for anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from mt_core import hooks
from mt_core.model import MetaTransformer

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_parallel_batches(model: MetaTransformer) -> int:
    """How many batches to encode at a time: one a thread that torch may use on a CPU; one on a GPU, and where a plugin
    has wrapped the work, for its hooks need not stand being called at once."""
    if model.device.type != "cpu" or hooks.is_wrapped("mt_tokenize") or hooks.is_wrapped("mt_encode"):
        return 1
    return torch.get_num_threads()


def map_ordered(work: Callable[[Item], Result], items: Iterable[Item], lanes: int) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in order, with `lanes` of them worked on at a time and as many waiting."""
    if lanes == 1:
        for item in items:
            yield item, work(item)
        return
    # the number of threads is each thread's own setting
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="encode", initializer=torch.set_num_threads, initargs=(1,))
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > 2 * lanes:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
