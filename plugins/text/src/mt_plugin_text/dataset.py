"""Labelled texts: tables as the benchmarks ship them, and folders of text files."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field

from mt_core.contract import Classification
from mt_core.sdk import GroupOptions, ListedDataset, Listing
from mt_plugin_text.columns import ColumnChoice
from mt_plugin_text.demo import write_demo, write_examples
from mt_plugin_text.layouts import find_folders, find_split_tables, find_table, find_trec
from mt_plugin_text.tokenizer import Columns


class TextDatasetOptions(GroupOptions):
    """Which columns and classes, and which texts belong together."""

    group: str | None = Field(
        default=None,
        description="What texts have in common that must not be trained and tested on (an author, a patient): a column "
        "of the table, by name or number; of text files a pattern for their names, or folder, folder1 …",
    )

    text: Columns = Field(
        default=(),
        description="Column of a table with the texts, by name or number, or the two of a pair; by default found.",
    )
    label: str = Field(default="", description="The column of labels, by name or number; by default found.")
    fine: bool = Field(default=False, description="TREC: its fifty fine classes, in place of the six coarse ones.")
    matched: bool = Field(
        default=True, description="MNLI: the dev and test set of the genres that its training has, or of others."
    )


class TextDataset(ListedDataset):
    """Texts and the classes they belong to. Those of tables are kept in memory, those of folders are paths."""

    Options = TextDatasetOptions
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "split tables": "train.tsv, dev.tsv, test.tsv (or .csv, .jsonl, .parquet; also val, or parts as in "
        "train-00000-of-00002.parquet) with a column of texts or the two of a pair, as GLUE ships; also CoLA's without "
        "a header, and MNLI's dev_matched, dev_mismatched",
        "table": "one such file, or a folder with one; a column called split is understood",
        "TREC": "train_5500.label and TREC_10.label: LABEL:detail and a question a line, in Latin-1",
        "split folders": "train/, val/ and test/, in each a folder of .txt files per class, as IMDb's reviews are",
        "folders": "a folder of .txt files per class; everything is 'train'",
    }
    demo_options = {"max_tokens": 40}  # noqa: RUF012
    task: Classification

    @classmethod
    def find(cls, root: Path, split: str, *, options: TextDatasetOptions | None = None) -> Listing | None:
        """The texts under a folder, or in a table, in one of `layouts`; the classes are those of all splits."""
        options = options or TextDatasetOptions()
        wanted = ColumnChoice(text=options.text, label=options.label, group=options.group or "")
        return (
            find_trec(root, split, options.fine)
            or find_split_tables(root, split, wanted, matched=options.matched)
            or find_folders(root, split)
            or find_table(root, split, wanted)
        )

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Judgements of food, films and places, some of them negated, made from templates and written as GLUE writes
        its tables; `size` is a split's."""
        folder = write_demo(split, size, seed)
        listing = find_split_tables(folder, split, ColumnChoice(), matched=True)
        assert listing is not None
        return cls.of(listing, None, source="sentences made from templates (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)
