"""Building blocks that tokenizers share: group into patches, project, place; and pictures as a whole."""

from mt_core.sdk.blocks.crops import Box, central_box, is_drawn, random_box, shifted, whole_box
from mt_core.sdk.blocks.patches import PatchEmbed, adapt_channels, copy_kernel
from mt_core.sdk.blocks.pictures import PictureOptions, PictureTokenizer, resized
from mt_core.sdk.blocks.positions import LearnedPositions, interpolate_positions
from mt_core.sdk.blocks.stem import ConvStem

__all__ = [
    "Box",
    "ConvStem",
    "LearnedPositions",
    "PatchEmbed",
    "PictureOptions",
    "PictureTokenizer",
    "adapt_channels",
    "central_box",
    "copy_kernel",
    "interpolate_positions",
    "is_drawn",
    "random_box",
    "resized",
    "shifted",
    "whole_box",
]
