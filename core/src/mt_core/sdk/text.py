"""Text files, whole."""

from __future__ import annotations

from pathlib import Path

from mt_core.errors import DatasetError


def text_of(path: Path) -> str:
    """The text of a list or a table that belongs to a data set.

    Raises:
        DatasetError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path} is not UTF-8 (byte 0x{error.object[error.start]:02x})", fix="save it again as UTF-8"
        ) from None
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error.strerror})", fix="check the file and who may read it"
        ) from None
