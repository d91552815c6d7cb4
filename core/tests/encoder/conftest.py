"""A small encoder with a [CLS] token, and batches with padding in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder


@pytest.fixture
def encoder() -> Encoder:
    """64 wide, 6 blocks deep, 2 heads."""
    return load_encoder("random/test_vit")


@pytest.fixture
def padded_tokens() -> Tokens:
    """Four rows of 3, 7, 1 and 7 real tokens, in a length of 7."""
    values = torch.randn(4, 7, 64, generator=torch.Generator().manual_seed(0))
    return Tokens(values, torch.arange(7) < torch.tensor([[3], [7], [1], [7]]))


WEIGHTS = "open_clip_model.safetensors"
VISION = {"width": 48, "layers": 2, "head_width": 16, "patch_size": 8, "image_size": 32}
TEXT = {"width": 32, "layers": 2, "heads": 4, "context_length": 12, "vocab_size": 49408}


@pytest.fixture
def write_open_clip(tmp_path) -> Callable[..., Path]:
    """Writes a small model of open_clip with random weights: its tensors and its configuration, some of them others."""

    def write(
        *,
        vision: Mapping[str, Any] | None = None,
        text: Mapping[str, Any] | None = None,
        prepared: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Tensor | None] | None = None,
        **model: Any,
    ) -> Path:
        every = {**open_clip_tensors(), **(tensors or {})}
        save_file({name: each for name, each in every.items() if each is not None}, tmp_path / WEIGHTS)
        towers = {"vision_cfg": {**VISION, **(vision or {})}, "text_cfg": {**TEXT, **(text or {})}}
        config = {
            "model_cfg": {"embed_dim": 24, **towers, **model},
            "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], **(prepared or {})},
        }
        (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
        return tmp_path / WEIGHTS

    return write


def open_clip_tensors() -> dict[str, Tensor]:
    """The tensors of that model, by the names that open_clip gives them."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return 0.2 * torch.randn(shape, generator=generator)

    def blocks(prefix: str, width: int) -> dict[str, Tensor]:
        found = {}
        for number in range(2):
            for name, shape in {
                "ln_1.weight": (width,),
                "ln_1.bias": (width,),
                "attn.in_proj_weight": (3 * width, width),
                "attn.in_proj_bias": (3 * width,),
                "attn.out_proj.weight": (width, width),
                "attn.out_proj.bias": (width,),
                "ln_2.weight": (width,),
                "ln_2.bias": (width,),
                "mlp.c_fc.weight": (4 * width, width),
                "mlp.c_fc.bias": (4 * width,),
                "mlp.c_proj.weight": (width, 4 * width),
                "mlp.c_proj.bias": (width,),
            }.items():
                found[f"{prefix}transformer.resblocks.{number}.{name}"] = drawn(*shape)
        return found

    norms = {f"{name}.{part}": drawn(48) for name in ("visual.ln_pre", "visual.ln_post") for part in ("weight", "bias")}
    return {
        "visual.class_embedding": drawn(48),
        "visual.positional_embedding": drawn(17, 48),
        "visual.conv1.weight": drawn(48, 3, 8, 8),
        "visual.proj": drawn(48, 24),
        **norms,
        **blocks("visual.", 48),
        "token_embedding.weight": drawn(49408, 32),
        "positional_embedding": drawn(12, 32),
        "ln_final.weight": drawn(32),
        "ln_final.bias": drawn(32),
        "text_projection": drawn(32, 24),
        "logit_scale": torch.tensor(2.0),
        **blocks("", 32),
    }
