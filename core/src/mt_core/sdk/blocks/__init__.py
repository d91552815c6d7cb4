"""Building blocks that tokenizers share: group into patches, project, place; and pictures as a whole."""

from mt_core.sdk.blocks.charts import draw_series
from mt_core.sdk.blocks.crops import is_drawn
from mt_core.sdk.blocks.dense_pictures import AS_IT_IS, DensePictureOptions, DensePictureTokenizer
from mt_core.sdk.blocks.patches import PatchEmbed, adapt_channels, copy_kernel
from mt_core.sdk.blocks.picture_baseline import PictureBaseline
from mt_core.sdk.blocks.pictures import PictureOptions, PictureTokenizer, crop_squares, looked_at, native_options
from mt_core.sdk.blocks.positions import LearnedPositions, interpolate_positions, lattice_coords
from mt_core.sdk.blocks.stem import ConvStem
from mt_core.sdk.blocks.stretching import stretching_weights
from mt_core.sdk.blocks.views import DrawnTokenizer, PictureStem, View, ViewOptions

__all__ = [
    "AS_IT_IS",
    "ConvStem",
    "DensePictureOptions",
    "DensePictureTokenizer",
    "DrawnTokenizer",
    "LearnedPositions",
    "PatchEmbed",
    "PictureBaseline",
    "PictureOptions",
    "PictureStem",
    "PictureTokenizer",
    "View",
    "ViewOptions",
    "adapt_channels",
    "copy_kernel",
    "crop_squares",
    "draw_series",
    "interpolate_positions",
    "is_drawn",
    "lattice_coords",
    "looked_at",
    "native_options",
    "stretching_weights",
]
