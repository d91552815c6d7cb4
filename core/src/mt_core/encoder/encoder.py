"""The frozen encoder.  R = B * V rows, N tokens a row, P prefix tokens ([CLS], then registers), D and E widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor

from mt_core.contract import Features, Tokens, TokenTable
from mt_core.encoder.block_stack import BlockStack, Runner
from mt_core.encoder.budget import Back, TokenBudget, as_it_is, features_of, parse_budget
from mt_core.encoder.fingerprint import fingerprint
from mt_core.encoder.packing import join, pack, plan_joining, plan_packing, separate
from mt_core.encoder.plain_vit import VitParts
from mt_core.errors import FingerprintError, OptionError, TokensError

_TOKENS_AT_ONCE = 65_536
"""Tokens whose activations are in memory together where nothing is learned; rows beyond are computed afterwards."""


@dataclass(frozen=True)
class Tower:
    """What an encoder is that was trained together with another one, so that both have one space of vectors.

    Attributes:
        reads: What it was trained on.
        space: Name of the space: of all weights of both.
        projection: (D, E) [CLS] times this, scaled to length 1, is a sample's vector.
        scale: What cosines are multiplied by before a softmax.
        other: Makes the other encoder.
    """

    reads: Literal["pictures", "text"]
    space: str
    projection: Tensor
    scale: float
    other: Callable[[], Encoder]


class Encoder(BlockStack):
    """A stack of transformer blocks that knows tokens and masks, and never a modality.

    Frozen: no parameter asks for a gradient and `train()` leaves it in evaluation mode; gradients pass through it to
    the tokens. Padding is never computed: the real tokens of a batch are packed, and the result equals that of each
    row alone.

    Args:
        parts: What the encoder is made of.
        name: As the user gave it to `load_encoder`: a name of the catalog or a path.
        description: One line for every output: what it is, and whether it was trained.
        is_trained: False for random weights.
        mean, std: Normalisation of RGB in [0, 1] that the encoder was trained with, from its own configuration.
        native_size: Side in pixels of the square pictures that it was trained on; None: by its lattice of positions.
        interpolation: How pictures were resized for it: "bicubic", as for nearly all ViTs, or "bilinear".
        fit: How pictures that are no squares became squares for it; None: not known.
        token_table: What makes tokens of texts, of an encoder for texts.
        tower: Of one of two encoders that were trained together.

    Attributes:
        num_heads: Of each attention.
        budget: How many tokens of a row go through the blocks together; see `with_budget`. None: all.
        most_rounds: Given how often the blocks run here, how often they run in the one of several processes that runs
            them most: all then do. None: other processes do not matter.
        patch_weight, patch_bias: (D, 3, height, width) and (D,), the encoder's own patch embedding, for an image
            tokenizer to start from; None where it has none, or where it is more than a convolution.
        positions: (N, D) of the patches alone, row-major over `positions_grid`; None where it has none.
    """

    patch_weight: Tensor | None
    patch_bias: Tensor | None
    positions: Tensor | None

    def __init__(
        self,
        parts: VitParts,
        *,
        name: str,
        description: str,
        is_trained: bool,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        native_size: int | None = None,
        interpolation: str = "bicubic",
        fit: Literal["crop", "squash"] | None = None,
        token_table: TokenTable | None = None,
        tower: Tower | None = None,
    ) -> None:
        super().__init__(parts)
        self.name = name
        self.description = description
        self.is_trained = is_trained
        self.mean = mean
        self.std = std
        self.interpolation = interpolation
        self.num_heads = parts.num_heads
        self.budget: TokenBudget | None = None
        self.most_rounds: Callable[[int], int] | None = None
        self.fit = fit
        self.token_table = token_table
        self.tower = tower
        self.positions_grid = parts.positions_grid
        for own in ("patch_weight", "patch_bias", "positions"):
            self.register_buffer(own, getattr(parts, own))
        self.native_size = native_size if native_size is not None else self._size_by_positions()
        self._is_frozen = True
        self.requires_grad_(False)
        self.eval()
        self._loaded = self._compute_fingerprint()

    @property
    def native_patch(self) -> int | None:
        """Side in pixels of the square patches that it was made for, None without a patch embedding for squares."""
        if self.patch_weight is None or self.patch_weight.shape[-1] != self.patch_weight.shape[-2]:
            return None
        return int(self.patch_weight.shape[-1])

    def _size_by_positions(self) -> int | None:
        grid, patch = self.positions_grid, self.native_patch
        return grid[0] * patch if patch is not None and grid is not None and grid[0] == grid[1] else None

    @property
    def feature_width(self) -> int:
        """Of the features: D for each of `layers`."""
        return self.width * len(self.layers or (self.depth,))

    def for_cells(self, cells: str | None) -> Encoder:
        """The encoder for samples of a kind: of two towers that of texts for "text", and that of pictures for all
        others; else itself.

        Args:
            cells: Of the modality's manifest.
        """
        wanted = "text" if cells == "text" else "pictures"
        return self if self.tower is None or self.tower.reads == wanted else self.tower.other()

    def with_layers(self, layers: Sequence[int] | None) -> Encoder:
        """The same encoder, sharing its weights, with features of several blocks side by side.

        Args:
            layers: Blocks counted from 1, ascending; each output goes through the final norm. 0: the tokens as they
                enter the first block. Blocks behind the last one named are not run. None: the last block alone.

        Raises:
            OptionError: none, one that there is not, or not ascending.
        """
        if layers is not None and (
            not layers or list(layers) != sorted(set(layers)) or not 0 <= layers[0] <= layers[-1] <= self.depth
        ):
            raise OptionError(
                f"layers={','.join(map(str, layers))} is no choice of the blocks of {self.name}",
                fix=f"give ascending numbers from 0 (the tokens) to {self.depth} (the last block)",
            )
        shared = copy(self)
        shared.layers = None if layers is None else tuple(layers)
        shared.runner = None  # made for other layers
        return shared

    def with_budget(self, budget: TokenBudget | int | str | None) -> Encoder:
        """The same encoder, sharing its weights, for rows of more tokens than attention has time and memory for.

        Args:
            budget: 1024 or "merge:1024": of a row with more tokens similar neighbours are joined until so many are
                left; "tiles:1024": such a row is cut into pieces of so many, which do not see each other. See
                `mt_core.encoder.budget`. None: all tokens go through the blocks together.

        Raises:
            OptionError: anything else.
        """
        shared = copy(self)
        shared.budget = parse_budget(budget)
        return shared

    @property
    def choices(self) -> dict[str, Any]:
        """`layers` and `token_budget`, as JSON can hold them: what features depend on beside the weights."""
        return {
            "layers": None if self.layers is None else list(self.layers),
            "token_budget": None if self.budget is None else str(self.budget),
        }

    def with_choices(self, record: Mapping[str, Any]) -> Encoder:
        """The same encoder with the `choices` that a record names."""
        return self.with_layers(record.get("layers")).with_budget(record.get("token_budget"))

    def with_runner(self, runner: Runner | None) -> Encoder:
        """The same encoder, sharing its weights, whose blocks are computed by a runner that was made for it and its
        layers (`mt_core.encoder.backends`), without gradients; None: by torch."""
        shared = copy(self)
        shared.runner = runner
        return shared

    @property
    def is_causal(self) -> bool:
        """Whether tokens attend to none behind them."""
        return any(getattr(getattr(block, "attn", None), "is_causal", False) for block in self.blocks)

    @property
    def is_frozen(self) -> bool:
        return self._is_frozen

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all tensors: as loaded while frozen, as they are now after `unfreeze`."""
        return self._loaded if self._is_frozen else self._compute_fingerprint()

    def _compute_fingerprint(self) -> str:
        # what no tensor's shape tells, and the output depends on
        eps = activation = None
        if len(self.blocks):
            block: Any = self.blocks[0]
            eps, activation = getattr(block.norm1, "eps", None), type(getattr(block.mlp, "act", None)).__name__
        configuration = f"heads {self.num_heads} eps {eps} activation {activation} cls {self.has_cls}"
        if self.is_causal or self.cls_is_last:
            configuration += f" causal {self.is_causal} last {self.cls_is_last}"
        return fingerprint(self.state_dict(), configuration)

    def verify(self) -> None:
        """Hold the weights against what was loaded.

        Raises:
            FingerprintError: a bit of them has changed.
        """
        if self._compute_fingerprint() != self._loaded:
            raise FingerprintError(
                f"the encoder {self.name} ({self.description}) was changed after loading",
                fix="load it again; to train it on purpose choose the tuning 'full'",
            )

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self._is_frozen)

    def unfreeze(self) -> Self:
        """Let all parameters learn, for full fine-tuning. From now on `train` is honoured."""
        self._is_frozen = False
        return self.requires_grad_(True)

    def freeze(self, *, description: str) -> Self:
        """Fix the weights as they are now; the fingerprint from now on is theirs."""
        self.description = description
        self._is_frozen = True
        self._loaded = self._compute_fingerprint()
        self.requires_grad_(False)
        return self.eval()

    def num_parameters(self) -> int:
        """Parameters that every forward runs through; patch embedding and positions are the tokenizer's to copy."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, tokens: Tokens) -> Features:
        """Features of the real tokens, each row alone; of a row beyond the `budget` as that says.

        Returns:
            `tokens` (R, N, D), zeros where the mask is False; `cls` (R, D), zeros for a row without a real token, or
            None for an encoder without [CLS]; the rest as it came.

        Raises:
            TokensError: another width than the encoder's, or a sample without a real token.
        """
        self._check(tokens)
        fitted, back = self._fitted(tokens)
        return back(self._features(fitted))

    def _fitted(self, tokens: Tokens) -> tuple[Tokens, Back]:
        """As the budget has them, where there are blocks to save."""
        return self.budget.fit(tokens) if self.budget is not None and self.depth else (tokens, as_it_is)

    def _features(self, tokens: Tokens) -> Features:
        values = tokens.values.to(self._dtype())
        rows_at_once = max(1, _TOKENS_AT_ONCE // max(1, values.shape[1]))
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return features_of(*self._run(values, tokens.mask), tokens)
        parts: Sequence[Tensor] = torch.split(values, rows_at_once)
        masks: list[Tensor | None] = [None] * len(parts)
        if tokens.mask is not None:
            masks = list(torch.split(tokens.mask, rows_at_once))
        # of a piece without a real token there would be nothing to run
        if len(parts) == 1 or any(mask is not None and not mask.any() for mask in masks):
            parts, masks = [values], [tokens.mask]
        rounds = len(parts) if self.most_rounds is None else self.most_rounds(len(parts))
        pieces = [self._run(*part) for part in zip(parts, masks, strict=True)]
        for _ in range(rounds - len(pieces)):
            self._run(values.new_zeros(1, 1, self.width), None)
        if len(pieces) == 1:
            return features_of(*pieces[0], tokens)
        cls = torch.cat([cls for _, cls in pieces if cls is not None]) if self.has_cls else None
        return features_of(torch.cat([features for features, _ in pieces]), cls, tokens)

    def forward_together(self, batches: Sequence[Tokens]) -> list[Features]:
        """Features of several batches, of whatever modalities, in one pass over all their real tokens.

        Each equals what `forward` gives for its batch alone, to 1e-5.

        Args:
            batches: Each with at least one sample.

        Raises:
            TokensError: as for `forward`.
        """
        if len(batches) < 2:
            return [self(tokens) for tokens in batches]
        for tokens in batches:
            self._check(tokens)
        fitted = [self._fitted(tokens) for tokens in batches]
        batches = [tokens for tokens, _ in fitted]
        values = [tokens.values.to(self._dtype()) for tokens in batches]
        prefix_PD = self._prefix(values[0])
        packings = [plan_packing(tokens.real(), len(prefix_PD)) for tokens in batches]
        joined = plan_joining(packings)
        packed = [pack(values_RND, prefix_PD, packing) for values_RND, packing in zip(values, packings, strict=True)]
        output_TD = self._run_blocks(join(packed, packings, joined), joined.groups)
        outputs = zip(separate(output_TD, packings, joined), packings, fitted, strict=True)
        return [
            back(features_of(*self._unpacked(packed_TD, packing, *tokens.values.shape[:2]), tokens))
            for packed_TD, packing, (tokens, back) in outputs
        ]

    def _check(self, tokens: Tokens) -> None:
        rows, num_tokens, width = tokens.values.shape
        if width != self.width:
            raise TokensError(
                f"the tokens are {width} wide, the encoder {self.name} takes {self.width}",
                fix=f"make the tokenizer with width={self.width}, or choose an encoder of width {width}",
            )
        if (tokens.mask is None and num_tokens) or torch.compiler.is_compiling():
            return  # nothing to look at, and nothing that depends on values, which torch.export could not trace
        has_real = tokens.real().reshape(tokens.num_samples, tokens.views * num_tokens).any(1)
        if rows and not bool(has_real.all()):
            sample = int(has_real.int().argmin())
            raise TokensError(
                f"sample {sample} of the batch has no real token",
                fix="give each sample at least one token whose mask is True, or refuse the sample in `prepare`",
            )
