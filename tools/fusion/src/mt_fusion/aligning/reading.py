"""How samples are read: those of one input, for vectors; those of rows, for training.  U samples of an input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from mt_core.contract import Alignment, AnyTask, Example, ModalityDataset, Options, Tokenizer
from mt_core.data.reading import read_sample
from mt_core.errors import OptionError
from mt_fusion.aligning.pairs import MISSING, Pairs

UNPLACED = Alignment(space="-", width=1)
"""The task of samples whose target is the number by which they are known."""

IDS = "ids"


class _Numbered(ModalityDataset):
    task = UNPLACED

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: Options | None = None
    ) -> Self:
        raise OptionError("samples that belong together are taken from a table", fix="call mt_fusion.align")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        raise OptionError("samples that belong together are not drawn", fix="call mt_fusion.align")


class Samples(_Numbered):
    """Some different samples of one input; a target is the sample's index."""

    def __init__(self, sources: Sequence[Any], indices: Tensor, name: str) -> None:
        self.sources, self.indices, self.source = sources, indices.tolist(), name

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        return Example(self.sources[self.indices[index]], self.indices[index])

    def targets(self) -> Sequence[Any]:
        return self.indices


@dataclass(frozen=True)
class Row:
    """The samples of a row by the number of their input: what each is known by, and its source or what was read."""

    filename: str
    samples: Mapping[int, tuple[int, Any]]


class Rows(_Numbered):
    """Some rows with the samples of all inputs that have a tokenizer; a target is the row's number."""

    def __init__(self, pairs: Pairs, rows: Tensor, inputs: Sequence[int], source: str) -> None:
        self.pairs, self.rows, self.inputs, self.source = pairs, rows.tolist(), inputs, source

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        row = self.rows[index]
        content = self.pairs.content_RI[row].tolist()
        samples = {
            at: (content[at], self.pairs.sources[at][content[at]]) for at in self.inputs if content[at] != MISSING
        }
        return Example(Row(self.pairs.places[row], samples), row)

    def targets(self) -> Sequence[Any]:
        return self.rows


class RowTokenizer(Tokenizer):
    """Reads and prepares rows by the tokenizers of their inputs. A sample that several rows of a batch have is in it
    once, and the samples of an input are put together in chunks."""

    def __init__(self, tokenizers: Mapping[int, Tokenizer], chunk: int) -> None:
        first = next(iter(tokenizers.values()))
        super().__init__(first.width, Options())
        self.tokenizers, self.chunk = nn.ModuleList(tokenizers.values()), chunk
        self._numbers = tuple(tokenizers)

    def _of(self, at: int) -> Tokenizer:
        found: Any = self.tokenizers[self._numbers.index(at)]
        return found  # type: ignore[no-any-return]

    def read(self, source: Any) -> Any:
        read = {at: (index, read_sample(self._of(at), each)) for at, (index, each) in source.samples.items()}
        return Row(source.filename, read)

    def prepare(self, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        prepared: dict[str, Tensor] = {}
        for at, (index, each) in sample.samples.items():
            prepared[f"{at}/{IDS}"] = torch.tensor(index)
            for name, tensor in self._of(at).prepare(each, generator).items():
                prepared[f"{at}/of/{name}"] = tensor
        return prepared

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The tensors of each chunk, called "<input>/<chunk>/<name>", and "<input>/ids" (U,) of all its samples."""
        batch: dict[str, Tensor] = {}
        for at in self._numbers:
            found: dict[int, dict[str, Tensor]] = {}
            for item in items:
                if f"{at}/{IDS}" in item and int(item[f"{at}/{IDS}"]) not in found:
                    found[int(item[f"{at}/{IDS}"])] = below(item, f"{at}/of/")
            if not found:
                continue
            batch[f"{at}/{IDS}"] = torch.tensor(list(found))
            samples = list(found.values())
            for number, first in enumerate(range(0, len(samples), self.chunk)):
                made = self._of(at).collate(samples[first : first + self.chunk])
                batch.update({f"{at}/{number}/{name}": tensor for name, tensor in made.items()})
        return batch


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def chunks_of(inputs: Mapping[str, Tensor], at: int) -> Iterator[dict[str, Tensor]]:
    """The tensors of each chunk of an input, in order."""
    number = 0
    while found := below(inputs, f"{at}/{number}/"):
        yield found
        number += 1
