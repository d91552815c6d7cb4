'''What the author of a modality writes first.

A complete tokenizer, for series of one channel in `.npy` files:

    """Series to tokens.  B batch, T samples, P patch, N = T/P tokens, D width."""

    class SeriesOptions(Options):
        patch: int = Field(default=16, gt=0, description="Samples in a patch.")

    class SeriesTokenizer(Tokenizer):
        Options = SeriesOptions
        options: SeriesOptions

        def __init__(self, width, options=None):
            super().__init__(width, options)
            self.project = nn.Linear(self.options.patch, width)
            self.place = LearnedPositions(64, width)

        def read(self, source):
            with reading(source, formats=".npy"):
                return np.load(source, allow_pickle=False) if isinstance(source, str | Path) else np.asarray(source)

        def prepare(self, sample, generator=None):
            whole = len(sample) // self.options.patch * self.options.patch
            return {"patches": torch.tensor(sample[:whole]).float().reshape(-1, self.options.patch)}

        def forward(self, batch):
            mask = batch.get("patches_mask")
            return Tokens(self.place(self.project(batch["patches"]), mask=mask), mask=mask)
'''

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mt_core.contract.dataset import Example
from mt_core.contract.encoder import EncoderSpec
from mt_core.contract.options import Options as AnyOptions
from mt_core.contract.padding import pad_and_stack
from mt_core.contract.regions import TokenRegions, default_regions
from mt_core.contract.tokens import Tokens
from mt_core.errors import ContractError


class Tokenizer(nn.Module):
    """Raw samples to tokens, in four steps that run in three places.

    `read`, `prepare` and `collate` run in worker processes, `forward` on the device. A subclass implements `read`,
    `prepare` and `forward`; everything else has a default. It is made as `cls(width)` or `cls(width, options)`, with
    its weights drawn from torch's global generator, which the caller has seeded. It must survive pickling.

    Attributes:
        width: D, the encoder's.
        options: What this tokenizer was made with.
        sample_limits: What the modality's readers refuse, in words, for `mt info`.
    """

    Options: ClassVar[type[AnyOptions]] = AnyOptions
    sample_limits: ClassVar[str] = ""
    options: Any  # an instance of Options; a subclass narrows it

    def __init__(self, width: int, options: AnyOptions | None = None) -> None:
        super().__init__()
        self.width = width
        self.options = options if options is not None else self.Options()

    # in a worker process

    def read(self, source: Any) -> Any:
        """One sample from a path, from bytes, or from an object in memory; what this returns is accepted again.

        Args:
            source: `str` or `Path` of a file, `bytes` of one where they tell its format, or an object that the
                modality's users have in memory (arrays always; PIL images, data frames, graphs… where the field has
                them).

        Returns:
            The modality's own sample, small enough to keep thousands; it must survive pickling.

        Raises:
            InputError: not readable as a sample: says what is wrong, with which file, and what to try next. No other
                exception leaves this method for a bad file; `reading` turns a library's into ours.
        """
        raise NotImplementedError  # abstract

    def stream(self, source: Any) -> Iterator[Any]:
        """All samples of one source, in order and in bounded memory: by default the one that `read` gives.

        A modality whose files hold many samples (a table: its rows; a scene: its pixels) overrides this. Where one of
        them cannot be read and the next ones can, an `InputError` that names it is yielded in its place: it is
        reported, and the others are used and keep their numbers.

        Raises:
            InputError: as `read`, also half-way through: the rest of the source cannot be read either.
        """
        yield self.read(source)

    def prepare(self, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """The tensors of one sample, without a batch axis.

        Args:
            sample: What `read` returned.
            generator: None: deterministic, for evaluation and embedding. A generator: training; augmentation and
                subsampling draw from it and from nothing else, which is what lets an interrupted run go on to the
                same result.

        Returns:
            Tensors by name. The first axis may vary from sample to sample, the others may not. Keep them small (8-bit
            pixels rather than floats): they cross from a worker process.

        Raises:
            InputError: a sample that can be read and not used (too short, no finite value).
        """
        raise NotImplementedError  # abstract

    def prepare_example(
        self, sample: Any, target: Any, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Any]:
        """The tensors of one labelled sample, and the target that belongs to them.

        By default what `prepare` gives, and the target as it is. A modality whose augmentation moves what a target is
        tied to (a crop of a picture moves the pixels of its mask) overrides this.

        Args:
            sample: What `read` returned.
            target: Of the sample, as its dataset's task says; None where it is not known.
            generator: As for `prepare`.

        Raises:
            InputError: as `prepare`; or a target that does not fit the sample.
        """
        return self.prepare(sample, generator), target

    def collate(self, items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """One batch of prepared samples. By default `pad_and_stack`: tensors of one name are stacked; where their first
        axis differs they are padded with zeros and `<name>_mask` (B, N) tells which positions are real."""
        return pad_and_stack(items)

    # on the device

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """Tokens with positions added, without [CLS].

        Nothing of a batch is kept: `mt serve` calls this from two threads at a time.

        Args:
            batch: What `collate` returned, on the device.

        Returns:
            `Tokens` whose rows depend each on its own sample alone: neither on the padding nor on the batch's others.
        """
        raise NotImplementedError  # abstract

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """What the encoder sees of each sample, as pictures, for people to look at (`mt show`).

        Args:
            batch: What `collate` returned.

        Returns:
            (B, V, 3, H, W) RGB in 0..1, NaN where a sample has fewer than V; None: it cannot be drawn (the default).
        """
        return None

    def regions(self, sample: Any, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """What each token of one sample is of, in the modality's own terms and units (`mt explain`).

        Args:
            sample: What `read` returned.
            batch: What `collate` made of this sample alone.
            tokens: What `forward` made of that.

        Returns:
            By default, of samples that `draw` draws one picture a view, patches in pixels of what is drawn; of others
            the coordinates of the tokens, or their numbers. A modality that knows more (seconds, columns, atoms)
            overrides this.
        """
        return default_regions(tokens, self.draw(batch))

    def as_text(self, sample: Any) -> str | None:
        """What people read of a sample where it is shown among others, as in results of a search.

        Args:
            sample: What `read` returned.

        Returns:
            By default a text as it is, of a mapping its names and values; None: it is no text, and is drawn instead.
        """
        if isinstance(sample, Mapping):
            return ", ".join(f"{name}: {value}" for name, value in sample.items())
        return sample if isinstance(sample, str) else None

    def file_facts(self, source: Any) -> dict[str, Any]:
        """What the header of a file says, for people to look at (`mt show`): what reading makes smaller or leaves out,
        as the size of a picture or the rate of a recording. Nothing is decoded.

        Args:
            source: What `read` takes.

        Returns:
            Numbers and texts by name; a name may end in its unit: `rate_hz`, `width_px`, `duration_s`. By default
            nothing, and so of what is no file. Its errors are not shown: reading reports them.
        """
        return {}

    def files_beside(self, source: str) -> Sequence[str]:
        """Further files that the samples of a file are read from: the data beside a header, the photos of a table.

        `mt embed` embeds a file again where one of them has changed, and fetches those beside a URL with it.

        Args:
            source: The path of a file, or a URL, of which no more than the name is known.

        Returns:
            Paths; of a URL, URLs. One that does not exist is passed over.
        """
        return ()

    # once

    @classmethod
    def suggested_options(cls, encoder: EncoderSpec) -> dict[str, Any]:
        """The defaults that depend on the encoder, where the user says nothing: the size of its pictures, for instance.

        Returns:
            Option names to values; {} by default.
        """
        return {}

    @classmethod
    def options_for(cls, encoder: EncoderSpec, given: Mapping[str, Any], purpose: str = "embed") -> dict[str, Any]:
        """The options that a tokenizer is made with for an encoder: those given, and what is suggested for the rest.

        A tokenizer made of others overrides this, to have theirs suggested.

        Args:
            given: Option names to values, as the user gave them.
            purpose: "embed" for vectors without training, "train" for training.
        """
        return {**cls.suggested_options(encoder), **given}

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn statistics of the training split: scales, categories, vocabulary. By default nothing.

        Called before training with the training split only, once; a second call starts over. Ends in `restore`, so
        that a tokenizer restored from `calibration()` is the same as the one calibrated. A tokenizer that cannot work
        without has the capability `needs_calibration` in its manifest.
        """

    def calibration(self) -> dict[str, Any]:
        """What `calibrate` learned, as JSON can hold it; {} for nothing (yet)."""
        return {}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        """Become what `calibrate` would have made, from what `calibration` wrote down; may create parameters."""

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        """Start from what the encoder itself has: its patch embedding, positions, normalisation constants.

        Called once, before calibration and training, and not when a run is loaded. By default nothing.
        """

    def is_native_to(self, encoder: EncoderSpec) -> bool:
        """Whether the tokens are made by the encoder's own layers alone, once `init_from_encoder` has taken them over:
        a picture by its patch embedding, a text by its `token_table`. By default not.

        Where they are, and the encoder is one of two towers that were trained together, its vectors are in their common
        space without any training.
        """
        return False

    @property
    def labels_steps(self) -> bool:
        """Whether `stream` gives windows of recordings, and `prepare` the steps in them that are to be labelled
        (`mt_core.sdk.when`), so that predictions tell from when to when a class lasts. By default not."""
        return False

    # of samples that are made of several named inputs (a photo, a text and a table row)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that a sample is made of; () where it is one thing (the default)."""
        return ()

    def inputs_in(self, prepared: Mapping[str, Tensor]) -> tuple[str, ...]:
        """Those of `inputs` that a sample has.

        Args:
            prepared: What `prepare` returned.
        """
        return ()

    def keep_inputs(self, prepared: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor] | None:
        """The prepared sample with these inputs alone, as if it had no others; None where it has none of them.

        Args:
            prepared: What `prepare` returned; it stays as it is.
            names: Some of `inputs`.
        """
        return dict(prepared)

    # what a declared capability is held to by the conformance suite

    def permuted(self, sample: Any, generator: torch.Generator) -> Any:
        """The same sample in another order, for a modality that declares `permutation_invariant`.

        Args:
            sample: What `read` returned; it stays as it is.
            generator: What the order is drawn from.

        Returns:
            A sample that `prepare` takes. By default the rows of an array or tensor, shuffled.

        Raises:
            ContractError: a sample of another kind, whose tokenizer has to override this.
        """
        if isinstance(sample, Tensor) or type(sample).__module__ == "numpy":
            return sample[torch.randperm(len(sample), generator=generator).numpy()]
        raise ContractError(
            f"{type(self).__name__} does not say what another order of a {type(sample).__name__} is",
            fix="override `permuted`, or do not declare `permutation_invariant`",
        )

    def with_channels(self, sample: Any, channels: int) -> Any:
        """The sample with its first channels, or with all of them repeated in turn, until there are this many; for a
        modality that declares `any_channels`.

        Args:
            sample: What `read` returned; it stays as it is.

        Returns:
            A sample that `prepare` takes.

        Raises:
            ContractError: by default; a tokenizer with this capability overrides it.
        """
        raise ContractError(
            f"{type(self).__name__} does not say what channels a sample has",
            fix="override `with_channels`, or do not declare `any_channels`",
        )
