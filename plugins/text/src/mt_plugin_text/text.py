"""One sample of this modality."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or a pair of texts, and where it was read.

    Attributes:
        first: The text.
        second: The other text of a pair; None where there is one text only.
        file: The file that it was read from; "" where it was made in memory.
        place: Where in a file of many: "line 12", "row 3".
    """

    first: str
    second: str | None = None
    file: str = ""
    place: str = ""

    @property
    def filename(self) -> str:
        """What messages call it; "" where it was made in memory."""
        return f"{self.file}, {self.place}" if self.place else self.file
