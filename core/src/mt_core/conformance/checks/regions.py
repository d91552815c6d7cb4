"""What tokens are said to be of."""

from __future__ import annotations

import math

import torch

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.contract import CurvePanel, GraphPanel, Panel, PicturePanel, PointPanel, Region, TokenRegions, Tokens

_SAMPLES = 4


@check()
def regions_say_what_each_token_is_of(plugin: PluginFixture) -> None:
    """Of four test samples, each tokenized by itself, `regions` gives `TokenRegions` with a region for each token of
    each view. That of a real token has a name or spans; spans are finite and go from low to high; members are points or
    nodes of their panel; edges of a picture are one more than its pixels. Not all samples have one region alone."""
    tokenizer = plugin.make_tokenizer()
    largest = most_tokens = 0
    for sample in plugin.samples[:_SAMPLES]:
        batch = plugin.batch(tokenizer, [sample])
        with torch.no_grad():
            tokens: Tokens = tokenizer(batch)
            if tokens.coords is not None and not tokens.coords[tokens.real()].isfinite().all():
                return  # `mask_coords_and_grid_agree` reports it
            found = tokenizer.regions(sample, batch, tokens)
        expect(isinstance(found, TokenRegions), f"regions returns {type(found).__name__}: return TokenRegions")
        number = tokens.values.shape[0] * tokens.values.shape[1]
        expect(
            len(found.regions) == number,
            f"a sample of {number} tokens has {len(found.regions)} regions: give one for each token of each view, in "
            "the order of the tokens, padding included",
        )
        for panel in found.panels:
            _check_panel(panel)
        is_real = tokens.real().flatten().tolist()
        real = [region for region, there in zip(found.regions, is_real, strict=True) if there]
        for region in real:
            _check_region(region, found)
        largest, most_tokens = max(largest, len(set(real))), max(most_tokens, len(real))
    expect(
        largest > 1 or most_tokens < 2,
        f"all {most_tokens} tokens of a sample are of one region: say in what their regions differ",
    )


def _check_region(region: Region, found: TokenRegions) -> None:
    expect(bool(region.name or region.spans), "a real token's region has neither a name nor spans: say what it is of")
    for span in region.spans:
        expect(
            math.isfinite(span.low) and math.isfinite(span.high) and span.low <= span.high,
            f"the span of {span.axis} goes from {span.low} to {span.high}: give finite numbers, the lower one first",
        )
    panel = found.panels[region.panel] if region.panel >= 0 else None
    count = 0
    if isinstance(panel, PointPanel):
        count = len(panel.points)
    elif isinstance(panel, GraphPanel):
        count = len(panel.places)
    expect(
        all(0 <= member < count for member in region.members),
        f"members up to {max(region.members, default=0)} of a panel of {count}: number its points or nodes from 0",
    )


def _check_panel(panel: Panel) -> None:
    if isinstance(panel, PicturePanel):
        height, width = panel.pixels.shape[:2]
        edges = (len(panel.y_edges), len(panel.x_edges))
        expect(
            edges == (height + 1, width + 1),
            f"a picture of {height} x {width} has {edges[0]} and {edges[1]} edges: give one more than pixels",
        )
    elif isinstance(panel, CurvePanel):
        expect(
            len(panel.at) == len(panel.values),
            f"{len(panel.values)} values of a curve stand at {len(panel.at)} places: give a place for each",
        )
