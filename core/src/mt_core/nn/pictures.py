"""Pictures of any number of channels to tokens: what the modalities that are pictures share.

B batch, S side in pixels, C channels, N tokens, one a patch, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from einops import rearrange, reduce
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from mt_core.contract import Tokenizer, TokenizerOptions, Tokens, name_of
from mt_core.errors import InputError
from mt_core.nn.crops import Box, central_box, is_drawn, random_box, shifted, whole_box
from mt_core.nn.patches import PatchEmbed, copy_kernel
from mt_core.nn.positions import LearnedPositions, interpolate_positions
from mt_core.nn.stem import ConvStem

if TYPE_CHECKING:
    from PIL import Image

    from mt_core.encoder import Encoder

MAX_PIXELS = 178_956_970
"""Pictures with more pixels are refused by their header, before anything is decoded. It is what Pillow refuses by
default (twice its `MAX_IMAGE_PIXELS`)."""

MIDDLE = 0.5
"""Mean and standard deviation of each channel, where 1 is full, until `adopt` brings the encoder's own: pixels then are
within -1..1. ViT's own choice (Dosovitskiy et al. 2021, arXiv:2010.11929; `big_vision`, `value_range(-1, 1)`)."""


class PictureOptions(TokenizerOptions):
    """How pictures become tokens."""

    size: int = Field(default=224, ge=4, le=4096, description="Side in pixels of the square that is looked at.")
    patch: int = Field(
        default=16, ge=2, le=512, validate_default=True, description="Side of a patch in pixels; must divide `size`."
    )
    stem: Literal["patch", "conv"] = Field(
        default="patch",
        description="Patches to tokens by one linear map, which can start from the encoder's own, or by a few learned "
        "convolutions, better for small pictures and an encoder without its own; `patch` then is a power of two.",
    )
    fit: Literal["crop", "squash"] = Field(
        default="crop", description="Of a picture that is no square, take the middle, or squash it into one."
    )
    flip: bool = Field(default=True, description="Mirror half of the pictures in training; not for digits or text.")
    augment: float = Field(
        default=0.5, ge=0, le=1, description="How strongly pictures are cropped or shifted in training; 0: not."
    )

    @field_validator("patch")
    @classmethod
    def _patch_divides_size(cls, patch: int, info: ValidationInfo) -> int:
        size = info.data.get("size", patch)
        if size % patch:
            raise ValueError(
                f"patches of {patch} do not divide a size of {size}; the next is {-(-size // patch) * patch}"
            )
        return patch

    @field_validator("stem")
    @classmethod
    def _stem_halves_patch(cls, stem: str, info: ValidationInfo) -> str:
        patch = info.data.get("patch", 2)
        if stem == "conv" and patch & (patch - 1):
            raise ValueError(f"the conv stem halves the picture, and patch={patch} is no power of two")
        return stem


class PictureTokenizer(Tokenizer):
    """One token a patch, with a learned position on the lattice of patches. A subclass implements `read`, which gives
    (H, W, C) arrays: 8-bit, or floats where 0 is black and 1 is full.

    Attributes:
        channels: C; a subclass sets it, or has an option called so.
    """

    Options = PictureOptions
    options: PictureOptions
    channels: ClassVar[int] = 3

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, options: TokenizerOptions | None = None) -> None:
        super().__init__(width, options)
        size, patch = self.options.size, self.options.patch
        channels = getattr(self.options, "channels", self.channels)
        self.patches: PatchEmbed | ConvStem = (
            ConvStem(channels, width, patch)
            if self.options.stem == "conv"
            else PatchEmbed(channels, width, (patch, patch))
        )
        self.place = LearnedPositions((size // patch, size // patch), width)
        self.register_buffer("mean", torch.full((channels,), MIDDLE))
        self.register_buffer("std", torch.full((channels,), MIDDLE))

    def prepare(self, sample: NDArray[Any], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """`pixels`, (C, S, S): uint8 as the sample is, else float16 of 0..1.

        Resized with a bicubic filter that averages where it shrinks. In training a picture larger than `size` is
        cropped at random and a small one is shifted; either is mirrored half of the time.
        """
        height, width = sample.shape[:2]
        box = central_box(width, height) if self.options.fit == "crop" else whole_box(width, height)
        size, strength = self.options.size, self.options.augment
        is_small = min(width, height) <= size
        if generator is not None and not is_small:
            box = random_box(box, strength, generator)
        square = resized(sample, size, box)
        if generator is not None and is_small:
            square = shifted(square, strength, generator)
        if generator is not None and self.options.flip and is_drawn(0.5, generator):
            square = square[:, ::-1]
        pixels = torch.from_numpy(np.ascontiguousarray(rearrange(square, "h w c -> c h w")))
        return {"pixels": pixels if pixels.dtype == torch.uint8 else pixels.half()}

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens row by row; `coords` are the centres of the patches, down and across, in 0..1 of the square."""
        pixels_BCSS = batch["pixels"]
        full = 255 if pixels_BCSS.dtype == torch.uint8 else 1
        pixels_BCSS = (pixels_BCSS.to(self.mean.dtype) / full - self.mean[:, None, None]) / self.std[:, None, None]
        down, across = self.patches.grid(pixels_BCSS.shape[-2:])
        values_BND = self.place(self.patches(pixels_BCSS), (down, across))
        centres = torch.cartesian_prod(_centres(down, values_BND), _centres(across, values_BND))
        return Tokens(values_BND, coords=centres.expand(len(values_BND), -1, -1), grid=(down, across))

    def adopt(self, encoder: Encoder) -> None:
        """Start from the encoder's own kernel (patch stem only), positions and normalisation, as far as it has them.

        A kernel for another patch size and positions on another lattice are resampled; one for another number of
        channels is adapted as `adapt_channels` says, and each channel then gets the mean of the constants.
        """
        self.mean.copy_(_for_channels(torch.tensor(encoder.mean), len(self.mean)))
        self.std.copy_(_for_channels(torch.tensor(encoder.std), len(self.std)))
        if encoder.patch_weight is not None and isinstance(self.patches, PatchEmbed):
            copy_kernel(self.patches, encoder.patch_weight, encoder.patch_bias)
        if encoder.positions is not None and encoder.positions_grid is not None:
            with torch.no_grad():
                self.place.weight.copy_(
                    interpolate_positions(encoder.positions, encoder.positions_grid, self.place.lattice)
                )


def resized(pixels: NDArray[Any], size: int, box: Box) -> NDArray[Any]:
    """A part of a picture as a square.

    Args:
        pixels: (H, W, C), uint8 or floats.
        size: S, the square's side.
        box: The part, in pixels.

    Returns:
        (S, S, C) of the same kind; floats as float32.
    """
    from PIL import Image

    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        square = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        return np.asarray(square)
    kind = np.uint8 if pixels.dtype == np.uint8 else np.float32
    # one channel at a time: Pillow takes a second or fourth one for opacity
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., at], kind)) for at in range(pixels.shape[2])]
    gap = 2.0 if kind == np.uint8 else None  # Pillow cannot reduce float pictures first
    squares = [plane.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=gap) for plane in planes]
    return np.stack([np.asarray(square) for square in squares], axis=-1)


def open_picture(source: str | Path | bytes, formats: Sequence[str], suffixes: Sequence[str]) -> Image.Image:
    """A picture file whose header is read and checked, and nothing else yet. Close it, or use it in a `with`.

    Call it within `mt_core.contract.reading`, with `PIL.Image.DecompressionBombWarning` ignored: sizes are checked
    here, at one limit.

    Args:
        formats: What Pillow may take it for, by Pillow's names.
        suffixes: How files of these formats end, for the message.

    Raises:
        InputError: none of these formats, no pixel, or more than `MAX_PIXELS`.
    """
    from PIL import Image, UnidentifiedImageError

    name = name_of(source)
    try:
        picture = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=list(formats))
    except UnidentifiedImageError:
        raise InputError(
            f"{name} is no picture that can be read",
            fix=f"check that the file is whole and holds one of {' '.join(suffixes)}, whatever its name says",
        ) from None
    except Image.DecompressionBombError:
        raise too_large(name) from None
    width, height = picture.size
    if 0 < width * height <= MAX_PIXELS:
        return picture
    picture.close()
    raise too_large(name) if width else InputError(f"{name} has no pixel", fix="pass a picture of at least 1 x 1")


def too_large(name: str) -> InputError:
    """What is said of a picture of more than `MAX_PIXELS`."""
    return InputError(
        f"{name} is too large to be decoded: its header tells of more than {MAX_PIXELS / 1e6:.0f} megapixels",
        fix="cut it into tiles, or save it smaller",
    )


def picture_values(picture: Image.Image) -> NDArray[Any]:
    """The pixels of a Pillow picture as they are stored, upright as EXIF says.

    Returns:
        (H, W, C), C = 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity. uint8; uint16 for up to 16 bits; else
        int32 or float32. Palettes are looked up, other colours converted to RGB.
    """
    from PIL import ImageOps

    picture.load()
    try:
        picture = ImageOps.exif_transpose(picture)
    except Exception:  # damaged metadata makes no picture unreadable
        pass
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)[..., None]
    if mode in ("I", "F"):
        values = np.asarray(picture)
        # Pillow keeps some 16-bit files as 32-bit integers
        fits = mode == "I" and values.min() >= 0 and values.max() <= 65535
        return (values.astype(np.uint16) if fits else values)[..., None]
    if picture.has_transparency_data:
        picture = picture.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA")
    elif mode not in ("L", "RGB"):
        picture = picture.convert("L" if mode == "1" else "RGB")
    values = np.asarray(picture)
    return values if values.ndim == 3 else values[..., None]


def array_values(source: Any, name: str) -> NDArray[Any]:
    """Pixels in memory as (H, W, C) numbers of one of three types.

    Args:
        source: A numpy array (H, W) or (H, W, C), or a torch tensor (H, W) or (C, H, W), with 1 to 4 channels.
        name: How it is called in messages.

    Returns:
        uint8 and uint16 as they are, bools as uint8 0 and 255, any other integers and floats as float32.

    Raises:
        InputError: no such array, no pixel, values that are no numbers, NaN or infinite.
    """
    if isinstance(source, torch.Tensor):
        tensor = source.detach().cpu()
        tensor = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        source = (rearrange(tensor, "c h w -> h w c") if tensor.ndim == 3 else tensor).numpy()
    if not isinstance(source, np.ndarray):
        raise InputError(
            f"{name} is no picture", fix="pass a path, the bytes of a file, a PIL image, a numpy array or a tensor"
        )
    values = source[..., None] if source.ndim == 2 else source
    if values.ndim != 3 or not 1 <= values.shape[-1] <= 4:
        raise InputError(
            f"{name} is no picture: its shape is {source.shape}",
            fix="pass (H, W) or (H, W, C) with 1 to 4 channels; a torch tensor is read as (C, H, W)",
        )
    if values.size == 0:
        raise InputError(f"{name} has no pixel: its shape is {source.shape}", fix="pass a picture of at least 1 x 1")
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return np.ascontiguousarray(values, values.dtype.type)  # in this machine's byte order
    if not (np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)):
        raise InputError(f"{name} holds {values.dtype} values, no pixels", fix="pass integers or floats")
    with np.errstate(over="ignore"):
        floats = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(floats).all():
        raise InputError(f"{name} has NaN or infinite values", fix="replace them, for instance by numpy.nan_to_num")
    return floats


def luminance(values: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 3) or more channels of which the first three are red, green and blue, to (H, W, 1) of the same type.

    Source: ITU-R BT.601, section 2.5.1.
    """
    grey = values[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return (grey if values.dtype == np.float32 else np.rint(grey)).astype(values.dtype)[..., None]


def reduced(values: NDArray[Any], needed: int) -> NDArray[Any]:
    """(H, W, C) averaged down by a whole number, so that the shorter side is less than twice what is needed."""
    from PIL import Image

    factor = min(values.shape[:2]) // needed
    if factor <= 1:
        return values
    kind = np.uint8 if values.dtype == np.uint8 else np.float32
    planes = [Image.fromarray(np.ascontiguousarray(values[..., at], kind)) for at in range(values.shape[2])]
    means = np.stack([np.asarray(plane.reduce(factor)) for plane in planes], axis=-1)
    return (np.rint(means) if values.dtype == np.uint16 else means).astype(values.dtype, copy=False)


def robust_range(values: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What most of the pixels of each channel lie between: the 1st and the 99th percentile.

    Args:
        values: (..., C); of many pixels, evenly spaced ones are looked at.

    Returns:
        Two times (C,).
    """
    pixels_PC = values.reshape(-1, values.shape[-1])
    low_C, high_C = np.percentile(pixels_PC[:: max(1, len(pixels_PC) // _PIXELS_FOR_RANGE)], (1, 99), axis=0)
    return low_C.astype(np.float32), high_C.astype(np.float32)


_PIXELS_FOR_RANGE = 1 << 16


def _for_channels(constants_C: Tensor, channels: int) -> Tensor:
    if len(constants_C) == channels:
        return constants_C
    return reduce(constants_C, "c -> 1", "mean").expand(channels)


def _centres(num_patches: int, like: Tensor) -> Tensor:
    """(num_patches,) their middles along one axis, in 0..1."""
    return (torch.arange(num_patches, device=like.device, dtype=torch.float32) + 0.5) / num_patches
