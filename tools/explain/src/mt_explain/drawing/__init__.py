"""Explanations drawn over their samples."""

from mt_explain.drawing.figure import write_picture

__all__ = ["write_picture"]
