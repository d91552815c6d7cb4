"""The two models of a space that samples and names of classes are compared in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mt_core as mt
from mt_core.errors import OptionError, did_you_mean
from mt_core.model import MetaTransformer
from mt_core.plugins import find, list_modalities
from mt_core.training import load_run
from mt_fusion.aligning.training import read_aligned


@dataclass(frozen=True)
class Pair:
    """Two models whose vectors are in one space.

    Attributes:
        samples: Of what is classified.
        names: Of the names of classes.
        column: What the second one calls a text.
        scale: What cosines are multiplied by before a softmax.
    """

    samples: MetaTransformer
    names: MetaTransformer
    column: str
    scale: float


def is_encoder(run: str | Path) -> bool:
    """Whether an encoder is meant, and no folder."""
    path = Path(run)
    return str(run).startswith("open_clip/") or (bool(path.suffix) and not path.is_dir())


def of_run(run: str | Path, input: str, label_input: str | None, device: str | None) -> Pair:
    """Two inputs of a run of mt align.

    Raises:
        RunError: no such run.
        OptionError: an input that it does not have.
    """
    folder = Path(run)
    record = read_aligned(folder)
    name = choose_label_input(record, folder, input, label_input)
    samples, names = (load_run(folder / each, device=device) for each in (input, name))
    return Pair(samples, names, name, float(record["scale"]))


def of_encoder(encoder: str | Path, input: str, label_input: str | None, device: str | None) -> Pair:
    """The two towers of an encoder.

    Raises:
        EncoderError: it is not available.
        OptionError: it has one tower, or a modality does not enter by one of them.
    """
    loaded = mt.load_encoder(encoder)
    if loaded.tower is None:
        raise OptionError(
            f"the encoder {encoder} has no tower of texts, so that names are in no space with its pictures",
            fix="choose one of two towers, as open_clip/ViT-B-32, or a run of mt align",
        )
    texts = [name for name in list_modalities() if find(name).raw.get("cells") == "text"]
    if label_input is None and len(texts) != 1:
        raise OptionError(
            f"the names could be read by {', '.join(texts) or 'no installed modality'}",
            fix="say by which: --label-input NAME; or pip install mt-plugin-text",
        )
    samples, names = (mt.load(name, encoder=loaded, device=device) for name in (input, label_input or texts[0]))
    for model in (samples, names):
        if model.head is None:
            raise OptionError(
                f"samples of {model.modality} do not enter by a tower of {encoder}, and are in no space with others",
                fix="name a modality of pictures, and of texts for the names; or align them: mt align",
            )
    return Pair(samples, names, "text", loaded.tower.scale)


def choose_label_input(record: Mapping[str, Any], folder: Path, input: str, wanted: str | None) -> str:
    """The input that labels are read by.

    Raises:
        OptionError: an input that there is not, or several that could be meant.
    """
    inputs: Mapping[str, Any] = record["inputs"]
    for name in (input, *([wanted] if wanted is not None else [])):
        if name not in inputs:
            raise OptionError(
                f"the run in {folder} has no input {name!r}{did_you_mean(name, list(inputs))}",
                fix=f"its inputs are {', '.join(inputs)}",
            )
    if wanted is not None:
        return wanted
    others = [name for name in inputs if name != input]
    texts = [name for name in others if find(inputs[name]["modality"]).raw.get("cells") == "text"]
    for candidates in (others, texts):
        if len(candidates) == 1:
            return candidates[0]
    raise OptionError(
        f"labels could be read by {', '.join(others) or 'no other input'} of the run in {folder}",
        fix="say by which: --label-input NAME",
    )
