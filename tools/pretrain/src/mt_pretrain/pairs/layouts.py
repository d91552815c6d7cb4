"""Where pairs lie: in a folder, in a table, or in the shards of a web-dataset.

photos/a.jpg, photos/a.txt (or a.json with "caption" or "text")     a caption beside each picture
captions.csv (.tsv, .jsonl)                                         a table: a column of paths, one of captions
00000.tar: 000001.jpg, 000001.txt (or .json), 000002.jpg, …         shards; the members of a pair share a stem
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import files_below
from mt_pretrain.pairs.listed import PATH_NAMES, TABLES, ListedPairs, pairs_in_table
from mt_pretrain.pairs.pair import CAPTION_NAMES, CAPTION_SUFFIXES, Pairs
from mt_pretrain.pairs.shards import ShardedPairs


def open_pairs(root: str | Path, suffixes: Sequence[str]) -> Pairs:
    """The pairs of a folder, a table or a shard; files are listed, and not read.

    Args:
        root: A folder in one of three layouts (see above), tried in the order table, shards, folder; or the table or
            the shard itself.
        suffixes: Lower-case endings of pictures.

    Raises:
        DatasetError: none of these layouts; says what was looked for.
    """
    path = Path(root)
    if not path.exists():
        raise DatasetError(f"{path} does not exist", fix="check the path and the folder it is relative to")
    table = next((path / name for name in TABLES if (path / name).is_file()), path)
    if table.is_file() and table.suffix.lower() in (".csv", ".tsv", ".jsonl"):
        return pairs_in_table(table)
    shards = [str(path)] if path.is_file() and path.suffix.lower() == ".tar" else list(files_below(path, [".tar"]))
    if shards:
        folder = path.parent if path.is_file() else path
        return ShardedPairs(str(path), [(_below(folder, shard), shard) for shard in shards], suffixes)
    pictures = [(_below(path, picture), picture) for picture in files_below(path, suffixes)]
    captions = {os.path.splitext(caption)[0] for caption in files_below(path, CAPTION_SUFFIXES)}
    if any(os.path.splitext(picture)[0] in captions for _, picture in pictures):
        return ListedPairs(str(path), pictures)
    holds = f"holds {len(pictures)} pictures, none of them with a caption" if pictures else "holds no pictures"
    raise DatasetError(
        f"{path} {holds}",
        fix="looked for were, in this order:"
        f"\n    a table: {', '.join(TABLES)}, with a column of paths ({PATH_NAMES[0]}, {PATH_NAMES[1]}, …) and one of "
        f"captions ({', '.join(CAPTION_NAMES)})"
        "\n    shards: *.tar, with 000001.jpg and 000001.txt (or .json) in them"
        "\n    files: x.jpg beside x.txt (or x.json with caption or text)",
    )


def _below(folder: Path, path: str) -> str:
    return Path(path).relative_to(folder).as_posix()
