"""Point clouds to tokens, one a neighbourhood.

B clouds, N points, G groups, K neighbours a group, C numbers a point, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from mt_core.contract import Example, TokenRegions, Tokens
from mt_core.errors import InputError
from mt_core.sdk.blocks import DrawnTokenizer, ViewOptions
from mt_plugin_pointcloud.augmentation import augment, random_points
from mt_plugin_pointcloud.blocks import side_for
from mt_plugin_pointcloud.cloud import CHANNELS, PointCloud, keeping_all_points
from mt_plugin_pointcloud.drawing import draw_depths
from mt_plugin_pointcloud.grouping import canonical_order, farthest_points, nearest_neighbours
from mt_plugin_pointcloud.pointnet import MiniPointNet
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.regions import group_regions
from mt_plugin_pointcloud.scene_blocks import SIDE, Grouping, covered, drawn, in_file

_LOOKED_AT = 8  # scenes, for the side of blocks

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
    labels: Literal["clouds", "points", "scenes"] | None = Field(
        default=None,
        description="What the labels belong to: whole clouds; the points of small clouds, which are looked at as a "
        "whole; or the points of scenes, which are looked at in blocks. none: found from the data, and without any, "
        "clouds.",
    )
    block: float | None = Field(
        default=None,
        gt=0,
        description="With labels=scenes: side of the square that a block stands on, in the files' unit; a block is as "
        "high as the scene. none: so large that blocks of the training scenes, before a training of each scene, hold "
        "`block_points` on average.",
    )
    block_points: int = Field(
        default=8192, ge=16, description="With labels=scenes and no `block`: points in a block, on average."
    )
    overlap: float = Field(
        default=0.5,
        ge=0,
        le=0.9,
        description="With labels=scenes: share of a block's side that the next one covers again; probabilities are "
        "averaged, more in the middle of a block than at its edges.",
    )
    blocks: int = Field(
        default=16, ge=1, le=1024, description="With labels=scenes: random blocks that training takes of a scene."
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
        if self.view == "picture" and self.labels in ("points", "scenes"):
            raise ValueError(
                f"view=picture gives vectors of whole clouds, and labels={self.labels} asks for those of points"
            )
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
        self._block: float | None = self.options.block

    @property
    def labels_scenes(self) -> bool:
        return self.options.labels == "scenes"

    def read(self, source: Any) -> PointCloud:
        options = self.options
        how = {"surface_points": options.surface_points, "bin_columns": options.bin_columns}
        if not self.labels_scenes:
            return read_cloud(source, **how)
        with keeping_all_points():
            return read_cloud(source, **how)

    def calibrate(self, examples: Iterable[Example]) -> None:
        """With labels=scenes and no `block`: the side of blocks that hold `block_points` on average, the median of
        some of the scenes."""
        if not self.labels_scenes or self.options.block is not None:
            return
        sides = [self._side_for(self.read(example.sample)) for example in islice(examples, _LOOKED_AT)]
        self.restore({"block": float(f"{np.median(sides):.2g}")} if sides else {})

    def calibration(self) -> dict[str, Any]:
        return {} if not self.labels_scenes or self._block is None else {"block": self._block}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self._block = calibration.get("block", self.options.block)

    def prepare(self, sample: PointCloud, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Neighbourhoods relative to their centres, the centres relative to the cloud's mean.

        Returns:
            groups (G, K, 3 + C), centres (G, 3) and log_radius (), the natural logarithm of the cloud's radius in the
            file's unit. G is a quarter of the points (`ratio`), at most `groups`. With labels=points, every
            point of the sample in its order and in the same frame: places (N, 3). With view=picture the points that are
            looked at, (N, 3), in radii of the cloud, in place of its neighbourhoods.

            With labels=scenes the scene in V overlapping blocks of T points together, one block after another, each
            about the middle of its square and its floor, in halves of its side: groups (V, G, K, 3 + C), centres
            (V, G, 3) and their heights (V, G, 1), the logarithm of 1 + the height above the floor in the file's unit,
            with its sign, all zeros where is_group (V, G) is False; the points as places (T, 3), with place_values
            (T, 1 + C), their heights and channels; counts (V,), the points of each block; index (T,), which point of
            the file each is; weights (T,), what its block counts for; size (1,), the points of the file. Training gets
            random blocks, without the last three.
        """
        options = self.options
        if self.labels_scenes:
            return self._scene(sample, None, generator)[0]
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

    def prepare_example(
        self, sample: PointCloud, target: Any, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Any]:
        """See `Tokenizer.prepare_example`; with labels=scenes training gets the classes of the points of its blocks."""
        if not self.labels_scenes:
            return self.prepare(sample, generator), target
        return self._scene(sample, target, generator)

    @property
    def _ground(self) -> tuple[int, int]:
        """The axes that are not upright."""
        first, second = (axis for axis in range(3) if axis != "xyz".index(self.options.upright))
        return first, second

    def _side_for(self, cloud: PointCloud) -> float:
        return side_for(cloud.points[:, list(self._ground)], self.options.block_points)

    def _scene(
        self, cloud: PointCloud, target: Any, generator: torch.Generator | None
    ) -> tuple[dict[str, Tensor], Any]:
        side = self._block or self._side_for(cloud)
        carried, options = self._carried(cloud), self.options
        grouped = Grouping(options.max_points, options.groups, options.ratio, options.neighbours)
        labels = None if target is None else np.asarray(target)
        of_file = None if labels is None else in_file(cloud, labels)
        if generator is None:
            return covered(cloud, carried, side, options.overlap, options.upright, grouped), of_file
        return drawn(
            cloud, carried, labels, side, options.blocks, options.upright, options.channels, grouped, generator
        )

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """One token a neighbourhood: what it looks like, where it is, and how large the whole cloud is.

        Returns:
            values (B, G, D); coords (B, G, 3), the centres in the cloud's unit (radii or the file's), about its mean;
            side has places and places_mask where there are places. With labels=scenes a block is a view, and side has
            what `SceneSegmentationHead` needs.
        """
        if self.labels_scenes:
            return self._blocks_to_tokens(batch)
        if self.picture is not None:
            return self.see(batch)
        groups_BGKC, centres_BG3, mask = batch["groups"], batch["centres"], batch.get("groups_mask")
        size_BG1 = batch["log_radius"][:, None, None].expand(-1, centres_BG3.shape[1], 1)
        places_BG4 = torch.cat([centres_BG3, size_BG1], dim=-1)
        values = self._embedded(groups_BGKC, places_BG4, mask)
        side = {name: batch[name] for name in ("places", "places_mask") if name in batch}
        return Tokens(values, mask=mask, coords=centres_BG3, side=side)

    def _blocks_to_tokens(self, batch: Mapping[str, Tensor]) -> Tokens:
        views = batch["centres"].shape[1]
        groups_RGKC, centres_RG3, heights_RG1, mask_RG = (
            rearrange(batch[name], "b v ... -> (b v) ...") for name in ("groups", "centres", "heights", "is_group")
        )
        places_RG4 = torch.cat([centres_RG3, heights_RG1], dim=-1)
        values = self._embedded(groups_RGKC, places_RG4, mask_RG)
        side = {name: batch[name] for name in SIDE if name in batch}
        return Tokens(values, mask=mask_RG, coords=centres_RG3, views=views, side=side)

    def regions(self, sample: PointCloud, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Neighbourhoods in the file's own coordinates; with view=picture patches of what is drawn;
        with labels=scenes where each lies in its block."""
        if self.picture is not None or self.labels_scenes:
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
            rows=np.arange(len(order))[order] if sample.rows is None else sample.rows[order],
        )

    def _embedded(self, groups_BGKC: Tensor, places_BG4: Tensor, mask_BG: Tensor | None) -> Tensor:
        """(B, G, D)."""
        if torch.compiler.is_compiling():
            return self._embed(groups_BGKC, places_BG4)
        if mask_BG is None:
            flat = self._embed(groups_BGKC.flatten(0, 1), places_BG4.flatten(0, 1))
            return flat.view(*places_BG4.shape[:2], self.width)
        real = self._embed(groups_BGKC[mask_BG], places_BG4[mask_BG])  # padding is not computed
        return real.new_zeros((*mask_BG.shape, self.width)).masked_scatter(mask_BG[..., None], real)

    def _embed(self, groups_MKC: Tensor, places_M4: Tensor) -> Tensor:
        """(M, D); M may be several axes."""
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
