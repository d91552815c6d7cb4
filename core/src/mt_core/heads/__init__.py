"""The default heads, one file a task."""

from mt_core.heads.choice import default_head
from mt_core.heads.classification import ClassificationHead
from mt_core.heads.multilabel import MultilabelHead
from mt_core.heads.pooled import PooledHead
from mt_core.heads.regression import RegressionHead

__all__ = ["ClassificationHead", "MultilabelHead", "PooledHead", "RegressionHead", "default_head"]
