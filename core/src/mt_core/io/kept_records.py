"""Records that are needed once more after they were written, as those of a scene of millions of pixels are."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, overload

from mt_core.errors import RunError

MOST_IN_MEMORY = 10_000


class KeptRecords(Sequence[dict[str, Any]]):
    """Records in their order, which JSON can hold; those behind the first are on disk. Use it in a `with`.

    Args:
        most: How many are in memory; of the others 8 bytes each.
    """

    def __init__(self, most: int = MOST_IN_MEMORY) -> None:
        self.most = most
        self._first: list[dict[str, Any]] = []
        self._starts = array("Q")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> KeptRecords:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, record: Mapping[str, Any]) -> None:
        """Keep one more.

        Raises:
            RunError: there is no room for it in the temporary folder.
        """
        if len(self._first) < self.most:
            self._first.append(dict(record))
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="mt-records-")
            start = self._file.seek(0, 2)
            self._file.write(json.dumps(record).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise RunError(
                f"the temporary folder {tempfile.gettempdir()} cannot be written to ({error.strerror})",
                fix="make room there, or name another folder in the environment variable TMPDIR",
            ) from None
        self._starts.append(start)

    def __len__(self) -> int:
        return len(self._first) + len(self._starts)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        if at < len(self._first):
            return self._first[at]
        assert self._file is not None
        self._file.seek(self._starts[at - len(self._first)])
        record: dict[str, Any] = json.loads(self._file.readline())
        return record
