"""What weights there are: bundled, in the folder of weights, in the hub's cache, and on the hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mt_core.encoder import tiny
from mt_core.encoder.names import KNOWN, TINY
from mt_core.encoder.weights import CONFIG, TENSORS, folder_of, names_here, preprocessing, read_record
from mt_core.errors import EncoderError


@dataclass(frozen=True)
class Weights:
    """An encoder's weights.

    Attributes:
        state: "bundled" with the core, in the "folder" of weights, in the hub's "cache", or "to fetch".
        licence: As its owner calls it; "" where nothing is known.
        bytes: Of the file; of one to fetch about, by its architecture; None where that is not known.
        sha256: Of the file; "" where nobody wrote it down, as before it is fetched.
        native_size: Side in pixels of the pictures that it was trained on; None where nothing says it.
        source: Where it comes from.
        is_accepted: Whether a licence that restricts the use was accepted.
        problem: Why it cannot be used.
    """

    name: str
    state: Literal["bundled", "folder", "cache", "to fetch"]
    licence: str
    bytes: int | None
    sha256: str
    native_size: int | None
    source: str
    is_accepted: bool = False
    problem: str = ""


def inventory(pattern: str = "") -> list[Weights]:
    """What is here, and what could be fetched.

    Args:
        pattern: A part of the names that are wanted. "": all that are here, and of the hub's the two of the paper.
    """
    here = [_bundled(), *map(_in_folder, names_here())]
    known = {each.name for each in here}
    models = _plain_models(pattern) if pattern else [name for name in KNOWN if name.startswith("timm/")]
    of_hub = [_of_hub(name) for name in models if name not in known]
    return [each for each in [*here, *of_hub] if pattern in each.name]


def weights_of(name: str) -> Weights | None:
    """What there is to say of the weights of one encoder; None where it has none of these."""
    if name == TINY:
        return _bundled()
    if name in names_here():
        return _in_folder(name)
    return _of_hub(name) if name.startswith("timm/") else None


def _bundled() -> Weights:
    size = tiny.FILE.stat().st_size if tiny.FILE.is_file() else None
    return Weights(TINY, "bundled", "apache-2.0", size, tiny.SHA256, tiny.SIZE, "mt-core")


def _in_folder(name: str) -> Weights:
    folder = folder_of(name)
    size, problem = None, ""
    try:
        size = _side(preprocessing(folder / CONFIG))
    except EncoderError as error:
        problem = error.problem
    record = None
    try:
        record = read_record(folder)
    except EncoderError as error:
        problem = error.problem
    of_file = (folder / TENSORS).stat().st_size
    if record is None:
        licence = _licence_of_timm(name)
        return Weights(name, "folder", licence, of_file, "", size, str(folder), problem=problem)
    if of_file != record.bytes:
        problem = f"{folder / TENSORS} is not the file that was fetched: {of_file:,} bytes, not {record.bytes:,}"
    return Weights(
        name,
        "folder",
        record.licence,
        of_file,
        record.sha256,
        size,
        record.source or str(folder),
        record.is_accepted,
        problem,
    )


def _side(found: dict[str, Any]) -> int:
    return int(found["input_size"][1])


def _licence_of_timm(name: str) -> str:
    from mt_core.encoder.hub import timm_licence

    return timm_licence(name.removeprefix("timm/")) if name.startswith("timm/") else ""


def _plain_models(pattern: str) -> Iterator[str]:
    """Names of trained plain ViTs of timm that hold the pattern."""
    import timm

    from mt_core.encoder.timm_models import check_architecture

    for model in timm.list_pretrained():
        if pattern in f"timm/{model}":
            try:
                check_architecture(model)
            except EncoderError:
                continue
            yield f"timm/{model}"


def _of_hub(name: str) -> Weights:
    """Of timm's weights, from what timm knows of them and the hub's cache on this machine: no network is asked."""
    import timm

    from mt_core.encoder.hub import cached_file, timm_licence

    model = name.removeprefix("timm/")
    config: Any = timm.get_pretrained_cfg(model)
    side = None if config is None else int(config.input_size[1])
    place = config.hf_hub_id if config is not None and config.hf_hub_id else ""
    source = f"hub: {place}" if place else str(getattr(config, "url", "") or "")
    cached: Path | None = cached_file(place) if place else None
    if cached is None:
        return Weights(name, "to fetch", timm_licence(model), _about(model), "", side, source)
    sha256 = cached.name if len(cached.name) == 64 else ""  # the hub's cache calls a file by its hash
    return Weights(name, "cache", timm_licence(model), cached.stat().st_size, sha256, side, source)


def _about(model: str) -> int | None:
    """Bytes of the tensors of an architecture in float32, without a classifier."""
    import torch

    from mt_core.encoder.plain_vit import build_vit

    try:
        with torch.device("meta"):
            vit = build_vit(model)
    except (EncoderError, NotImplementedError):
        return None
    return 4 * sum(parameter.numel() for parameter in vit.parameters())
