"""What encoders are called. A name is taken apart, and refused where it is none, without importing torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mt_core.errors import EncoderError, nearest_name

TINY = "mt-tiny"
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Of files of weights."""

KNOWN = (
    TINY,
    *(f"random/vit_{size}_patch16_224" for size in ("tiny", "small", "base", "large")),
    "timm/vit_base_patch16_clip_224.laion2b",  # the paper's
    "timm/vit_large_patch14_clip_224.laion2b",
)
_FORMS = (
    "mt-tiny (pretrained on drawn pictures, bundled), random/<timm ViT> (untrained control; @<seed> for another draw), "
    "none/<timm ViT> (control without an encoder), timm/<timm ViT> (trained weights from the hub), or the path of a "
    f"file ({', '.join(SUFFIXES)})"
)


@dataclass(frozen=True)
class EncoderName:
    """A name, taken apart.

    Attributes:
        kind: Where the encoder comes from; "added": a plugin has registered the name.
        model: timm's name of the architecture, for "random", "none" and "timm".
        seed: For "random".
    """

    kind: Literal["tiny", "file", "random", "none", "timm", "added"]
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
    if text in added:
        return EncoderName("added")
    near = nearest_name(text, [*KNOWN, *added], cutoff=0.4)
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
