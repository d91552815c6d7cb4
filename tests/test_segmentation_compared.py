"""The comparison with a script of another library counts lines of code."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def compared(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    import segmentation_compared

    yield segmentation_compared
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(BENCHMARKS)):
            del sys.modules[name]


def test_blank_lines_comments_and_docstrings_are_no_code(compared):
    source = (
        '"""What."""\n\nimport os  # for paths\n\n\ndef f():\n    """Two\n    lines."""\n    # why\n    return os\n'
    )
    assert compared.code_lines(source) == 3
    assert compared.code_lines(compared.OURS) == 4
