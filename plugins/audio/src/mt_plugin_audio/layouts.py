"""The folders that public data sets of sound ship in, beside folders per class and tables of paths."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import Listing, dict_rows, files_below, read_text, require_files, select_splits, sorted_names
from mt_plugin_audio.reading import SUFFIXES

_DIGIT = re.compile(r"(\d)_([^_]+)_(\d+)\.wav", re.IGNORECASE)
_TEST_INDICES = 5
_SPEAKER = re.compile(r"(.+)_nohash_")

_ESC50 = Path("meta", "esc50.csv")
_FOLDS = range(1, 6)
_SPEECH_LISTS = {"val": "validation_list.txt", "test": "testing_list.txt"}

_Row = tuple[str, str, str]
"""Split, path, class."""


def find_digits(root: Path, split: str, held_out_speaker: str | None) -> Listing | None:
    """The Free Spoken Digit Dataset: `{digit}_{speaker}_{index}.wav`, in `root` or in `root/recordings`.

    Its speakers may be the groups.

    Args:
        held_out_speaker: Whose recordings are "test"; None: everybody's with index 0 to 4, as its README says.

    Raises:
        OptionError: nobody of this name.
    """
    folder = root / "recordings" if (root / "recordings").is_dir() else root
    found = [(match.groups(), path) for path in sorted(folder.iterdir()) if (match := _DIGIT.fullmatch(path.name))]
    if not found:
        return None
    speakers = sorted({speaker for (_, speaker, _), _ in found})
    if held_out_speaker is not None and held_out_speaker not in speakers:
        raise OptionError(
            f"held_out_speaker={held_out_speaker!r} is no speaker in {root}",
            fix=f"the speakers are {', '.join(speakers)}",
        )
    rows = []
    for (digit, speaker, index), path in found:
        is_test = int(index) < _TEST_INDICES if held_out_speaker is None else speaker == held_out_speaker
        rows.append(("test" if is_test else "train", str(path), digit))
    return _listed(rows, split, root, "digits", {"speaker": {str(path): speaker for (_, speaker, _), path in found}})


def find_speech_commands(root: Path, split: str) -> Listing | None:
    """Speech Commands: a folder per word, `validation_list.txt` and `testing_list.txt`; what is in neither is "train".

    Folders whose names begin with "_" hold no words (`_background_noise_`). A list may name words that are not there,
    where somebody kept some of them only. The speakers, who stand in the files' names, may be the groups.

    Raises:
        DatasetError: a list names files that are missing from a folder which is there.

    Source: Warden 2018, arXiv:1804.03209, section 7.
    """
    if not all((root / name).is_file() for name in _SPEECH_LISTS.values()):
        return None
    words = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))
    files = {
        Path(path).relative_to(root).as_posix(): word.name for word in words for path in files_below(word, SUFFIXES)
    }
    split_of = {}
    for name, listed in _SPEECH_LISTS.items():
        for line in read_text(root / listed).split():
            if line not in files and os.path.isdir((root / line).parent):
                raise DatasetError(
                    f"{root / listed} names {line}, which does not exist", fix="check that the download is complete"
                )
            split_of[line] = name
    rows = [(split_of.get(file, "train"), str(root / file), word) for file, word in files.items()]
    speakers = {path: match[1] if (match := _SPEAKER.match(Path(path).name)) else None for _, path, _ in rows}
    return _listed(rows, split, root, "speech commands", {"speaker": speakers})


def find_esc50(root: Path, split: str, fold: int) -> Listing | None:
    """ESC-50: `meta/esc50.csv`, and the clips in `audio/`. Those of one recording, its column src_file, may be a group.

    Args:
        fold: The one of 1 to 5 that is "test".

    Raises:
        DatasetError: a damaged table, or clips that are missing.
        OptionError: another fold.

    Source: Piczak 2015, ESC: Dataset for Environmental Sound Classification, ACM Multimedia.
    """
    table = root / _ESC50
    if not table.is_file():
        return None
    if fold not in _FOLDS:
        raise OptionError(f"there is no fold={fold} of {root}", fix="ESC-50 has the folds 1 to 5")
    rows: list[_Row] = []
    recordings: dict[str, str | None] = {}
    for number, row in enumerate(dict_rows(table), start=1):
        name, category, own_fold = (row.get(column) for column in ("filename", "category", "fold"))
        if not name or not category or own_fold not in {str(each) for each in _FOLDS}:
            raise DatasetError(
                f"{table}, row {number}: no filename, category and fold", fix="take the table as it was published"
            )
        path = str(root / "audio" / name)
        rows.append(("test" if own_fold == str(fold) else "train", path, category))
        recordings[path] = row.get("src_file")
    require_files([path for _, path, _ in rows], table, fix="check that the download is complete")
    return _listed(rows, split, root, "esc-50", {"src_file": recordings} if any(recordings.values()) else {})


def _listed(
    rows: Sequence[_Row], split: str, root: Path, layout: str, known: Mapping[str, Mapping[str, str | None]]
) -> Listing:
    """The rows of a split.

    Args:
        known: What may be a group, by its name: of each path its own.
    """
    splits = select_splits(split, {own for own, _, _ in rows} or {"train"}, root)
    chosen = [(path, label) for name in splits for own, path, label in rows if own == name]
    classes = sorted_names(label for _, _, label in rows)
    paths = [path for path, _ in chosen]
    columns = {name: [of_path[path] for path in paths] for name, of_path in known.items()}
    return Listing(paths, [label for _, label in chosen], classes, layout, columns=columns)
