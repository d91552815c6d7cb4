"""What one request may cost."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one request may cost, and how many there may be.

    Attributes:
        bytes: Of the body of a request.
        files: In it.
        samples: In it; a table has one a row.
        seconds: The reading of its files may take, beyond which they count as unreadable; all of it somewhat more
            than twice as long.
        requests: At work or waiting at the same time; further ones are refused.
    """

    bytes: int = 32 * MIB
    files: int = 16
    samples: int = 256
    seconds: float = 60.0
    requests: int = 64

    @property
    def seconds_in_all(self) -> float:
        """From the first byte of a request to its answer."""
        return 2 * self.seconds + 5
