"""Names to encoders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from mt_core.encoder import registry, tiny
from mt_core.encoder.encoder import Encoder
from mt_core.encoder.layouts import load_file
from mt_core.encoder.names import KNOWN, TINY, EncoderName, parse_name
from mt_core.encoder.plain_vit import VitParts, build_vit, normalisation, parts_of
from mt_core.encoder.random_weights import draw_weights
from mt_core.encoder.timm_models import check_architecture
from mt_core.encoder.weights import are_here, check_licence, checked

DEFAULT_ENCODER = TINY


@contextmanager
def _on_one_thread() -> Iterator[None]:
    """Hundreds of tensors are looked at and copied: that several threads wait for one another each time costs more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_on_one_thread()
def load_encoder(name: str | Path | None = None, *, architecture: str | None = None) -> Encoder:
    """The frozen encoder of this name.

    Args:
        name: `mt-tiny`: the pretrained ViT-Tiny that comes with this package. `random/<timm ViT>`: weights drawn from
            seed 0, or `random/<timm ViT>@<seed>`, the same on every machine. `none/<timm ViT>`: no block at all,
            features are the tokens; the control that tells what tokenizer and head do alone. `timm/<timm ViT>`: trained
            weights, from the folder of weights (`mt fetch`), from the hub or its cache. `open_clip/<model>`: two
            towers, for pictures and for texts (`Encoder.for_cells`), from the hub or its cache. A file: in timm's
            layout, the original project's or open_clip's (see `layouts`). A name that a plugin in use registers, or
            that `mt fetch` was given. None: `DEFAULT_ENCODER`.
        architecture: timm's name of what a file holds, where it cannot be told from the file.

    Raises:
        FingerprintError: a bundled file that is not the one that was released, a fetched one that has changed.
        EncoderError: an unknown name, a hub that cannot be reached, a file that is not what it should be, a licence
            that was not accepted.
    """
    if name is None:
        name = DEFAULT_ENCODER
    parsed = parse_name(name, registry.registered())
    if parsed.kind == "tiny":
        return tiny.load_tiny()
    if parsed.kind == "file":
        return load_file(Path(name), name=str(name), architecture=architecture)
    if parsed.kind == "random":
        return _random(str(name), parsed)
    if parsed.kind == "none":
        return _none(str(name), parsed.model)
    if parsed.kind == "timm":
        return _trained(str(name), parsed.model)
    if parsed.kind == "fetched":
        return load_file(checked(str(name)), name=str(name))
    if parsed.kind == "open_clip":
        from mt_core.encoder.hub import fetch_open_clip

        return load_file(fetch_open_clip(parsed.model), name=str(name))
    return registry.registered()[str(name)]()


def list_encoders() -> list[str]:
    """Names that `load_encoder` takes without a download, and the paper's; any plain ViT of timm works as well."""
    return [*KNOWN, *registry.registered()]


def _random(name: str, parsed: EncoderName) -> Encoder:
    model, seed = parsed.model, parsed.seed
    vit = build_vit(model)
    draw_weights(vit.state_dict(), seed)
    mean, std = normalisation(model)
    description = f"random {_title(model)}, seed {seed} (untrained control)"
    return Encoder(parts_of(vit), name=name, description=description, is_trained=False, mean=mean, std=std)


def _none(name: str, model: str) -> Encoder:
    """The width and the normalisation of a ViT, and nothing that computes."""
    vit = build_vit(model)
    mean, std = normalisation(model)
    nothing = VitParts(nn.Sequential(), nn.Identity(), nn.Identity(), width=vit.embed_dim, num_heads=0)
    description = f"no encoder, width of {_title(model)} (control)"
    return Encoder(nothing, name=name, description=description, is_trained=False, mean=mean, std=std)


def _trained(name: str, model: str) -> Encoder:
    from mt_core.encoder.hub import fetch_vit, timm_licence

    check_architecture(model)
    description = f"{model} with timm's trained weights"
    if are_here(name):
        # by timm's name: the hub has one file for architectures that differ in their activation
        encoder = load_file(checked(name, timm_licence(model)), name=name, architecture=model)
        encoder.description = description
        return encoder
    check_licence(name, timm_licence(model), is_accepted=False)
    vit, interpolation = fetch_vit(model)
    mean, std = normalisation(model)
    return Encoder(
        parts_of(vit),
        name=name,
        description=description,
        is_trained=True,
        mean=mean,
        std=std,
        interpolation=interpolation,
    )


def _title(model: str) -> str:
    """`ViT-Tiny` of `vit_tiny_patch16_224`, the name itself of any other kind."""
    match = re.fullmatch(r"vit_([a-z]+)_patch16_224", model)
    return f"ViT-{match[1].title()}" if match else model
