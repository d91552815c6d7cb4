"""What a plugin author implements and receives. Versioned apart from mt-core, by `CONTRACT_VERSION`.

Importing this package imports neither torch nor pydantic; a name is fetched from its file when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mt_core.version import CONTRACT_VERSION as CONTRACT_VERSION

if TYPE_CHECKING:
    from mt_core.contract.baseline import Baseline as Baseline
    from mt_core.contract.baseline import BaselineModel as BaselineModel
    from mt_core.contract.boxes import Boxes as Boxes
    from mt_core.contract.dataset import SPLITS as SPLITS
    from mt_core.contract.dataset import Example as Example
    from mt_core.contract.dataset import ModalityDataset as ModalityDataset
    from mt_core.contract.encoder import EncoderSpec as EncoderSpec
    from mt_core.contract.encoder import TokenTable as TokenTable
    from mt_core.contract.head import Head as Head
    from mt_core.contract.options import Options as Options
    from mt_core.contract.padding import pad_and_stack as pad_and_stack
    from mt_core.contract.panels import CurvePanel as CurvePanel
    from mt_core.contract.panels import GraphPanel as GraphPanel
    from mt_core.contract.panels import Panel as Panel
    from mt_core.contract.panels import PicturePanel as PicturePanel
    from mt_core.contract.panels import PointPanel as PointPanel
    from mt_core.contract.panels import TextPanel as TextPanel
    from mt_core.contract.panels import picture_panel as picture_panel
    from mt_core.contract.regions import DATE as DATE
    from mt_core.contract.regions import Region as Region
    from mt_core.contract.regions import Span as Span
    from mt_core.contract.regions import TokenRegions as TokenRegions
    from mt_core.contract.regions import lattice_regions as lattice_regions
    from mt_core.contract.sources import name_of as name_of
    from mt_core.contract.sources import only_one as only_one
    from mt_core.contract.sources import reading as reading
    from mt_core.contract.task import MISSING_CLASS as MISSING_CLASS
    from mt_core.contract.task import Alignment as Alignment
    from mt_core.contract.task import AnyTask as AnyTask
    from mt_core.contract.task import Classification as Classification
    from mt_core.contract.task import Detection as Detection
    from mt_core.contract.task import Forecasting as Forecasting
    from mt_core.contract.task import Multilabel as Multilabel
    from mt_core.contract.task import Regression as Regression
    from mt_core.contract.task import Retrieval as Retrieval
    from mt_core.contract.task import Role as Role
    from mt_core.contract.task import Segmentation as Segmentation
    from mt_core.contract.task import Task as Task
    from mt_core.contract.task import task_from as task_from
    from mt_core.contract.tokenizer import Tokenizer as Tokenizer
    from mt_core.contract.tokens import POOLS as POOLS
    from mt_core.contract.tokens import Features as Features
    from mt_core.contract.tokens import Pool as Pool
    from mt_core.contract.tokens import Tokens as Tokens
    from mt_core.contract.tokens import pooled_width as pooled_width

_HOME = {
    "Alignment": "task",
    "AnyTask": "task",
    "Baseline": "baseline",
    "BaselineModel": "baseline",
    "Boxes": "boxes",
    "Classification": "task",
    "CurvePanel": "panels",
    "DATE": "regions",
    "Detection": "task",
    "EncoderSpec": "encoder",
    "Example": "dataset",
    "Features": "tokens",
    "Forecasting": "task",
    "GraphPanel": "panels",
    "Head": "head",
    "MISSING_CLASS": "task",
    "ModalityDataset": "dataset",
    "Multilabel": "task",
    "Options": "options",
    "POOLS": "tokens",
    "Panel": "panels",
    "PicturePanel": "panels",
    "PointPanel": "panels",
    "Pool": "tokens",
    "Region": "regions",
    "Regression": "task",
    "Retrieval": "task",
    "Role": "task",
    "SPLITS": "dataset",
    "Segmentation": "task",
    "Span": "regions",
    "Task": "task",
    "TextPanel": "panels",
    "TokenRegions": "regions",
    "TokenTable": "encoder",
    "Tokenizer": "tokenizer",
    "Tokens": "tokens",
    "lattice_regions": "regions",
    "name_of": "sources",
    "only_one": "sources",
    "pad_and_stack": "padding",
    "picture_panel": "panels",
    "pooled_width": "tokens",
    "reading": "sources",
    "task_from": "task",
}
__all__ = sorted([*_HOME, "CONTRACT_VERSION"])


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
