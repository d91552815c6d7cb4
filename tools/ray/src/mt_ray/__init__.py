"""Embedding on a Ray cluster.

    mt embed image s3://bucket/pictures/ -o s3://bucket/v.parquet --engine ray --address auto --num-workers 8

In Python, `mt.embed_files(model, sources, out, engine=mt_ray.RayEngine(address="auto", num_workers=8))`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_ray.engine import RayEngine as RayEngine

__all__ = ["RayEngine"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mt_ray.engine"), name)
