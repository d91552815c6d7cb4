"""What a plugin author implements and receives. Versioned apart from mt-core, by `CONTRACT_VERSION`."""

from mt_core.contract.dataset import SPLITS, Example, ModalityDataset
from mt_core.contract.encoder import EncoderSpec
from mt_core.contract.head import Head
from mt_core.contract.options import Options
from mt_core.contract.padding import pad_and_stack
from mt_core.contract.reading import name_of, only_one, reading
from mt_core.contract.task import (
    MISSING_CLASS,
    AnyTask,
    Classification,
    Forecasting,
    Multilabel,
    Regression,
    Retrieval,
    Role,
    Segmentation,
    Task,
    task_from,
)
from mt_core.contract.tokenizer import Tokenizer
from mt_core.contract.tokens import POOLS, Features, Pool, Tokens, pooled_width
from mt_core.version import CONTRACT_VERSION

__all__ = [
    "CONTRACT_VERSION",
    "MISSING_CLASS",
    "POOLS",
    "SPLITS",
    "AnyTask",
    "Classification",
    "EncoderSpec",
    "Example",
    "Features",
    "Forecasting",
    "Head",
    "ModalityDataset",
    "Multilabel",
    "Options",
    "Pool",
    "Regression",
    "Retrieval",
    "Role",
    "Segmentation",
    "Task",
    "Tokenizer",
    "Tokens",
    "name_of",
    "only_one",
    "pad_and_stack",
    "pooled_width",
    "reading",
    "task_from",
]
