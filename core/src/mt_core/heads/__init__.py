"""The default heads, one file a task."""

from mt_core.heads.alignment import AlignmentHead
from mt_core.heads.choice import default_head
from mt_core.heads.classification import ClassificationHead, ClassificationOptions
from mt_core.heads.detection import DetectionHead, DetectionOptions
from mt_core.heads.forecasting import ForecastingHead, ForecastingOptions
from mt_core.heads.multilabel import MultilabelHead, MultilabelOptions
from mt_core.heads.picture_segmentation import PictureSegmentationHead, PictureSegmentationOptions
from mt_core.heads.pooled import PooledHead, PooledOptions
from mt_core.heads.projection import ProjectionHead
from mt_core.heads.regression import RegressionHead, RegressionOptions
from mt_core.heads.retrieval import RetrievalHead, RetrievalOptions
from mt_core.heads.scene_segmentation import SceneSegmentationHead, SceneSegmentationOptions
from mt_core.heads.segmentation import SegmentationHead, SegmentationOptions

__all__ = [
    "AlignmentHead",
    "ClassificationHead",
    "ClassificationOptions",
    "DetectionHead",
    "DetectionOptions",
    "ForecastingHead",
    "ForecastingOptions",
    "MultilabelHead",
    "MultilabelOptions",
    "PictureSegmentationHead",
    "PictureSegmentationOptions",
    "PooledHead",
    "PooledOptions",
    "ProjectionHead",
    "RegressionHead",
    "RegressionOptions",
    "RetrievalHead",
    "RetrievalOptions",
    "SceneSegmentationHead",
    "SceneSegmentationOptions",
    "SegmentationHead",
    "SegmentationOptions",
    "default_head",
]
