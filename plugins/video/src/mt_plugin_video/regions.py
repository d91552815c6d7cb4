"""What tokens of a video are of: blocks of frames and pixels.  V clips, T frames of a clip, S side in pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Region, Span, TokenRegions, lattice_regions, picture_panel
from mt_plugin_video.sampling import Times, Video


def block_regions(
    video: Video,
    times_VT: Times,
    frames_MCSS: NDArray[np.floating],
    box: tuple[float, float, float, float],
    grid: Sequence[int],
    tubelet: int,
) -> TokenRegions:
    """Blocks in seconds and in pixels of the frames as they were read; a panel for each time.

    Args:
        times_VT: When the frames of each clip are shown.
        frames_MCSS: All frames of all clips as they are looked at, in 0..1.
        box: The part of a frame that is looked at: left, top, right, bottom in pixels.
        grid: Patches down and across.
        tubelet: Frames of a block.
    """
    left, top, right, bottom = box
    down, across = np.linspace(top, bottom, grid[0] + 1), np.linspace(left, right, grid[1] + 1)
    side = frames_MCSS.shape[-1]
    edges = np.linspace(left, right, side + 1), np.linspace(top, bottom, side + 1)
    shown_M = video.shown_at(times_VT).flatten()
    ends_K = np.append(video.times_s[1:], video.duration_s)
    regions: list[Region] = []
    panels = []
    for number, first in enumerate(range(0, len(shown_M), tubelet)):
        block = shown_M[first : first + tubelet]
        span = Span("time", float(video.times_s[block.min()]), float(ends_K[block.max()]), "s")
        regions += lattice_regions(down, across, panel=number, beside=(span,))
        title = f"{span.low:.2f} to {span.high:.2f} s"
        panels.append(picture_panel(frames_MCSS[first + tubelet // 2], *edges, title))
    return TokenRegions(tuple(regions), tuple(panels), "block")
