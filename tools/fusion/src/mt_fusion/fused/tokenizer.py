"""Items of several inputs to tokens, each input by its own modality's tokenizer.  B items, I inputs, D width."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import Parameter

from mt_core.contract import EncoderSpec, Example, Panel, Region, Tokenizer, TokenRegions, Tokens, name_of, only_one
from mt_core.errors import InputError, MtError, OptionError, did_you_mean
from mt_core.model import default_view
from mt_core.plugins import get
from mt_core.sdk import left_out
from mt_fusion.fused.combining import InputTokens, by_item, in_rows, in_sequence
from mt_fusion.fused.options import FusedOptions
from mt_fusion.fused.regions import NOTHING, in_place, real_regions
from mt_fusion.items.cells import files_in, is_nothing, item_of
from mt_fusion.items.inputs import Input
from mt_fusion.items.item import Item, ReadItem, Several
from mt_fusion.items.naming import named
from mt_fusion.items.table import open_table

PRESENT = "present"
"""The name of the tensor that says which inputs an item has."""

_ITEM = "item"


class FusedTokenizer(Tokenizer):
    """The tokenizers of an item's inputs, side by side.

    Each input's tokens get a learned vector of that input. An input that an item lacks has no tokens: nothing stands in
    for it. In training, inputs are left out at random (`input_dropout`), so that every subset can be predicted from.

    Source: for the learned vector of an input, Jaegle et al. 2022 (Perceiver IO), arXiv:2107.14795, section 3.2; for
    leaving inputs out, Neverova et al. 2016 (ModDrop), arXiv:1501.00102.
    """

    Options = FusedOptions
    options: FusedOptions
    sample_limits = "items of the inputs that the option inputs names, at least one of which is there"

    def __init__(self, width: int, options: FusedOptions | None = None) -> None:
        super().__init__(width, options)
        self.input_of: dict[str, Input] = dict(self.options.inputs)
        plugins = {name: get(each.modality) for name, each in self.input_of.items()}
        self._cells = {name: plugin.manifest.cells for name, plugin in plugins.items()}
        self._needs_calibration = any("needs_calibration" in each.manifest.capabilities for each in plugins.values())
        self.tokenizers = nn.ModuleList(
            plugins[name].tokenizer(width, plugins[name].tokenizer.Options.parse(each.options))
            for name, each in self.input_of.items()
        )
        self.input_vectors = Parameter(torch.zeros(len(self.input_of), width))
        self._is_calibrated = False

    @classmethod
    def options_for(cls, encoder: EncoderSpec, given: Mapping[str, Any], purpose: str = "embed") -> dict[str, Any]:
        """With the options of each input's tokenizer for this encoder, its view among them."""
        parsed = FusedOptions.parse(given)
        inputs = {}
        for name, each in parsed.inputs.items():
            plugin = get(each.modality)
            view = default_view(plugin, encoder, purpose, each.options)  # type: ignore[arg-type]
            options = plugin.tokenizer.options_for(encoder, {**view, **each.options}, purpose)
            inputs[name] = each.model_copy(update={"options": options})
        return {**parsed.model_dump(exclude={"inputs"}, exclude_unset=True), "inputs": inputs}

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.input_of)

    def tokenizer_of(self, name: str) -> Tokenizer:
        """The tokenizer of an input."""
        tokenizer: Any = self.tokenizers[self.inputs.index(name)]
        return tokenizer  # type: ignore[no-any-return]

    # in a worker process

    def read(self, source: Any) -> ReadItem:
        """The item of a mapping of inputs, or of a table with one row.

        Args:
            source: A mapping of the inputs' names to what their tokenizers read (a path, a text, a mapping of columns,
                an array), or to a list of paths; None, or no entry, for one that is missing. Columns of the table that
                the inputs are of do as well.
        """
        if isinstance(source, ReadItem):
            return source
        if isinstance(source, str | Path):
            return only_one(self.stream(source), source, "item")
        if not isinstance(source, Mapping) and hasattr(source, "to_dict") and not hasattr(source, "columns"):
            source = source.to_dict()  # a row of a data frame
        if not isinstance(source, Mapping):
            raise InputError(
                f"{name_of(source)} is no item", fix=f"give a mapping of {', '.join(self.inputs) or 'inputs'}"
            )
        return self._read(source if isinstance(source, Item) else self._item(source))

    def stream(self, source: Any) -> Iterator[ReadItem | MtError]:
        """The items of a table, one a row; of a mapping the one that it is."""
        self._require_inputs()
        if not isinstance(source, str | Path):
            yield from self._rows_of(source)
            return
        path = Path(source)
        names, rows = open_table(path)
        columns = [column for name, each in self.input_of.items() for column in each.columns_of(name)]
        lacking = [column for column in columns if names and column not in names]
        if lacking:
            raise InputError(
                f"{path} has no column {', '.join(map(repr, lacking))}{did_you_mean(lacking[0], names)}",
                fix="add it; its cells may be empty where an item has nothing there",
            )
        for place, row in rows:
            row = row if names else {**dict.fromkeys(columns), **row}
            try:
                yield self._read(item_of(row, self.input_of, path.parent, place))
            except InputError as error:
                yield error

    def files_beside(self, source: str) -> list[str]:
        """The files that the cells of a table name, and those that lie beside them."""
        if not os.path.isfile(source):
            return []
        columns = [column for name, each in self.input_of.items() for column in each.columns_of(name)]
        found: dict[str, None] = {}
        try:
            _, rows = open_table(Path(source))
            for place, row in rows:
                found |= dict.fromkeys(self._files_of({**dict.fromkeys(columns), **row}, Path(source).parent, place))
        except MtError:  # a table that cannot be read, which is reported where it is
            pass
        return list(found)

    def _files_of(self, row: Mapping[str, Any], folder: Path, place: str) -> Iterator[str]:
        try:
            item = item_of(row, self.input_of, folder, place)
        except InputError:  # which is reported where the row is read
            return
        for name, value in item.items():
            for part in value if isinstance(value, Several) else [value]:
                if isinstance(part, str | Path):
                    yield os.fspath(part)
                    yield from self.tokenizer_of(name).files_beside(os.fspath(part))

    def _rows_of(self, source: Any) -> Iterator[ReadItem | MtError]:
        """The items of a data frame, one a row; of a mapping the one that it is."""
        if not hasattr(source, "columns"):
            yield self.read(source)
            return
        rows = source.to_dicts() if hasattr(source, "to_dicts") else source.to_dict("records")
        for number, row in enumerate(rows):
            try:
                yield self._read(self._item(row, f"row {number}"))
            except InputError as error:
                yield error

    def _item(self, given: Mapping[str, Any], place: str = "") -> Item:
        """The item of a mapping that a user gave.

        Args:
            place: Where it stands, for messages.

        Raises:
            InputError: an unknown name that may be meant for an input which is not there, or for a column of one.
        """
        self._require_inputs()
        there = {str(name): value for name, value in given.items() if not is_nothing(value)}
        item = Item(filename=place or name_of(given))
        for name, each in self.input_of.items():
            columns = each.columns_of(name)
            if name in there:
                item[name] = self._source(name, each, there[name])
            elif any(column in there for column in columns):
                row = {column: there.get(column) for column in columns}
                item.update(item_of(row, {name: each}, Path(), item.filename))
        known = {column for name, each in self.input_of.items() for column in each.columns_of(name)}
        absent = [name for name in self.inputs if name not in item]
        of_absent = [column for name in absent for column in self.input_of[name].columns_of(name)]
        for unknown in sorted(set(there) - set(self.inputs) - known):
            if meant := did_you_mean(unknown, [*absent, *of_absent]):
                raise InputError(f"the item has an unknown input {unknown!r}{meant}", fix="correct its name")
            left_out(item.filename, f"{unknown}, which is no input")
        return item

    def _source(self, name: str, each: Input, value: Any) -> Any:
        if isinstance(value, str) and each.holds != "files" and self._cells[name] is not None:
            is_text = each.holds == "cells" or not os.path.isfile(value)
            return {each.columns_of(name)[0]: value} if is_text else value
        parts = value.tolist() if getattr(value, "dtype", None) is not None and value.dtype.kind in "OU" else value
        if isinstance(parts, str):
            return files_in(parts, Path())
        if isinstance(parts, list | tuple) and not isinstance(parts, Several):
            there = [part for part in parts if not is_nothing(part)]
            if there and all(isinstance(part, str | Path | bytes) for part in there):
                return files_in([os.fspath(part) if isinstance(part, Path) else part for part in there], Path())
        return value

    def _read(self, item: Item) -> ReadItem:
        read = ReadItem(filename=item.filename)
        for name in self.inputs:
            if name in item:
                source = item[name]
                parts = source if isinstance(source, Several) else [source]
                with named(name, item.filename):
                    read[name] = Several(self.tokenizer_of(name).read(self._cell(name, part)) for part in parts)
        if not read:
            raise InputError(
                f"{item.filename}: the item has none of its inputs ({', '.join(self.inputs)})",
                fix="give at least one, or leave the item out",
            )
        return read

    def prepare(self, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """What each input's tokenizer prepares, its tensors called "<number of the input>/<of the sample>/<name>", and
        "present": (I,) bool.

        In training inputs are left out at random, never all of them.
        """
        present = torch.tensor([name in sample for name in self.inputs])
        if generator is not None and self.options.input_dropout:
            kept = present & (torch.rand(len(present), generator=generator) >= self.options.input_dropout)
            present = kept if kept.any() else present
        prepared: dict[str, Tensor] = {PRESENT: present}
        for name, is_there in zip(self.inputs, present.tolist(), strict=True):
            for number, part in enumerate(sample[name] if is_there else ()):
                with named(name, getattr(sample, "filename", "")):
                    tensors = self.tokenizer_of(name).prepare(part, generator)
                prepared.update({f"{self._prefix(name)}{number}/{key}": tensor for key, tensor in tensors.items()})
        return prepared

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """What each input's tokenizer puts together of the items that have it, its tensors called
        "<number of the input>/<name>"; "<number of the input>/item" (S,) int64, the item that each of its samples is
        of; and "present" (B, I) bool."""
        batch = {PRESENT: torch.stack([item[PRESENT] for item in items])}
        for name in self.inputs:
            samples: list[dict[str, Tensor]] = []
            owners: list[int] = []
            for number, item in enumerate(items):
                for part in _parts(item, self._prefix(name)):
                    samples.append(part)
                    owners.append(number)
            if samples:
                made = self.tokenizer_of(name).collate(samples)
                batch.update({f"{self._prefix(name)}{key}": tensor for key, tensor in made.items()})
                batch[f"{self._prefix(name)}{_ITEM}"] = torch.tensor(owners)
        return batch

    # on the device

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """One row an item, or with fusion=late one row an input of an item."""
        num_items = len(batch[PRESENT])
        found: list[InputTokens | None] = []
        for number, name in enumerate(self.inputs):
            own = _below(batch, self._prefix(name))
            if not own:
                found.append(None)
                continue
            item_S = own.pop(_ITEM)
            tokens = by_item(self.tokenizer_of(name)(own), item_S, num_items)
            found.append(InputTokens(tokens.values + self.input_vectors[number], tokens.mask))
        return in_rows(found, num_items) if self.options.fusion == "late" else in_sequence(found)

    def regions(self, sample: ReadItem, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """What each input's tokenizer says of its tokens, with the name of the input."""
        panels: list[Panel] = []
        rows: list[list[Region]] = []
        for name in self.inputs:
            own = _below(batch, self._prefix(name))
            if not own:
                rows.append([])
                continue
            tokenizer = self.tokenizer_of(name)
            item_S = own.pop(_ITEM)
            mask_L = by_item(tokenizer(own), item_S, 1).mask[0]
            rows.append(in_place(self._regions_of(name, sample[name], panels), mask_L.tolist()))
        if self.options.fusion == "late":
            rows = [row + [NOTHING] * (tokens.values.shape[1] - len(row)) for row in rows]
        return TokenRegions(tuple(region for row in rows for region in row), tuple(panels), "part")

    def _regions_of(self, name: str, samples: Sequence[Any], panels: list[Panel]) -> list[Region]:
        """Of the real tokens of all samples of an input, in order; their panels are added to the others."""
        tokenizer = self.tokenizer_of(name)
        device = self.input_vectors.device
        found: list[Region] = []
        for part in samples:
            batch = {key: each.to(device) for key, each in tokenizer.collate([tokenizer.prepare(part)]).items()}
            tokens = tokenizer(batch)
            own = tokenizer.regions(part, batch, tokens)
            found += real_regions(own, tokens, name, len(panels))
            panels += own.panels
        return found

    # once

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Calibrate each input's tokenizer on the items that have it."""
        self._require_inputs()
        items = [(self._as_item(example.sample), example.target) for example in examples]
        for name in self.inputs:
            own = [
                Example(self._cell(name, part), target)
                for item, target in items
                if name in item
                for part in (item[name] if isinstance(item[name], Several) else [item[name]])
            ]
            if not own and "needs_calibration" in get(self.input_of[name].modality).manifest.capabilities:
                raise InputError(f"no item has the input {name!r}", fix="leave the input out")
            with named(name):
                self.tokenizer_of(name).calibrate(own)
        self._is_calibrated = True

    def calibration(self) -> dict[str, Any]:
        """{"inputs": {name: what its tokenizer learned}}."""
        if not self._is_calibrated:
            return {}
        return {"inputs": {name: self.tokenizer_of(name).calibration() for name in self.inputs}}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        learned = calibration.get("inputs")
        self._is_calibrated = learned is not None
        for name in self.inputs:
            self.tokenizer_of(name).restore((learned or {}).get(name, {}))

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        for tokenizer in self.tokenizers:
            tokenizer.init_from_encoder(encoder)  # type: ignore[operator]

    # of the inputs

    def inputs_in(self, prepared: Mapping[str, Tensor]) -> tuple[str, ...]:
        return tuple(name for name, is_there in zip(self.inputs, prepared[PRESENT].tolist(), strict=True) if is_there)

    def keep_inputs(self, prepared: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor] | None:
        present = prepared[PRESENT] & torch.tensor([name in names for name in self.inputs])
        if not present.any():
            return None
        dropped = tuple(self._prefix(name) for name in self.inputs if name not in names)
        kept = {key: tensor for key, tensor in prepared.items() if not key.startswith(dropped)}
        return {**kept, PRESENT: present}

    def _cell(self, name: str, source: Any) -> Any:
        """The source; of a column of texts in a modality's own notation the text itself."""
        is_notation = self._cells[name] == "notation" and isinstance(source, Mapping) and len(source) == 1
        return next(iter(source.values())) if is_notation else source

    def _prefix(self, name: str) -> str:
        """What the names of an input's tensors begin with."""
        return f"{self.inputs.index(name)}/"

    def _as_item(self, sample: Any) -> Item:
        return sample if isinstance(sample, Item) else self._item(sample)

    def _require_inputs(self) -> None:
        if not self.input_of:
            raise OptionError(
                "no inputs are named", fix="name them: inputs=photo=image,description=text; mt train finds them itself"
            )


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def _parts(item: Mapping[str, Tensor], prefix: str) -> list[dict[str, Tensor]]:
    """The tensors of each sample that an item has of an input."""
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in _below(item, prefix).items():
        number, _, own = key.partition("/")
        parts.setdefault(number, {})[own] = tensor
    return list(parts.values())
