"""Rows of tables to tokens, one a column.  B batch, C columns, D width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mt_core.contract import Example, Region, TokenRegions, Tokens, name_of
from mt_core.errors import InputError, MtError, OptionError
from mt_core.sdk import is_infinite, left_out
from mt_core.sdk.blocks import DrawnTokenizer
from mt_plugin_tabular.categories import INITIAL_STD, KNOWN, MISSING, UNKNOWN, CategoryEmbedding
from mt_plugin_tabular.cells import Row, category_name
from mt_plugin_tabular.columns import Column
from mt_plugin_tabular.drawing import RowPictures
from mt_plugin_tabular.inference import infer_columns
from mt_plugin_tabular.numbers import Periodic, PiecewiseLinear
from mt_plugin_tabular.options import TabularOptions
from mt_plugin_tabular.reading import only_row, read_rows
from mt_plugin_tabular.survey import TableSummary, without_marks

MAX_COLUMNS = 1024
"""Attention compares each token with each: more columns than this are a mistake, or need choosing from."""

_GAIN = 10.0
"""Weights are kept a tenth of their size. Optimisers like Adam move each weight by about the learning rate: so the few
that a row touches (one category, one bin) keep pace with a head at the same rate."""

_FURTHEST = 1e6  # standard deviations from the mean; float32 holds no difference beyond


class TabularTokenizer(DrawnTokenizer):
    """One token for each column: an embedding of its number or category, plus a vector that says which column it is.

    Numbers come first, then categories, each in the order of the table. In each column, an empty
    cell has a vector of its own, and so has a category that calibration did not keep. There are no columns, and no
    weights, before `calibrate` or `restore`.
    """

    Options = TabularOptions
    options: TabularOptions
    sample_limits = f"rows of up to {MAX_COLUMNS:,} columns that vary: numbers, text, dates, booleans"

    def __init__(self, width: int, options: TabularOptions | None = None) -> None:
        super().__init__(width, options)
        self._marks = frozenset(map(category_name, self.options.missing))
        self._become([], {})

    def read(self, source: Any) -> Row:
        """The row of a mapping, a Series, a one-row data frame, a 1-D array, or a file with exactly one."""
        row = only_row(source, header=self.options.header)
        self._require_columns(row, name_of(source))
        return row

    def stream(self, source: Any) -> Iterator[Row]:
        """Every row of a file, a data frame, a list of mappings or a 2-D array."""
        for index, row in enumerate(read_rows(source, header=self.options.header), start=1):
            self._require_columns(row, f"{name_of(source)}, row {index}")
            yield row

    def prepare(self, sample: Row, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """{"numbers": (C,) float32 in standard deviations, NaN where missing; "categories": (C,) int64}."""
        if not self.columns:
            raise MtError(
                "this tabular tokenizer has no columns yet",
                fix="calibrate it on rows first (`fit` does so), or load a run that was trained",
            )
        if self._marks:
            sample = without_marks(sample, self._marks)
        try:
            numbers = [_standardised(sample[column.name], column) for column in self._number_columns]
            categories = [_index(sample[name], known) for name, known in self._known]
        except KeyError:
            self._require_columns(sample, "the row")
            raise
        prepared = {
            "numbers": torch.tensor(numbers, dtype=torch.float32),
            "categories": torch.tensor(categories, dtype=torch.int64),
        }
        if generator is not None and self.options.drop:
            hidden = torch.rand(len(self.columns), generator=generator) < self.options.drop
            prepared["numbers"][hidden[: len(numbers)]] = math.nan
            prepared["categories"][hidden[len(numbers) :]] = UNKNOWN
        return prepared

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """(B, C, D); with view=picture the tokens of what `draw` gives."""
        if self.picture is not None:
            return self.see(batch)
        parts = []
        if self.number_embedding is not None:
            numbers_BC = batch["numbers"]
            is_missing_BC = numbers_BC.isnan()
            values = self.number_embedding(numbers_BC.masked_fill(is_missing_BC, 0.0))
            parts.append(torch.where(is_missing_BC.unsqueeze(-1), self.missing, values))
        if self.category_embedding is not None:
            parts.append(self.category_embedding(batch["categories"]))
        return Tokens(_GAIN * (torch.cat(parts, dim=1) + self.place))

    def regions(self, sample: Row, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Columns and what stands in them; with view=picture patches of what is drawn."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        names = [column.name for column in self._number_columns] + [name for name, _ in self._known]
        cells = [Region(name, _in_words(sample[name])) for name in names]
        return TokenRegions(tuple(cells), what="column")

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        """Columns as cells of a lattice, see `drawing.RowPictures`; None with view=tokens."""
        if self.pictures is None:
            return None
        drawn: Tensor = self.pictures(batch["numbers"], batch["categories"])
        return drawn

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn what the columns hold, from one pass over the rows; see `inference.infer_columns`."""
        options = self.options
        rows = (only_row(example.sample, header=options.header) for example in examples)
        survey = TableSummary(rows, options.missing)
        named = {*options.numeric, *options.categorical, *options.ignore}
        if unknown := sorted(named - set(survey.names)):
            raise OptionError(
                f"there is no column {', '.join(map(repr, unknown))}", fix=f"the columns are: {', '.join(survey.names)}"
            )
        found = infer_columns(survey, options)
        columns, dropped = found.columns, found.dropped
        if not columns:
            raise InputError(
                f"no column of the {survey.num_rows} rows can be used "
                f"({'; '.join(f'{name}: {why}' for name, why in dropped.items())})",
                fix="give more rows, or columns that vary",
            )
        if len(columns) > MAX_COLUMNS:
            raise InputError(f"{len(columns):,} columns are more than {MAX_COLUMNS:,}", fix="choose some of them")
        found.tell("")
        self.restore({"columns": [column.to_json() for column in columns], "dropped": dropped})

    def calibration(self) -> dict[str, Any]:
        """{"columns": of each `Column` its fields, "dropped": {column: why}}."""
        if not self.columns:
            return {}
        return {"columns": [column.to_json() for column in self.columns], "dropped": self.dropped}

    def restore(self, calibration: Mapping[str, Any]) -> None:
        columns = [Column(**record) for record in calibration.get("columns", [])]
        self._become(columns, dict(calibration.get("dropped", {})))

    def _become(self, columns: list[Column], dropped: dict[str, str]) -> None:
        """Make the weights for these columns, or with view=picture their cells."""
        self.columns, self.dropped = columns, dropped
        self._number_columns = [column for column in columns if column.kind != "category"]
        categorical = [column for column in columns if column.kind == "category"]
        self._known = [
            (column.name, {name: KNOWN + index for index, name in enumerate(column.categories)})
            for column in categorical
        ]
        self.pictures: RowPictures | None = None
        if self.picture is not None:
            if columns:
                self.pictures = RowPictures(self._number_columns, categorical, self.options.picture_size)
            return
        num_numbers, width, options = len(self._number_columns), self.width, self.options
        self.number_embedding: PiecewiseLinear | Periodic | None = None
        self.category_embedding: CategoryEmbedding | None = None
        if self._number_columns and options.number_embedding == "ple":
            self.number_embedding = PiecewiseLinear([column.edges for column in self._number_columns], width)
        elif self._number_columns:
            self.number_embedding = Periodic(
                num_numbers, width, num_frequencies=options.frequencies, sigma=options.sigma
            )
        if categorical:
            self.category_embedding = CategoryEmbedding([len(column.categories) for column in categorical], width)
        self.missing = nn.Parameter(torch.randn(num_numbers, width) * INITIAL_STD)
        self.place = nn.Parameter(torch.randn(len(columns), width) * INITIAL_STD)

    def _require_columns(self, row: Row, name: str) -> None:
        lacking = [column.name for column in self.columns if column.name not in row]
        if lacking:
            raise InputError(
                f"{name} lacks the column{'s' * (len(lacking) > 1)} {', '.join(map(repr, lacking))}",
                fix="give all columns that this model was calibrated on; empty cells are allowed, further columns too",
            )


def _standardised(value: str | float | None, column: Column) -> float:
    if value is None:
        return math.nan
    try:
        deviations = (column.parse(value) - column.mean) / column.std
        if math.isnan(deviations) and isinstance(value, str) and is_infinite(value):
            left_out("", f"infinite numbers in the column {column.name}")
    except ValueError:
        if column.misfits:
            if value not in column.misfits:  # of these, users were told when they were learned
                left_out("", f"cells that are no {column.kind}s in the column {column.name}")
            return math.nan
        raise InputError(
            f"column {column.name!r} holds {value!r}, which is no {column.kind}",
            fix=f"correct the cell or leave it empty; or train with the option categorical={column.name}",
        ) from None
    return min(max(deviations, -_FURTHEST), _FURTHEST)  # NaN stays NaN


def _in_words(value: str | float | None) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _index(value: str | float | None, known: Mapping[str, int]) -> int:
    if value is None:
        return MISSING
    index = known.get(value) if isinstance(value, str) else None
    if index is None:
        name = category_name(value)
        index = known.get(name)
        if index is None and known.keys() <= {"True", "False"}:  # as another program writes them
            index = known.get({"1": "True", "0": "False"}.get(name, name))
    return UNKNOWN if index is None else index
