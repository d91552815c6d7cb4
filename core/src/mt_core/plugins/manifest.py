"""What a plugin says about itself in `plugin.toml`: data, which can be read without importing the plugin.

contract = "1.0"
name = "pointcloud"
summary = "3-D point clouds: LiDAR sweeps, sampled meshes"
tokenizer = "mt_plugin_pointcloud.tokenizer:PointCloudTokenizer"
dataset = "mt_plugin_pointcloud.dataset:PointCloudDataset"
head = "mt_core.heads:ClassificationHead"
suffixes = [".ply", ".las"]
capabilities = ["variable_length", "permutation_invariant"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mt_core.errors import ContractError
from mt_core.plugins.discovery import PluginMetadata

Capability = Literal[
    "variable_length",  # samples have different numbers of tokens
    "permutation_invariant",  # the order within a sample means nothing; see `Tokenizer.permuted`
    "any_channels",  # any number of channels, until calibration fixes them; see `Tokenizer.with_channels`
    "needs_calibration",  # the tokenizer cannot work before `calibrate`
    "init_from_encoder",  # `init_from_encoder` starts from the encoder's own weights
    "multi_sample_sources",  # one file holds many samples: `stream` is overridden
]

Reference = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
Suffix = Annotated[str, Field(pattern=r"^\.[a-z0-9_.]+$")]


class Deviation(BaseModel):
    """A check of the conformance suite that is known not to hold."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    check: str = Field(min_length=1, description="Name of the check.")
    reason: str = Field(min_length=1, description="Why it does not hold, for those who decide whether to use it.")


class Unused(BaseModel):
    """A part of a sample that `prepare` does not use."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    part: str = Field(
        min_length=1, description='Where it is in the sample, as the suite calls it: "origin", "channels.intensity".'
    )
    reason: str = Field(min_length=1, description="Why it is not used, for those who expect it to be.")


View = Literal["tokens", "picture"]


class Views(BaseModel):
    """Which view a tokenizer with the option `view` has where the user names none: what was measured to be better."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    embed: View = Field(default="tokens", description="For vectors without training, on a trained encoder.")
    train: View = Field(default="tokens", description="For training, on a trained encoder.")
    untrained: View | None = Field(
        default=None, description="On an encoder of random weights or none, for either; without it the same."
    )


class Manifest(BaseModel):
    """A plugin's `plugin.toml`. Keys that are not known here pass; conformance asks `unknown_keys` for them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    contract: str = Field(
        pattern=r"^\d+\.\d+$",
        description='Version of `mt_core.contract` that the plugin was written for, as text: "1.0".',
    )
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="The modality, singular, as the user types it.")
    summary: str = Field(min_length=1, description="One line for `mt list`: what kind of data this is.")
    tokenizer: Reference = Field(description='The `Tokenizer`, as "package.module:Class".')
    dataset: Reference = Field(description='The `ModalityDataset`, as "package.module:Class".')
    head: Reference = Field(description='The `Head` that is used where the user names none, as "package.module:Class".')
    suffixes: tuple[Suffix, ...] = Field(
        default=(), description="Endings of the files that the tokenizer reads, in small letters with their dot."
    )
    capabilities: tuple[Capability, ...] = Field(
        default=(), description="What holds for this modality; conformance checks each, and that no other holds."
    )
    cells: Literal["text", "row", "notation"] | None = Field(
        default=None,
        description="What `Tokenizer.read` takes of a table whose rows are items of several modalities: a cell of free "
        "text or a row of numbers and categories, either as a mapping of columns to cells; or the text of one cell in "
        "the modality's own notation. None: files alone.",
    )
    composes: bool = Field(
        default=False,
        description="Its samples are made of inputs of other modalities: `mt train` without a modality takes it.",
    )
    hooks: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description="A module of hook implementations, registered when the modality is first used.",
    )
    pictures: Reference | None = Field(
        default=None,
        description="What `mt predict --out` shows of a source beside the numbers (a plot, a map), as "
        '"package.module:function": called as function(source, records, task, folder), it returns the files it wrote.',
    )
    views: Views | None = Field(
        default=None,
        description="Of a tokenizer with the option `view`: which of them `embed` and `train` take, by what was "
        "measured.",
    )
    baseline: Reference | None = Field(
        default=None,
        description="The `Baseline` that results are held against: classical features of the field and a plain model, "
        'as "package.module:Class".',
    )
    recipe: dict[str, Any] = Field(
        default={}, description="Settings of `mt train` that suit this modality, where the user says nothing."
    )
    deviations: tuple[Deviation, ...] = Field(
        default=(), description="Checks of the conformance suite that are known not to hold, each with its reason."
    )
    unused: tuple[Unused, ...] = Field(
        default=(), description="Numbers in a sample that do not change what is prepared, each with the reason."
    )


def manifest_of(found: PluginMetadata) -> Manifest:
    """The validated manifest of a plugin.

    Raises:
        ContractError: a key that is missing or has a value it does not take; names distribution, key and meaning.
    """
    try:
        return Manifest.model_validate(found.raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        described = Manifest.model_fields[str(first["loc"][0])].description
        raise ContractError(
            f"{found}: {key} in {found.path}: {first['msg']}",
            fix=f"correct it, or ask the authors of {found.distribution} to. {key}: {described}",
        ) from None


def unknown_keys(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a manifest that mean nothing to this version of the core."""
    unknown = [key for key in raw if key not in Manifest.model_fields]
    tables: tuple[tuple[str, type[BaseModel]], ...] = (("deviations", Deviation), ("unused", Unused))
    for name, model in tables:
        for row, entry in enumerate(raw.get(name, [])):
            unknown += [f"{name}.{row}.{key}" for key in entry if key not in model.model_fields]
    unknown += [f"views.{key}" for key in raw.get("views", {}) if key not in Views.model_fields]
    return tuple(unknown)
