"""What can compute an encoder's blocks forward, beside torch's own float32 and its autocast to bfloat16: the names.

Nothing heavy is imported.
"""

from __future__ import annotations

from importlib.util import find_spec

BACKENDS = ("onednn-32", "onednn-bf16", "openvino-32", "openvino-bf16", "openvino-int8", "openvino-int8-part")
"""What computes, and in which arithmetic. int8: all linear layers of the blocks; int8-part: those behind a norm, the
others in bfloat16."""

RUNTIMES = ("openvino",)
"""Packages that some of them need; the extras of mt-core are called the same."""


def runtime_of(backend: str) -> str | None:
    """The package that a backend needs, None where torch is enough."""
    runtime = backend.partition("-")[0]
    return runtime if runtime in RUNTIMES else None


def is_installed(backend: str) -> bool:
    """Whether the package that it needs is there; it is not imported."""
    runtime = runtime_of(backend)
    return runtime is None or find_spec(runtime) is not None
