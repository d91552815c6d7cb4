"""The objects in a picture, as boxes.

B pictures, A cells of all feature maps, K classes, D objects found, M objects there, R squares, N tokens.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Detection, Features, Head, Options
from mt_core.errors import MissingDependencyError, OptionError
from mt_core.heads.decoder import on_lattice
from mt_core.heads.dense import MOST_NAMED
from mt_core.heads.joining import join_resized, join_resized_alike
from mt_core.heads.pyramid import SCALES, FeaturePyramid

if TYPE_CHECKING:
    import torchmetrics

SHOWN = 0.3
"""The score from which an object is shown to people."""


_THINNEST = 0.01
"""Pixels; a thinner box is none, and would have no area once it is written with three digits."""


class DetectionOptions(Options):
    """How objects are found."""

    hidden: int = Field(default=64, ge=64, le=1024, multiple_of=32, description="Channels of the feature maps.")
    convs: int = Field(
        default=2, ge=1, le=8, description="Convolutions of each map before classes, and before boxes, are read out."
    )
    least_score: float = Field(default=0.05, ge=0, lt=1, description="Objects with a lower score are left out.")
    most_objects: int = Field(default=100, ge=1, le=10_000, description="Objects of a picture, the most.")
    nms: float = Field(
        default=0.6,
        gt=0,
        le=1,
        description="Of two objects of one class whose intersection over union is larger, the likelier one is kept.",
    )


class DetectionHead(Head):
    """Boxes, classes and scores by torchvision's FCOS on a feature pyramid over the tokens of a picture, which is
    looked at in overlapping squares (`DensePictureTokenizer` with labels=boxes).

    Sources: Tian et al. 2019 (FCOS), arXiv:1904.01355, with torchvision's own head, loss and selection of boxes; Li et
    al. 2022 (ViTDet), arXiv:2203.16527, for the pyramid.
    """

    Options = DetectionOptions
    options: DetectionOptions
    kinds = ("detection",)
    primary = "map"
    samples_at_once = 8
    sized_by = ("resized",)

    def __init__(self, width: int, task: AnyTask, options: DetectionOptions | None = None) -> None:
        """
        Raises:
            MissingDependencyError: what measures boxes is not installed.
        """
        super().__init__(width, task, options)
        if not isinstance(task, Detection):
            raise OptionError(
                f"{type(self).__name__} does not take a task of kind {task.kind!r}", fix="use it to find objects"
            )
        self.classes = task.classes
        self.normalise = nn.LayerNorm(width)
        self.detector = _detector(width, len(self.classes), self.options)

    def forward(self, features: Features) -> Tensor:
        """(B, A, K + 12): for each cell K logits; the distances to the four sides of the box and the centrality, as
        FCOS has them; the cell itself, left, top, right and bottom in pixels of the original picture; the number of its
        map; and height and width of the picture. NaN behind the cells of a picture that is smaller than others.

        Raises:
            OptionError: features of a tokenizer that does not look for objects.
        """
        tokens_RDhw, patch = self._of_squares(features)
        side = features.side
        maps = join_resized(tokens_RDhw, side, patch)
        pictures: list[Tensor] = [tokens_RDhw] * len(maps)
        for shape in dict.fromkeys(each.shape for each in maps):  # each size by itself: padding would change the norms
            rows = [row for row, each in enumerate(maps) if each.shape == shape]
            output_BAC = self._of_one_size(torch.stack([maps[row] for row in rows]), side["size"][rows], patch)
            for row, output_AC in zip(rows, output_BAC, strict=True):
                pictures[row] = output_AC
        most = max(map(len, pictures))
        return torch.stack([nn.functional.pad(each, (0, 0, 0, most - len(each)), value=math.nan) for each in pictures])

    def forward_alike(self, features: Features) -> Tensor:
        """See `Head.forward_alike`."""
        tokens_RDhw, patch = self._of_squares(features)
        return self._of_one_size(join_resized_alike(tokens_RDhw, features.side, patch), features.side["size"], patch)

    def _of_squares(self, features: Features) -> tuple[Tensor, int]:
        """(R, D, h, w) the tokens of each square, and the pixels of their sides."""
        if "squares" not in features.side or features.grid is None or len(features.grid) != 2:
            raise OptionError(
                "objects cannot be found with these tokens, which do not say where squares of a picture lie",
                fix="make the tokenizer with labels=boxes",
            )
        tokens_RDhw = on_lattice(self.normalise(features.tokens), features.grid)
        return tokens_RDhw, features.side["pixels"].shape[-1] // features.grid[-1]

    def _of_one_size(self, tokens_BDhw: Tensor, size_B2: Tensor, patch: int) -> Tensor:
        """The output for pictures that were resized to one size."""
        maps = list(self.detector.backbone(tokens_BDhw).values())
        outputs = self.detector.head(maps)
        size_B2 = size_B2.to(tokens_BDhw.device, torch.float32)
        cells = [_cells(each.shape[-2:], patch / scale) for each, scale in zip(maps, SCALES, strict=True)]
        levels = [torch.full((each.shape[0], 1), float(level)) for level, each in enumerate(cells)]
        level_A1 = torch.cat(levels).to(size_B2)
        high, wide = (patch * side for side in tokens_BDhw.shape[-2:])
        across_B, down_B = size_B2[:, 1] / wide, size_B2[:, 0] / high  # of a resized pixel
        scale_B4 = torch.stack([across_B, down_B] * 2, dim=-1)
        cells_BA4 = torch.cat(cells).to(size_B2) * scale_B4[:, None]
        columns = [outputs[name].float() for name in ("cls_logits", "bbox_regression", "bbox_ctrness")]
        batch, num_cells = cells_BA4.shape[:2]
        columns += [cells_BA4, level_A1.expand(batch, -1, -1), size_B2[:, None].expand(-1, num_cells, -1)]
        return torch.cat(columns, dim=-1)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """FCOS's focal loss of the classes, GIoU loss of the boxes and cross-entropy of the centrality, each divided by
        the cells that lie in an object, as a mean over the pictures. Cells in objects that are ignored add nothing."""
        losses = [
            self._loss_of(output_AC[~output_AC[:, 0].isnan()].float(), target_M6[~target_M6[:, 4].isnan()])
            for output_AC, target_M6 in zip(output, target, strict=True)
            if not target_M6.isnan().all()
        ]
        return torch.stack(losses).mean() if losses else output.nan_to_num(0.0).sum() * 0.0

    def _loss_of(self, output_AC: Tensor, target_M6: Tensor) -> Tensor:
        outputs, cells_A4, counts, _ = self._parts(output_AC)
        objects_M6 = target_M6[target_M6[:, 4] >= 0].float()
        is_ignored = objects_M6[:, 5] > 0
        counted_M6 = objects_M6[~is_ignored]
        is_out_A = _is_in(cells_A4, objects_M6[is_ignored]) & ~_is_in(cells_A4, counted_M6)
        # as sure as can be that nothing is there: neither loss nor gradient
        outputs["cls_logits"] = outputs["cls_logits"].masked_fill(is_out_A[:, None], -1e4)
        losses: dict[str, Tensor] = self.detector.compute_loss(
            [{"boxes": counted_M6[:, :4], "labels": counted_M6[:, 4].long()}],
            {name: each[None] for name, each in outputs.items()},
            [cells_A4],
            counts,
        )
        return torch.stack(list(losses.values())).sum()

    def _parts(self, output_AC: Tensor) -> tuple[dict[str, Tensor], Tensor, list[int], tuple[int, int]]:
        """What FCOS puts out for the cells of one picture, the cells, how many there are of each map, and the size of
        the picture."""
        logits, sides, centrality, cells_A4, level, size = self._columns(output_AC)
        outputs = {"cls_logits": logits, "bbox_regression": sides, "bbox_ctrness": centrality}
        counts = torch.bincount(level[:, 0].long(), minlength=len(SCALES)).tolist()
        height, width = size[0].tolist()
        return outputs, cells_A4, counts, (height, width)

    def _columns(self, output: Tensor) -> tuple[Tensor, ...]:
        """Logits, sides, centrality, cell, number of the map, and size of the picture."""
        return output.split_with_sizes([len(self.classes), 4, 1, 4, 1, 2], dim=-1)

    def candidates(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `found` selects from, of each cell: (B, A, 4) its box in pixels, cut to the picture, (B, A, K) the score
        of each class, and (B, A) the number of its map."""
        logits, sides, centrality, cells_BA4, level_BA1, size_BA2 = self._columns(output.float())
        boxes_BA4: Tensor = self.detector.box_coder.decode(sides, cells_BA4).clamp(min=0)
        edges_BA4 = torch.cat([size_BA2.flip(-1)] * 2, dim=-1)
        scores_BAK = (logits.sigmoid() * centrality.sigmoid()).sqrt()
        return torch.minimum(boxes_BA4, edges_BA4), scores_BAK, level_BA1[..., 0]

    def selection(self) -> dict[str, Any]:
        """How `found` selects, as numbers: a higher score than `least_score`; of each map the likeliest
        `most_of_map` pairs of box and class; of two of one class that overlap by more than `nms` the likelier one; of
        what is left `most_objects`; and of these the boxes both of whose sides are longer than `thinnest` pixels."""
        return {
            "least_score": self.detector.score_thresh,
            "most_of_map": self.detector.topk_candidates,
            "nms": self.detector.nms_thresh,
            "most_objects": self.detector.detections_per_img,
            "thinnest": _THINNEST,
        }

    def found(self, output: Tensor) -> list[Tensor]:
        """Of each picture (D, 6) left, top, right, bottom in pixels, score and class of its objects, the likeliest
        first; selected as torchvision's FCOS does."""
        return [self._found_in(output_AC[~output_AC[:, 0].isnan()].detach().float()) for output_AC in output]

    def _found_in(self, output_AC: Tensor) -> Tensor:
        outputs, cells_A4, counts, size = self._parts(output_AC)
        (objects,) = self.detector.postprocess_detections(
            {name: list(each[None].split_with_sizes(counts, dim=1)) for name, each in outputs.items()},
            [list(cells_A4.split_with_sizes(counts))],
            [size],
        )
        rows_D6 = torch.cat([objects["boxes"], objects["scores"][:, None], objects["labels"][:, None].float()], dim=1)
        return rows_D6[(rows_D6[:, 2:4] - rows_D6[:, :2] > _THINNEST).all(1)]

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """A list of objects, the likeliest first: `class`, `score` and `box`, which is left, top, right and bottom in
        pixels of the original picture. The key `size` has the picture's height and width."""
        decoded = []
        for output_AC, rows_D6 in zip(output, self.found(output), strict=True):
            objects = [
                {"class": self.classes[int(row[5])], "score": round(row[4], 6), "box": [round(x, 3) for x in row[:4]]}
                for row in rows_D6.tolist()
            ]
            decoded.append({"prediction": objects, "size": [round(side) for side in output_AC[0, -2:].tolist()]})
        return decoded

    def format_prediction(self, decoded: Mapping[str, Any]) -> str:
        """How many objects of each class have a score of 0.3 or more, and the best score of each class."""
        likely = [each for each in decoded["prediction"] if each["score"] >= SHOWN]
        counts = Counter(each["class"] for each in likely)
        best = {name: max(each["score"] for each in likely if each["class"] == name) for name in counts}
        parts = [f"{count} {name} (up to {best[name]:.2f})" for name, count in counts.most_common()]
        return ", ".join(parts) or f"nothing with a score of {SHOWN} or more"

    def metrics(self) -> torchmetrics.MetricCollection:
        """map (mean over the classes that occur, and over thresholds of intersection over union from 0.5 to 0.95, of
        the average precision), map_50 and map_75 (of that threshold alone), as COCO defines them, and of up to forty
        classes ap_… of each, over these thresholds."""
        import torchmetrics

        from mt_core.heads.average_precision import AveragePrecision, Computed

        computed = Computed()
        metrics: dict[str, torchmetrics.Metric] = {
            "map": AveragePrecision("map", computed),
            "map_50": AveragePrecision("map_50", computed),
            "map_75": AveragePrecision("map_75", computed),
        }
        if len(self.classes) <= MOST_NAMED:
            metrics |= {f"ap_{name}": AveragePrecision(index, computed) for index, name in enumerate(self.classes)}
        return torchmetrics.MetricCollection(metrics)  # type: ignore[arg-type]

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, 6) as `found` gives them, NaN behind the objects of a picture, and the targets."""
        is_known = ~target.isnan().all(-1).all(-1)
        rows = self.found(output[is_known])
        most = max(map(len, rows), default=0)
        padded = [nn.functional.pad(each, (0, 0, 0, most - len(each)), value=math.nan) for each in rows]
        return torch.stack(padded) if padded else output.new_zeros(0, 0, 6), target[is_known]


def _detector(width: int, num_classes: int, options: DetectionOptions) -> Any:
    """torchvision's FCOS over a pyramid of tokens; only its parts are called."""
    try:
        import faster_coco_eval  # noqa: F401 - the metrics need it, after the first epoch
        from torchvision.models.detection.anchor_utils import AnchorGenerator
        from torchvision.models.detection.fcos import FCOS, FCOSHead
    except ImportError as error:
        raise MissingDependencyError(
            f"objects are found and measured with {error.name}, which is not installed",
            fix='pip install "mt-core[detection]"',
        ) from None
    return FCOS(
        FeaturePyramid(width, options.hidden),
        num_classes,
        anchor_generator=AnchorGenerator(((1,),) * len(SCALES), ((1.0,),) * len(SCALES)),
        head=FCOSHead(options.hidden, 1, num_classes, options.convs),
        score_thresh=options.least_score,
        nms_thresh=options.nms,
        detections_per_img=options.most_objects,
    )


def _cells(shape: torch.Size, stride: float) -> Tensor:
    """(h * w, 4) the squares of `stride` resized pixels that the cells of a map stand for, row by row.

    Source: Tian et al. 2019, section 3.1; torchvision's own lie half a stride further to the left and up.
    """
    height, width = shape
    down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    corners = torch.stack([across, down, across + 1, down + 1], dim=-1)
    return corners.reshape(-1, 4) * stride


def _is_in(cells_A4: Tensor, objects_M6: Tensor) -> Tensor:
    """(A,) whether the middle of a cell lies in one of the objects."""
    middle_A12 = (cells_A4[:, None, :2] + cells_A4[:, None, 2:]) / 2
    is_in_AM = (middle_A12 > objects_M6[:, :2]).all(-1) & (middle_A12 < objects_M6[:, 2:4]).all(-1)
    return is_in_AM.any(1)
