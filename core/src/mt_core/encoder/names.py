"""What encoders are called. A name is taken apart, and refused where it is none, without importing torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mt_core.encoder.open_clip_names import repository_of
from mt_core.encoder.weights import are_here, names_here
from mt_core.errors import EncoderError, nearest_name

TINY = "mt-tiny"
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Of files of weights."""

KNOWN = (
    TINY,
    *(f"random/vit_{size}_patch16_224" for size in ("tiny", "small", "base", "large")),
    "timm/vit_base_patch16_clip_224.laion2b",  # the paper's
    "timm/vit_large_patch14_clip_224.laion2b",
    *(f"open_clip/{model}" for model in ("ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-H-14")),
)
KINDS = ("random", "none", "timm", "open_clip")
"""What stands before the slash in names of the core's own."""

_FORMS = (
    "mt-tiny (pretrained on drawn pictures, bundled), random/<timm ViT> (untrained control; @<seed> for another draw), "
    "none/<timm ViT> (control without an encoder), timm/<timm ViT> (trained weights from the hub), open_clip/<model> "
    "(two towers, for pictures and for texts, from the hub), a name that mt fetch was given, or the path of a file "
    f"({', '.join(SUFFIXES)})"
)


@dataclass(frozen=True)
class EncoderName:
    """A name, taken apart.

    Attributes:
        kind: Where the encoder comes from; "added": a plugin has registered the name; "fetched": `mt fetch` was given
            it.
        model: timm's name of the architecture, for "random", "none" and "timm"; for "open_clip" the repository of the
            hub.
        seed: For "random".
    """

    kind: Literal["tiny", "file", "random", "none", "timm", "open_clip", "added", "fetched"]
    model: str = ""
    seed: int = 0


def parse_name(name: str | Path, added: Collection[str] = ()) -> EncoderName:
    """What kind of encoder a name means.

    Args:
        added: The names that plugins have registered.

    Raises:
        EncoderError: no name of an encoder, with the nearest one; or a file that `check_file` refuses.
    """
    text = str(name)
    kind, _, model = text.partition("/")
    if name == TINY:
        return EncoderName("tiny")
    if isinstance(name, Path) or Path(text).suffix.lower() in SUFFIXES or Path(text).is_file():
        check_file(Path(name))
        return EncoderName("file")
    if kind == "random" and model:
        model, _, seed = model.partition("@")
        if seed and not seed.isdecimal():
            raise EncoderError(f"{text}: {seed!r} is not a seed", fix=f"give a whole number: random/{model}@1")
        return EncoderName("random", model, int(seed or 0))
    if kind == "none" and model:
        return EncoderName("none", model)
    if kind == "timm" and model:
        return EncoderName("timm", model)
    if kind == "open_clip" and model:
        return EncoderName("open_clip", repository_of(model))
    if text in added:
        return EncoderName("added")
    if are_here(text):
        return EncoderName("fetched")
    near = nearest_name(text, [*KNOWN, *added, *names_here()], cutoff=0.4)
    hint = f"did you mean {near}? " if near else ""
    raise EncoderError(f"there is no encoder called {text!r}", fix=f"{hint}An encoder is {_FORMS}")


def check_file(path: Path) -> None:
    """Refuse what cannot be a file of weights, before it is opened.

    Raises:
        EncoderError: no such file, one of another suffix, or one without a byte.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise EncoderError(
            f"{path} has a suffix of no known format of weights", fix=f"give one of {', '.join(SUFFIXES)}"
        )
    if not path.is_file():
        raise EncoderError(f"there is no file {path}", fix="check the path of the encoder's weights")
    if path.stat().st_size == 0:
        raise EncoderError(f"{path} is empty", fix="download or copy it again")
