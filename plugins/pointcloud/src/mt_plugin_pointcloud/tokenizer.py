"""Point clouds to tokens, one a neighbourhood.

B clouds, N points, G groups, K neighbours a group, C numbers a point, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from mt_core.contract import TokenRegions, Tokens
from mt_core.errors import InputError
from mt_core.sdk.blocks import DrawnTokenizer, ViewOptions
from mt_plugin_pointcloud.augmentation import augment, random_points
from mt_plugin_pointcloud.cloud import CHANNELS, PointCloud
from mt_plugin_pointcloud.drawing import draw_depths
from mt_plugin_pointcloud.grouping import canonical_order, farthest_points, nearest_neighbours
from mt_plugin_pointcloud.pointnet import MiniPointNet
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.regions import group_regions

Channel = Literal["intensity", "normals", "colour"]


class PointCloudOptions(ViewOptions):
    """How a cloud is cut into neighbourhoods."""

    scale: Literal["unit", "metres"] = Field(
        default="unit",
        description="unit: divide by the cloud's radius, which is told apart; metres: keep the file's unit.",
    )
    groups: int = Field(default=128, ge=1, le=2048, description="Neighbourhoods, that is tokens, at most.")
    ratio: float = Field(default=0.25, gt=0, le=1, description="Neighbourhoods a point, where the cloud is small.")
    neighbours: int = Field(default=32, ge=1, le=512, description="Points in a neighbourhood.")
    max_points: int = Field(default=2048, ge=16, description="Points looked at; larger clouds are sampled.")
    channels: tuple[Channel, ...] = Field(default=(), description="What a point carries: intensity, normals, colour.")
    upright: Literal["x", "y", "z"] = Field(default="z", description="The vertical axis; training turns about it.")
    labels: Literal["clouds", "points"] = Field(
        default="clouds",
        description="What the labels belong to: whole clouds, or the points in them, each of which a head then gets.",
    )
    bin_columns: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Float32 numbers a point in .bin files: KITTI 4, nuScenes 5; 0: found out. The first three are "
        "x, y, z, the fourth is intensity.",
    )
    surface_points: int = Field(
        default=0, ge=0, description="Sample so many points from a mesh's surface; 0: take its vertices."
    )

    @model_validator(mode="after")
    def _points_have_tokens(self) -> PointCloudOptions:
        if self.view == "picture" and self.labels == "points":
            raise ValueError("view=picture gives vectors of whole clouds, and labels=points asks for those of points")
        return self


class PointCloudTokenizer(DrawnTokenizer):
    """Farthest point sampling, nearest neighbours, a small PointNet.

    Source: Zhang et al. 2023 (Meta-Transformer), arXiv:2307.10802, section 3.2: centres by farthest point sampling at a
    ratio of 1/4, neighbourhoods by nearest neighbours.
    """

    Options = PointCloudOptions
    options: PointCloudOptions
    sample_limits = (
        "a cloud needs two different points; of more than 200,000 every n-th is read; points that are NaN or infinite "
        "are left out"
    )

    def __init__(self, width: int, options: PointCloudOptions | None = None) -> None:
        super().__init__(width, options)
        if self.picture is not None:
            return
        carried = sum(CHANNELS[name] for name in self.options.channels)
        self.pointnet = MiniPointNet(3 + carried, width)
        self.place = nn.Sequential(nn.Linear(4, 128), nn.GELU(), nn.Linear(128, width))
        self.norm = nn.LayerNorm(width)

    def read(self, source: Any) -> PointCloud:
        options = self.options
        return read_cloud(source, surface_points=options.surface_points, bin_columns=options.bin_columns)

    def prepare(self, sample: PointCloud, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Neighbourhoods relative to their centres, the centres relative to the cloud's mean.

        Returns:
            groups (G, K, 3 + C), centres (G, 3) and log_radius (), the natural logarithm of the cloud's radius in the
            file's unit. G is a quarter of the points (`ratio`), at most `groups`. With labels=points, every
            point of the sample in its order and in the same frame: places (N, 3). With view=picture the points that are
            looked at, (N, 3), in radii of the cloud, in place of its neighbourhoods.
        """
        options = self.options
        carried = self._carried(sample)
        if generator is None:
            kept = canonical_order(sample.points, options.max_points)
        else:
            kept = random_points(len(sample.points), options.max_points, generator)
        points = sample.points[kept]
        carried = carried[kept]
        middle = points.mean(0)
        points = points - middle
        # where all points that were drawn coincide, the whole cloud's extent, which is never zero
        radius = float(np.sqrt((points * points).sum(1).max())) or float(np.abs(sample.points).max())
        points = points / np.float32(radius)
        places = (sample.points - middle) / np.float32(radius) if options.labels == "points" else None
        start = None
        if generator is not None:
            points, carried, factor, turn = augment(points, carried, options.channels, options.upright, generator)
            places = places @ turn if places is not None else None
            radius *= factor
            start = int(torch.randint(len(points), (), generator=generator))
        if self.picture is not None:
            return {"points": torch.from_numpy(points), "log_radius": torch.tensor(np.log(radius), dtype=torch.float32)}
        if options.scale == "metres":
            points = points * np.float32(radius)
            places = places * np.float32(radius) if places is not None else None
        count = min(options.groups, max(1, round(len(points) * options.ratio)))
        centres = points[farthest_points(points, count, start)]
        members = nearest_neighbours(points, centres, options.neighbours)
        groups = np.concatenate([points[members] - centres[:, None], carried[members]], axis=-1)
        item = {
            "groups": torch.from_numpy(groups),
            "centres": torch.from_numpy(centres),
            "log_radius": torch.tensor(np.log(radius), dtype=torch.float32),
        }
        return item if places is None else {**item, "places": torch.from_numpy(places)}

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """One token a neighbourhood: what it looks like, where it is, and how large the whole cloud is.

        Returns:
            values (B, G, D); coords (B, G, 3), the centres in the cloud's unit (radii or the file's), about its mean;
            side has places and places_mask where there are places.
        """
        if self.picture is not None:
            return self.see(batch)
        groups_BGKC, centres_BG3, mask = batch["groups"], batch["centres"], batch.get("groups_mask")
        size_BG1 = batch["log_radius"][:, None, None].expand(-1, centres_BG3.shape[1], 1)
        places_BG4 = torch.cat([centres_BG3, size_BG1], dim=-1)
        if mask is None or torch.compiler.is_compiling():
            flat = self._embed(groups_BGKC.flatten(0, 1), places_BG4.flatten(0, 1))
            values = flat.view(*centres_BG3.shape[:2], self.width)
        else:  # padding is not computed
            real = self._embed(groups_BGKC[mask], places_BG4[mask])
            values = real.new_zeros((*mask.shape, self.width)).masked_scatter(mask[..., None], real)
        side = {name: batch[name] for name in ("places", "places_mask") if name in batch}
        return Tokens(values, mask=mask, coords=centres_BG3, side=side)

    def regions(self, sample: PointCloud, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Neighbourhoods in the file's own coordinates; with view=picture patches of what is drawn."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        own = self.options
        return group_regions(
            sample,
            batch["centres"][0].cpu().numpy(),
            1.0 if own.scale == "metres" else float(batch["log_radius"][0].exp()),
            neighbours=own.neighbours,
            max_points=own.max_points,
        )

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """The cloud from four sides and from above; None with view=tokens, whose batches have no points."""
        if "points" not in batch:
            return None
        options = self.options
        return draw_depths(
            batch["points"],
            batch.get("points_mask"),
            batch["log_radius"],
            upright=options.upright,
            size=options.picture_size,
        )

    def permuted(self, sample: PointCloud, generator: torch.Generator) -> PointCloud:
        """The same points in another order."""
        order = torch.randperm(len(sample.points), generator=generator).numpy()
        return replace(
            sample,
            points=sample.points[order],
            channels={name: values[order] for name, values in sample.channels.items()},
            labels=None if sample.labels is None else sample.labels[order],
        )

    def _embed(self, groups_MKC: Tensor, places_M4: Tensor) -> Tensor:
        embedded: Tensor = self.norm(self.pointnet(groups_MKC) + self.place(places_M4))
        return embedded

    def _carried(self, cloud: PointCloud) -> NDArray[np.float32]:
        """(N, C) the wanted channels side by side."""
        missing = [name for name in self.options.channels if name not in cloud.channels]
        if missing:
            raise InputError(
                f"{cloud.name} has no {', '.join(missing)}; it has {', '.join(cloud.channels) or 'points only'}",
                fix=f"leave {missing[0]!r} out of the option channels, or export the file with it",
            )
        empty = np.empty((len(cloud.points), 0), dtype=np.float32)
        return np.concatenate([empty, *(cloud.channels[name] for name in self.options.channels)], axis=1)
