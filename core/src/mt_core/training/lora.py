"""Small matrices beside an encoder's linear layers, trained while its own weights stay as they are.

A layer with weights W (O, I) gives W x + scale * B A x, with A (R, I) and B (O, R); B begins as zeros. `peft` puts them
in for training. A run keeps A and B; where they are used afterwards they are added to the weights of a copy.

Source: Hu et al. 2022 (LoRA), arXiv:2106.09685, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from mt_core.encoder import Encoder
from mt_core.errors import MissingDependencyError, OptionError, RunError
from mt_core.model import MergedAdapters, MetaTransformer, seeded
from mt_core.training.recipe import Recipe

_NAME = "default"  # as peft calls the only adapter of a layer
_SCALE = "scale"


def check_peft() -> None:
    """Raises MissingDependencyError: what trains adapters is not installed."""
    if find_spec("peft") is None:
        raise MissingDependencyError(
            "tune=lora trains through peft, which is not installed", fix='pip install "mt-core[lora]"'
        )


def add_adapters(model: MetaTransformer, recipe: Recipe) -> None:
    """Give a model its own copy of the encoder, with adapters to train beside the layers that the recipe names.

    Raises:
        MissingDependencyError: peft is not installed.
        OptionError: a name of no linear layer of the encoder's blocks.
    """
    check_peft()
    linear = {name.rpartition(".")[2] for name, _ in _linears(model.encoder.blocks)}
    if unknown := [name for name in recipe.lora_targets if name not in linear]:
        raise OptionError(
            f"lora_targets={','.join(recipe.lora_targets)}: the blocks of {model.encoder.name} have no linear layer "
            f"called {', '.join(unknown)}",
            fix=f"use {', '.join(sorted(linear))}" if linear else "choose an encoder with blocks, or tune=frozen",
        )
    from peft import LoraConfig, inject_adapter_in_model

    model.encoder = deepcopy(model.encoder)  # other models may share it
    config = LoraConfig(r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, target_modules=list(recipe.lora_targets))  # type: ignore[arg-type]
    with seeded(model.seed + 2):
        inject_adapter_in_model(config, model.encoder.blocks)
    model.encoder.to(model.device)


def has_adapters(encoder: Encoder) -> bool:
    """Whether there are adapters beside its layers, not added to them."""
    return next(_layers(encoder), None) is not None


def adapters_of(encoder: Encoder) -> dict[str, Tensor]:
    """A and B of each layer that has them, and their scale; {} where none has."""
    tensors: dict[str, Tensor] = {}
    for name, layer in _layers(encoder):
        tensors[f"{name}.lora_A"] = layer.lora_A[_NAME].weight
        tensors[f"{name}.lora_B"] = layer.lora_B[_NAME].weight
        tensors[_SCALE] = torch.tensor(float(layer.scaling[_NAME]))
    return tensors


def load_adapters(encoder: Encoder, tensors: Mapping[str, Tensor], source: object) -> None:
    """Put what `adapters_of` gave beside the layers of an encoder that has adapters; else add it to the weights.

    Raises:
        RunError: they do not fit the encoder.
    """
    layers = dict(_layers(encoder))
    try:
        with torch.no_grad():
            if not layers:
                _add(encoder, tensors)
            for name, layer in layers.items():
                layer.lora_A[_NAME].weight.copy_(tensors[f"{name}.lora_A"])
                layer.lora_B[_NAME].weight.copy_(tensors[f"{name}.lora_B"])
    except (KeyError, RuntimeError, AttributeError) as error:
        raise RunError(
            f"the adapters in {source} do not fit the encoder {encoder.name} ({error})", fix="train the run again"
        ) from error


def remove_adapters(encoder: Encoder) -> dict[str, Tensor]:
    """Take the adapters from beside the layers, and give what they were: the encoder is as it was before."""
    tensors = {name: tensor.detach().clone() for name, tensor in adapters_of(encoder).items()}
    for name, layer in list(_layers(encoder)):
        parent, _, own = name.rpartition(".")
        setattr(encoder.blocks.get_submodule(parent), own, layer.get_base_layer())
    return tensors


def merge_adapters(model: MetaTransformer, tensors: Mapping[str, Tensor], source: object) -> None:
    """Add adapters to the weights of a model's frozen encoder, which from then on has a fingerprint of its own."""
    encoder, earlier = model.encoder, model.merged
    base_fingerprint = encoder.fingerprint if earlier is None else earlier.base_fingerprint
    load_adapters(encoder, tensors, source)
    encoder.freeze(description=f"{encoder.description}, with adapters (LoRA) trained in {source}")
    model.merged = MergedAdapters(tensors if earlier is None else joined(earlier.tensors, tensors), base_fingerprint)


def joined(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Adapters of the sum of two: of each layer A below A, and B, times its scale, beside B."""
    tensors = {_SCALE: torch.tensor(1.0)}
    for name in dict.fromkeys(name for name in (*first, *second) if name != _SCALE):
        scales = [float(part[_SCALE]) if name.endswith(".lora_B") else 1.0 for part in (first, second) if name in part]
        parts = [part[name].cpu() for part in (first, second) if name in part]
        scaled = [scale * part for scale, part in zip(scales, parts, strict=True)]
        tensors[name] = torch.cat(scaled, dim=1 if name.endswith(".lora_B") else 0)
    return tensors


def _add(encoder: Encoder, tensors: Mapping[str, Tensor]) -> None:
    for name in [name.removesuffix(".lora_A") for name in tensors if name.endswith(".lora_A")]:
        weight: Any = encoder.blocks.get_submodule(name).weight
        up, down = (tensors[f"{name}.lora_{part}"].to(weight.device, torch.float64) for part in "BA")
        weight.copy_(weight.double() + float(tensors[_SCALE]) * (up @ down))


def _linears(blocks: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, module) for name, module in blocks.named_modules() if isinstance(module, nn.Linear))


def _layers(encoder: Encoder) -> Iterator[tuple[str, Any]]:
    """The layers with adapters, by their names within the blocks."""
    return ((name, module) for name, module in encoder.blocks.named_modules() if hasattr(module, "lora_A"))
