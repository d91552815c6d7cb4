"""docs/text-vectors.md names the file that is shipped, and the teacher that the script verifies."""

import re
from pathlib import Path

from mt_plugin_text import token_vectors

ROOT = Path(__file__).parents[2]


def test_its_hashes_are_those_of_the_file_and_of_the_teacher():
    script = (ROOT / "benchmarks" / "distil_text_vectors.py").read_text(encoding="utf-8")
    (teacher,) = re.findall(r'"([0-9a-f]{64})"', script)
    card = (ROOT / "docs" / "text-vectors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b[0-9a-f]{64}\b", card)) == {token_vectors.SHA256, teacher}


def test_the_attribution_names_the_teacher_and_the_texts():
    notice = (ROOT / "plugins" / "text" / "NOTICE").read_text(encoding="utf-8")
    assert all(name in notice for name in ("all-MiniLM-L6-v2", "Apache License 2.0", "WordNet 3.0", "Princeton"))
