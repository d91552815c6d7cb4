"""Files in, vectors and predictions out."""

from mt_core.embedding.files import EmbedResult, embed_files
from mt_core.embedding.memory import embed_in_memory, predict_in_memory

__all__ = ["EmbedResult", "embed_files", "embed_in_memory", "predict_in_memory"]
