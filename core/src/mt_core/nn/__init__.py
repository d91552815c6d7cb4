"""Building blocks that tokenizers share: group into patches, project, place."""

from mt_core.nn.patches import PatchEmbed, adapt_channels, copy_kernel
from mt_core.nn.positions import LearnedPositions, interpolate_positions

__all__ = ["LearnedPositions", "PatchEmbed", "adapt_channels", "copy_kernel", "interpolate_positions"]
