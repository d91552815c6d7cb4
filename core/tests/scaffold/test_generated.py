"""What `mt new` writes is a good plugin: short, clean, typed, and its own tests pass."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mt_core.scaffold import Naming, write_plugin

NAMES = ("sonar", "ct", "near_infrared_spectroscopy")
"""Short and long, since they are part of lines and of an order of imports."""


@pytest.fixture
def sonar(tmp_path: Path) -> Path:
    return write_plugin(Naming("sonar"), tmp_path)


def run(*command: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_an_author_reads_first_is_short(sonar):
    package = sonar / "src/mt_plugin_sonar"
    assert len((package / "tokenizer.py").read_text().splitlines()) <= 80
    assert len((package / "dataset.py").read_text().splitlines()) <= 50


def test_the_places_to_replace_are_marked_where_they_are(sonar):
    for name in ("tokenizer.py", "dataset.py", "baseline.py", "plugin.toml"):
        assert "yours: " in (sonar / "src/mt_plugin_sonar" / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_formatted_and_free_of_lint(tmp_path, name):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    folder = write_plugin(Naming(name), tmp_path)
    run(ruff, "check", "--no-cache", ".", cwd=folder)
    run(ruff, "format", "--no-cache", "--check", ".", cwd=folder)


@pytest.mark.slow
def test_it_is_typed_strictly(sonar):
    pytest.importorskip("mypy")
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "src", "tests", cwd=sonar)


@pytest.mark.slow
def test_its_own_tests_pass_without_a_warning(sonar):
    """Those of the conformance suite need it installed: tests/test_scaffold.py runs them."""
    own = ("tests/test_tokenizer.py", "tests/test_dataset.py")
    pytest_of_its_own = (sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run(*pytest_of_its_own, *own, cwd=sonar, PYTHONPATH=str(sonar / "src"), OMP_NUM_THREADS="1")


OTHER_TOKENIZER = """
import json
from pathlib import Path

import torch
from mt_core.contract import Tokenizer, Tokens, reading
from mt_core.errors import InputError
from torch import nn


class SonarTokenizer(Tokenizer):
    def __init__(self, width, options=None):
        super().__init__(width, options)
        self.words = nn.Embedding(64, width)
        self.known = {}

    def read(self, source):
        with reading(source, formats=".json"):
            words = json.loads(Path(source).read_text()) if isinstance(source, str | Path) else source
            if not isinstance(words, list):
                raise InputError("no list of words", fix="write one")
            return words

    def prepare(self, sample, generator=None):
        return {"ids": torch.tensor([self.known[word] for word in sample])}

    def forward(self, batch):
        return Tokens(self.words(batch["ids"]), mask=batch.get("ids_mask"))

    def calibrate(self, examples):
        words = sorted({word for example in examples for word in self.read(example.sample)})
        self.known = {word: number for number, word in enumerate(words)}
"""
OTHER_DATASET = """
import json

from mt_core.contract import Regression
from mt_core.sdk import ListedDataset, Listing, temporary_folder

WORDS = "low lower lowest high higher highest".split()


class SonarDataset(ListedDataset):
    layouts = {"words": "a folder of lists of words, and numbers.csv"}
    kinds = ("regression",)

    @classmethod
    def find(cls, root, split):
        return None

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        folder = temporary_folder("words")
        for number in range(size):
            (folder / f"{number}.json").write_text(json.dumps(WORDS[number % 3 : 3 + number % 4]))
        files, numbers = [folder / f"{number}.json" for number in range(size)], list(range(size))
        task = Regression(names=("height",))
        return cls.of(Listing(files, numbers, (), "words", task), None, "words (synthetic)")
"""


@pytest.mark.slow
def test_its_own_tests_pass_where_tokenizer_and_dataset_are_replaced(sonar):
    package = sonar / "src/mt_plugin_sonar"
    (package / "tokenizer.py").write_text(OTHER_TOKENIZER)
    (package / "dataset.py").write_text(OTHER_DATASET)
    own = ("tests/test_tokenizer.py", "tests/test_dataset.py")
    pytest_of_its_own = (sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run(*pytest_of_its_own, *own, cwd=sonar, PYTHONPATH=str(package.parent), OMP_NUM_THREADS="1")


def test_its_readme_says_which_options_there_are(sonar, monkeypatch):
    monkeypatch.syspath_prepend(sonar / "src")
    try:
        options = importlib.import_module("mt_plugin_sonar.tokenizer").SonarOptions
    finally:
        for name in [name for name in sys.modules if name.startswith("mt_plugin_sonar")]:
            del sys.modules[name]
    lines = (sonar / "README.md").read_text().splitlines()
    told = [line.split("|")[1:3] for line in lines if line.startswith("| `") and "." not in line.split("|")[1]]
    assert [(name.strip(" `"), default.strip()) for name, default in told] == [
        (name, str(field.default)) for name, field in options.model_fields.items()
    ]
