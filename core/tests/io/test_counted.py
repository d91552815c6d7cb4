"""Numbers of things in words."""

import pytest

from mt_core.io.counted import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ["sample"], "0 samples"),
        (1, ["sample"], "1 sample"),
        (1200, ["sample"], "1,200 samples"),
        (1, ["box", "boxes"], "1 box"),
        (2, ["box", "boxes"], "2 boxes"),
    ],
)
def test_one_thing_is_no_plural(number, words, said):
    assert counted(number, *words) == said
