"""Several modalities at once: one model for items of many inputs, and one space to search them in.

    align("pairs.csv", "photo=image,caption=text", "runs/a")
    zeroshot("runs/a", "photo", ["new.jpg"], ["cat", "dog"], templates=["a photo of a {}"])
    index = build_index("photos.parquet", "photos.index")
    search(index, "beach.jpg", k=5)

Importing this package imports nothing heavy; a name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_fusion.aligning.recipe import AlignRecipe as AlignRecipe
    from mt_fusion.aligning.run import AlignResult as AlignResult
    from mt_fusion.aligning.training import align as align
    from mt_fusion.aligning.zeroshot import zeroshot as zeroshot
    from mt_fusion.searching.building import build_index as build_index
    from mt_fusion.searching.errors import SearchError as SearchError
    from mt_fusion.searching.index import Index as Index
    from mt_fusion.searching.index import open_index as open_index
    from mt_fusion.searching.nearest import search as search

_HOME = {
    "AlignRecipe": "aligning.recipe",
    "AlignResult": "aligning.run",
    "Index": "searching.index",
    "SearchError": "searching.errors",
    "align": "aligning.training",
    "build_index": "searching.building",
    "open_index": "searching.index",
    "search": "searching.nearest",
    "zeroshot": "aligning.zeroshot",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
