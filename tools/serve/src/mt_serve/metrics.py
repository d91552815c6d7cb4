"""Counts and times for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from mt_serve.batching import BatchSize

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOKENS = (16, 64, 256, 1024, 2048, 4096, 8192, 16384)
_COUNTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """What `/metrics` gives.

    Args:
        paths: The endpoints; any other path is counted as "other".
        num_at_work: How many requests are at work or waiting.
    """

    def __init__(self, paths: frozenset[str], num_at_work: Callable[[], int]) -> None:
        self.paths = paths
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        own: dict[str, Any] = {"registry": self.registry}
        self._requests = Counter("mt_serve_requests", "Answers, by endpoint and status.", ["path", "status"], **own)
        self._seconds = Histogram(
            "mt_serve_request_seconds", "From the first byte to the answer.", ["path"], buckets=_SECONDS, **own
        )
        self._samples = Counter("mt_serve_samples", "Samples that were read, by run.", ["run"], **own)
        self._unread = Counter("mt_serve_unread", "Sources or samples that could not be read, by run.", ["run"], **own)
        self._batch_requests = Histogram("mt_serve_batch_requests", "Requests of a batch.", buckets=_COUNTS, **own)
        self._batch_runs = Histogram("mt_serve_batch_runs", "Different runs of a batch.", buckets=_COUNTS, **own)
        self._batch_tokens = Histogram("mt_serve_batch_tokens", "Tokens of a batch.", buckets=_TOKENS, **own)
        at_work = Gauge("mt_serve_requests_at_work", "Requests at work or waiting.", **own)
        at_work.set_function(num_at_work)

    def add_process(self, name: str, pid: int) -> None:
        """Give memory, CPU time and open files of another process as well, as `NAME_process_…`."""
        ProcessCollector(namespace=name, pid=lambda: pid, registry=self.registry)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count one answer."""
        path = path if path in self.paths else "other"
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def read(self, run: str, num_samples: int, num_errors: int) -> None:
        """Count what was read of one request."""
        self._samples.labels(run).inc(num_samples)
        self._unread.labels(run).inc(num_errors)

    def encoded(self, size: BatchSize) -> None:
        """Count one batch."""
        self._batch_requests.observe(size.requests)
        self._batch_runs.observe(size.runs)
        self._batch_tokens.observe(size.tokens)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
