"""Texts longer than a model reads: what is kept, and who is told."""

from __future__ import annotations

from mt_core.sdk import left_out
from mt_plugin_text.notices import FirstOfTable, others_of
from mt_plugin_text.text import Text


class Truncation:
    """Tells of the first text that is cut in each table, and in each folder of text files."""

    def __init__(self) -> None:
        self._is_first = FirstOfTable()

    def tell(self, text: Text, used: int, unused: int, *, at_least: bool, unit: str = "tokens") -> None:
        """Tell of a text, unless another of its table or folder was told of before.

        Args:
            used, unused: Tokens that are kept, and that are left out.
            at_least: There are more of those left out: the text is so long that its end was not counted.
            unit: What is counted.
        """
        if not self._is_first(text):
            return
        count = f"{'at least ' if at_least else ''}{unused:,}"
        left_out(
            text.filename or "a text",
            f"the end of a text, {count} {unit} behind {used:,} (option max_tokens); so are others in "
            f"{others_of(text)}",
        )


def share_length(lengths: list[int], room: int) -> list[int]:
    """How many tokens of each text of a sample are kept: the longer one of a pair gives way first.

    Source: Devlin et al. 2019 (BERT), arXiv:1810.04805, its code's `truncate_seq_pair`.
    """
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    first, second = lengths
    if first + second <= room:
        return lengths
    half = room // 2
    if second <= half:
        return [room - second, second]
    return [first, room - first] if first <= room - half else [room - half, half]
