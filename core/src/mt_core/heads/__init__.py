"""The default heads, one file a task."""

from mt_core.heads.choice import default_head
from mt_core.heads.classification import ClassificationHead, ClassificationOptions
from mt_core.heads.forecasting import ForecastingHead, ForecastingOptions
from mt_core.heads.multilabel import MultilabelHead, MultilabelOptions
from mt_core.heads.pooled import PooledHead, PooledOptions
from mt_core.heads.regression import RegressionHead, RegressionOptions
from mt_core.heads.retrieval import RetrievalHead, RetrievalOptions
from mt_core.heads.segmentation import SegmentationHead, SegmentationOptions

__all__ = [
    "ClassificationHead",
    "ClassificationOptions",
    "ForecastingHead",
    "ForecastingOptions",
    "MultilabelHead",
    "MultilabelOptions",
    "PooledHead",
    "PooledOptions",
    "RegressionHead",
    "RegressionOptions",
    "RetrievalHead",
    "RetrievalOptions",
    "SegmentationHead",
    "SegmentationOptions",
    "default_head",
]
