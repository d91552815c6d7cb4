"""Texts to tokens, one a byte pair.  B batch, N tokens, E width of the table, D width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from einops import rearrange, repeat
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import EncoderSpec, Example, TokenRegions, Tokens
from mt_core.sdk import reinterpreted, some_of
from mt_core.sdk.blocks import DrawnTokenizer, LearnedPositions, ViewOptions
from mt_plugin_text.byte_pairs import NUM_IDS, repaired, token_ids
from mt_plugin_text.columns import ColumnChoice
from mt_plugin_text.drawing import Format, Line, draw_pages, set_lines, share_lines
from mt_plugin_text.encoder_tokens import EncoderTokens, has_table, whole_text
from mt_plugin_text.font import check_font, drawable, font_digest
from mt_plugin_text.notices import FirstOfTable, others_of
from mt_plugin_text.reading import only_text, read_texts
from mt_plugin_text.regions import word_regions
from mt_plugin_text.text import Text
from mt_plugin_text.token_vectors import NO_WORD, SHA256, VECTOR_WIDTH, PretrainedTokens, check_vectors
from mt_plugin_text.truncation import Truncation, share_length

UNKNOWN, EMPTY, SEPARATOR, FIRST_KNOWN = range(4)
"""Rows of the table that stand for no id: one that was not in the training texts, a text without any, the end of the
first text of a pair."""

_GAIN = 30.0
"""Weights are kept small: optimisers like Adam move each weight by about the learning rate, and so the few that a text
touches keep pace with a head at the same rate. Tokens then have a standard deviation of about 3: what one says is still
readable behind the twelve blocks of a random ViT-Tiny (cosine of its input and output 0.7; 0.3 for a third of it)."""

_TABLE_STD = 0.1
_QUIET = 0.01
"""What is not yet learned begins so small beside pretrained vectors that untrained tokens say what these say."""

_WHITE = 255
_CHARACTERS_A_TOKEN = 64  # twice as many as the longest token of the vocabulary has

Columns = Annotated[tuple[str, ...], Field(max_length=2)]
"""One column, or the two of a pair."""


class TextOptions(ViewOptions):
    """How texts become tokens."""

    max_tokens: int = Field(
        default=512,
        ge=3,
        le=8192,
        description="Tokens of a sample, at most; longer ones are cut. An encoder that was trained on texts: its own.",
    )
    embedding_width: int = Field(default=64, ge=1, le=4096, description="Width of the table of embeddings.")
    vectors: Literal["distilled", "none", "encoder"] = Field(
        default="distilled",
        description="Pretrained vectors of the byte pairs, distilled from a sentence encoder; none: random ones; "
        "encoder: those of an encoder that was trained on texts, and the default with one.",
    )
    drop: float = Field(default=0.1, ge=0, lt=1, description="Chance that a token is hidden from a training text.")
    line: int = Field(default=8, ge=6, le=512, description="view=picture: height of a line of writing in pixels.")
    text: Columns = Field(
        default=(),
        description="Column of a table with the texts, by name or number, or the two of a pair; by default found.",
    )


class TextTokenizer(DrawnTokenizer):
    """One token for each byte pair of CLIP's vocabulary: its embedding, its neighbours', and its place.

    The table of embeddings is narrower than the encoder and followed by a linear map (Lan et al. 2020, ALBERT,
    arXiv:1909.11942, section 3.1). Beside that, a convolution over three neighbours (Kim 2014, arXiv:1408.5882) tells
    "not good" from "good". In a pair, the second text has a vector of its own added, and a separator before it.

    The table has a row for each of the vocabulary's 49,406 ids. `calibrate` keeps the rows of those that occur in the
    training texts; all others are then one, *unknown*, which `drop` trains. With view=picture there is no table: the
    text is written on pages, see `drawing`. With vectors=encoder there is nothing but the encoder's own table, see
    `encoder_tokens`.
    """

    Options = TextOptions
    options: TextOptions
    sample_limits = "texts of any length, cut with a warning; lines of tables up to 16,777,216 characters"

    def __init__(self, width: int, options: TextOptions | None = None) -> None:
        super().__init__(width, options)
        self.pretrained: PretrainedTokens | None = None
        self.of_encoder: EncoderTokens | None = None
        if self.picture is None and self.options.vectors == "encoder":
            self.of_encoder = EncoderTokens(width, self.options.max_tokens)
        elif self.picture is None:
            self._make_tokens(width)
        self._wanted = ColumnChoice(text=self.options.text)
        self._truncation, self._is_first_undrawn = Truncation(), FirstOfTable()
        self._become(None)

    def _make_tokens(self, width: int) -> None:
        embedding = self.options.embedding_width
        self.pretrained = PretrainedTokens(width) if self.options.vectors == "distilled" else None
        seen = embedding if self.pretrained is None else embedding + VECTOR_WIDTH
        self.project = nn.Linear(embedding, width)
        self.neighbours = nn.Conv1d(seen, width, kernel_size=3, padding=1)
        self.second = nn.Parameter(torch.randn(width) * 0.02)
        self.place = LearnedPositions(self.options.max_tokens, width)
        if self.pretrained is not None:
            with torch.no_grad():
                for learned in (
                    *self.project.parameters(),
                    *self.neighbours.parameters(),
                    self.second,
                    self.place.weight,
                ):
                    learned.mul_(_QUIET)

    def read(self, source: Any) -> Text:
        """The text of a string, a pair of strings, a mapping, or a file that holds one; see `reading.read_texts`."""
        return only_text(source, self._wanted)

    def stream(self, source: Any) -> Iterator[Text]:
        """Every text of a table; of any other source the one that it is."""
        return read_texts(source, self._wanted)

    def prepare(self, sample: Text, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """{"ids": (N,) int32 rows of the table}; in training, some of them `UNKNOWN`. A text without a token, of
        nothing but spaces, is one `EMPTY`. With pretrained vectors also "words": (N,) int32 the number of each. With
        those of the encoder the ids themselves, between the start and the end of the text; in training, some are left
        out.

        With view=picture {"pages": (V, S, S) uint8, black on white}; in training, some words are not written."""
        if self.picture is not None:
            return {"pages": torch.from_numpy(self._pages(sample, generator))}
        parts = self._cut(sample)
        if self.of_encoder is not None:
            if generator is not None and self.options.drop:
                parts = [
                    part[(torch.rand(len(part), generator=generator) >= self.options.drop).numpy()] for part in parts
                ]
            return {"ids": whole_text(parts)}
        rows = [torch.from_numpy(self._row_of[part]) for part in parts]
        words = [torch.from_numpy(part.astype(np.int32)) + (NO_WORD + 1) for part in parts]
        if generator is not None and self.options.drop:
            for part, word in zip(rows, words, strict=True):
                is_hidden = torch.rand(len(part), generator=generator) < self.options.drop
                part[is_hidden], word[is_hidden] = UNKNOWN, NO_WORD
        ids, numbers = _joined(rows, SEPARATOR, EMPTY), _joined(words, NO_WORD, NO_WORD)
        return {"ids": ids} if self.pretrained is None else {"ids": ids, "words": numbers}

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """(B, N, D); with view=picture the tokens of what `draw` gives."""
        if self.picture is not None:
            return self.see(batch)
        ids_BN, mask_BN = batch["ids"], batch.get("ids_mask")
        if self.of_encoder is not None:
            return Tokens(self.of_encoder(ids_BN), mask=mask_BN)
        embedded_BNE = self.table(ids_BN)
        if mask_BN is not None:  # the convolution looks beyond the last token
            embedded_BNE = embedded_BNE * mask_BN.unsqueeze(-1)
        seen_BNE = embedded_BNE
        if self.pretrained is not None:
            vectors_BNV = self.pretrained.vectors(batch["words"])
            seen_BNE = torch.cat([embedded_BNE, vectors_BNV], dim=-1)
        around_BDN = self.neighbours(rearrange(seen_BNE, "b n e -> b e n"))
        around_BND = rearrange(nn.functional.gelu(around_BDN), "b d n -> b n d")
        is_second_BN = (ids_BN == SEPARATOR).cumsum(1) > 0
        values_BND = self.project(embedded_BNE) + around_BND + is_second_BN.unsqueeze(-1) * self.second
        values_BND = _GAIN * self.place(values_BND, mask=mask_BN)
        if self.pretrained is not None:
            values_BND = values_BND + self.pretrained(batch["words"], vectors_BNV, is_second_BN)
        return Tokens(values_BND, mask=mask_BN)

    def regions(self, sample: Text, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Words, in small letters and by their numbers from 1; with view=picture patches of the pages."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        return word_regions(self._cut(sample), has_ends=self.of_encoder is not None)

    def as_text(self, sample: Text) -> str:
        """The text; of a pair one below the other."""
        return sample.first if sample.second is None else f"{sample.first}\n{sample.second}"

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """The pages of each text; None with view=tokens."""
        if self.picture is None:
            return None
        pages_BVSS = batch["pages"].float() / _WHITE
        mask_BV = batch.get("pages_mask")
        if mask_BV is not None:
            pages_BVSS = pages_BVSS.masked_fill(~mask_BV[..., None, None], torch.nan)
        return repeat(pages_BVSS, "b v h w -> b v c h w", c=3)

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Keep the ids that occur in the texts, as far as they are read; with view=picture or the encoder's own vectors
        nothing is learned."""
        if self.picture is not None or self.of_encoder is not None:
            return
        occurs = np.zeros(NUM_IDS, bool)
        for example in examples:
            for part in self._cut(self.read(example.sample)):
                occurs[part] = True
        self._become(np.flatnonzero(occurs))

    @classmethod
    def suggested_options(cls, encoder: EncoderSpec) -> dict[str, Any]:
        """Of an encoder that was trained on texts its own vectors and length; else as of any that is drawn."""
        suggested = super().suggested_options(encoder)
        if encoder.token_table is None or not has_table(encoder):
            return suggested
        return {**suggested, "vectors": "encoder", "max_tokens": len(encoder.token_table.positions)}

    def init_from_encoder(self, encoder: EncoderSpec) -> None:
        super().init_from_encoder(encoder)
        if self.of_encoder is not None:
            self.of_encoder.take(encoder)

    def is_native_to(self, encoder: EncoderSpec) -> bool:
        return super().is_native_to(encoder) or (self.of_encoder is not None and has_table(encoder))

    def calibration(self) -> dict[str, Any]:
        """{"vocabulary": the ids kept, in their order, "vectors": SHA-256 of the pretrained ones}; with view=picture
        {"font": SHA-256 of the font}; with the encoder's own vectors {}."""
        if self.of_encoder is not None:
            return {}
        if self.picture is not None:
            return {"font": font_digest()}
        known = {} if self._vocabulary is None else {"vocabulary": self._vocabulary.tolist()}
        return known if self.pretrained is None else {**known, "vectors": SHA256}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        if self.picture is not None:
            if calibration:
                check_font(calibration.get("font"))
            return
        if self.pretrained is not None and calibration:
            check_vectors(calibration.get("vectors"))
        vocabulary = calibration.get("vocabulary")
        self._become(None if vocabulary is None else np.array(vocabulary, np.int64))

    def _become(self, vocabulary: NDArray[np.int64] | None) -> None:
        """Make the table for these ids; None: for all."""
        if self.picture is not None or self.of_encoder is not None:
            return
        self._vocabulary = vocabulary
        known = np.arange(NUM_IDS) if vocabulary is None else vocabulary
        self._row_of = np.full(NUM_IDS, UNKNOWN, np.int32)
        self._row_of[known] = np.arange(FIRST_KNOWN, FIRST_KNOWN + len(known))
        self.table = nn.Embedding(FIRST_KNOWN + len(known), self.options.embedding_width)
        nn.init.normal_(self.table.weight, std=_TABLE_STD)

    def _pages(self, sample: Text, generator: torch.Generator | None) -> NDArray[np.uint8]:
        """(V, S, S): a sample's texts as they are written."""
        own = self.options
        form = Format(own.picture_size, own.line, pages=max(1, own.max_tokens // self._tokens_of_page))
        most = form.lines * form.pages * form.size  # no character is narrower than a pixel
        written = [sample.first] if sample.second is None else [sample.first, sample.second]
        shown = [drawable(repaired(text[:most])) for text in written]
        lacking = sorted({character for _, missing in shown for character in missing})
        if lacking and self._is_first_undrawn(sample):
            reinterpreted(
                sample.filename or "a text",
                f"characters that the font lacks as their numbers ({some_of(lacking, 3)}); so are others in "
                f"{others_of(sample)}; view=tokens reads them",
            )
        parts, unused = share_lines([set_lines(text, form) for text, _ in shown], form)
        is_longer = any(len(text) > most for text in written)
        if unused or is_longer:
            self._truncation.tell(sample, sum(map(len, parts)), unused, at_least=is_longer, unit="lines")
        if generator is not None and own.drop:
            parts = [[_thinned(line, own.drop, generator) for line in part] for part in parts]
        return draw_pages(parts, form)

    @property
    def _tokens_of_page(self) -> int:
        return int((self.options.picture_size // self.options.picture_patch) ** 2)

    def _cut(self, sample: Text) -> list[NDArray[np.int64]]:
        """The ids of a sample's texts, as many as there is room for; one of a pair may be empty."""
        most = self.options.max_tokens * _CHARACTERS_A_TOKEN
        written = [sample.first] if sample.second is None else [sample.first, sample.second]
        parts = [np.array(token_ids(text[:most]), np.int64) for text in written]
        lengths = [len(part) for part in parts]
        room = self.options.max_tokens - (len(parts) - 1) if self.of_encoder is None else self.of_encoder.room
        kept = share_length(lengths, room)
        is_longer = any(len(text) > most for text in written)
        if kept != lengths or is_longer:
            self._truncation.tell(sample, sum(kept), sum(lengths) - sum(kept), at_least=is_longer)
        return [part[:number] for part, number in zip(parts, kept, strict=True)]


def _thinned(line: Line, drop: float, generator: torch.Generator) -> Line:
    """A line with some of its words left out, their places empty."""
    is_hidden = torch.rand(len(line), generator=generator) < drop
    return [word for word, hidden in zip(line, is_hidden.tolist(), strict=True) if not hidden]


def _joined(parts: list[Tensor], between: int, nothing: int) -> Tensor:
    """The parts of a text one behind the other, a number between two; of none at all one number."""
    if len(parts) == 2:
        parts = [parts[0], parts[0].new_tensor([between]), parts[1]]
    joined = torch.cat(parts)
    return joined if len(joined) else joined.new_tensor([nothing])
