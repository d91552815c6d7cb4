"""The default heads, one file a task."""

from mt_core.heads.choice import default_head
from mt_core.heads.classification import ClassificationHead
from mt_core.heads.forecasting import ForecastingHead
from mt_core.heads.multilabel import MultilabelHead
from mt_core.heads.pooled import PooledHead
from mt_core.heads.regression import RegressionHead
from mt_core.heads.retrieval import RetrievalHead
from mt_core.heads.segmentation import SegmentationHead

__all__ = [
    "ClassificationHead",
    "ForecastingHead",
    "MultilabelHead",
    "PooledHead",
    "RegressionHead",
    "RetrievalHead",
    "SegmentationHead",
    "default_head",
]
