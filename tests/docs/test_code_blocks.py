"""Every code block of every README and every page is run, in the order of its page and in a folder of its own.

| block | what is done |
|---|---|
| `python` | executed; the blocks of a page share their names |
| `bash` | each line: `mt` is run, except for `NOT_RUN`, and `pytest` is; `pip` and `make` are checked by name |
| `toml` | parsed; a manifest, or a part of one, commands and settings are validated |
| `output` | compared with what the block before it printed: `…` stands for anything, and decimals may be a tenth off |
| `text` | nothing: drawings and signatures |

A block without a language is `bash`. Any other language fails, and so does code that is indented and not fenced.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import invalidate_caches
from io import StringIO
from math import isclose
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import click
import pytest
from markdown_it import MarkdownIt

from mt_core import api
from mt_core.cli import COMMANDS, group, main
from mt_core.plugins import registry
from mt_core.plugins.commands import discover_commands
from mt_core.plugins.official import OFFICIAL_COMMANDS

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {
    project["name"]: set(project.get("optional-dependencies", {}))
    for path in (
        ROOT / "core/pyproject.toml",
        *ROOT.glob("plugins/*/pyproject.toml"),
        *ROOT.glob("tools/*/pyproject.toml"),
    )
    for project in [tomllib.loads(path.read_text("utf-8"))["project"]]
}

NOT_RUN = {
    "demo": "trains all modalities for minutes; tests/test_demo.py runs it",
    "fetch": "asks the hub; core/tests/encoder/test_fetching.py runs it",
    "serve": "answers until it is stopped; tools/serve/tests/test_command.py runs it",
}
"""Commands of `mt` whose line is only parsed, and why."""

SMALL = ["--epochs", "1", "-S", "max_minutes=0.1"]
"""What a line of `mt train` is given that says nothing of epochs."""


BRIEF = ["--minutes", "0.0001", "--size", "32", "-S", "depth=1"]
"""What a line of `mt pretrain` is given that says nothing of steps."""

FEW_STEPS = ["--steps", "2", "--batch-size", "8"]
"""What a line of `mt adapt` or `mt align` is given that says nothing of steps."""


CHEAP = ["--minutes", "0.1", "--seeds", "1", "--rungs", "knn", "-S", "num_workers=0"]
"""What every line of `mt ladder` is given, in place of what it says."""

NUMBER = r"\d+\.\d+"


class BrokenBlock(AssertionError):
    """A block that does not do what its page says."""


@dataclass(frozen=True)
class Block:
    """A piece of code of a page, from its line on."""

    language: str
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    tokens = MarkdownIt().parse(text)
    return [
        Block(token.info.split()[0] if token.info else "bash", token.content, token.map[0] + 2)
        if token.type == "fence"
        else Block("indented", token.content, token.map[0] + 1)
        for token in tokens
        if token.type in ("fence", "code_block") and token.map
    ]


@dataclass
class Reader:
    """Somebody who does everything that a page says.

    Attributes:
        names: What the page's Python has defined.
        printed: What the block before printed.
        installed: Where a package that is installed from its folder is registered.
    """

    page: str
    names: dict[str, Any]
    installed: Path
    printed: str = ""
    done: list[str] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Do all of a page.

        Raises:
            BrokenBlock: with page and line.
        """
        for block in blocks(text):
            act: Callable[[Block], None] | None = getattr(self, f"do_{block.language}", None)
            place = f"{self.page}:{block.line}"
            if act is None:
                raise BrokenBlock(f"{place}: nobody knows what to do with a block of {block.language!r}")
            shown = StringIO()
            try:
                with redirect_stdout(shown), redirect_stderr(shown):
                    act(block)
            except BrokenBlock as broken:
                raise BrokenBlock(f"{place}: {broken}\n{shown.getvalue()[-3000:]}") from None
            except Exception as error:
                raise BrokenBlock(f"{place}: {type(error).__name__}: {error}") from error
            self.printed = shown.getvalue()

    def do_python(self, block: Block) -> None:
        exec(compile("\n" * (block.line - 1) + block.code, self.page, "exec"), self.names)

    def do_text(self, block: Block) -> None:
        pass

    def do_output(self, block: Block) -> None:
        said = " ".join(block.code.split())
        pattern = re.sub(NUMBER, "NUMBER", said)
        pattern = re.escape(pattern).replace("…", ".*?").replace("NUMBER", f"({NUMBER})")
        matched = re.fullmatch(pattern, " ".join(self.printed.split()))
        numbers = zip(re.findall(NUMBER, said), matched.groups(), strict=True) if matched else []
        if not matched or not all(isclose(float(a), float(b), rel_tol=0.1, abs_tol=0.05) for a, b in numbers):
            raise BrokenBlock(f"the page says\n{block.code}\nand it printed\n{self.printed}")

    def do_toml(self, block: Block) -> None:
        content = tomllib.loads(block.code)
        if {"project", "build-system", "dependency-groups"} & content.keys():
            for group, entries in content["project"]["entry-points"].items():
                file = {"mt.plugins": "plugin.toml", "mt.commands": "commands.toml"}.get(group)
                if not all(re.fullmatch(rf"\w+:{file}", value) for value in entries.values()):
                    raise BrokenBlock(f"{entries} are no entry points of {group}")
        elif "plugins" in content:
            self._settings(block.code)
        elif any(isinstance(value, dict) and "command" in value for value in content.values()):
            self._commands(block.code)
        else:
            _manifest(content)

    def _settings(self, code: str) -> None:
        from mt_core.plugins.settings import read_settings

        (self.installed / "settings.toml").write_text(code, "utf-8")
        os.environ["MT_CONFIG"] = str(self.installed / "settings.toml")
        try:
            read_settings()
        finally:
            del os.environ["MT_CONFIG"]

    def _commands(self, code: str) -> None:
        """Install a distribution whose commands.toml this is."""
        for folder in ("fake_tool", "fake_tool-1.0.dist-info"):
            (self.installed / folder).mkdir()
        (self.installed / "fake_tool/commands.toml").write_text(code, "utf-8")
        metadata = self.installed / "fake_tool-1.0.dist-info"
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-tool\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mt.commands]\nfake = fake_tool:commands.toml\n")
        if problems := [found.problem for found in discover_commands(COMMANDS, [str(self.installed)]) if found.problem]:
            raise BrokenBlock("; ".join(problems))

    def do_bash(self, block: Block) -> None:
        for line in block.code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if not words:
                continue
            act = getattr(self, f"run_{words[0]}", None)
            if act is None:
                raise BrokenBlock(f"{words[0]!r} is not among the commands that a page may use")
            wanted = re.search(r"# exit code (\d+)", line)
            code = act(words[1:]) or 0
            if code != int(wanted[1] if wanted else 0):
                raise BrokenBlock(f"`{line}` ended with exit code {code}")
            self.done.append(words[0])

    do_sh = do_bash

    def run_mt(self, words: list[str]) -> int:
        parsed(words)
        if words[0] in NOT_RUN:
            return 0
        budget = SMALL if words[0] == "train" and "--epochs" not in words else []
        if words[0] == "pretrain" and not {"--steps", "--pairs", "--resume"} & set(words):
            budget = BRIEF
        if words[0] == "ladder":
            budget = CHEAP
        if words[0] in ("adapt", "align") and "--steps" not in words:
            budget = FEW_STEPS
        alone = (
            ["--num-workers", "0"] if words[0] in ("adapt", "align", "train", "embed", "evaluate", "zeroshot") else []
        )
        return main([*words, *budget, *alone])

    def run_cd(self, words: list[str]) -> None:
        os.chdir(words[0])

    def run_make(self, words: list[str]) -> None:
        rules = re.findall(r"^([\w ]+):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        if unknown := set(words) - {target for rule in rules for target in rule.split()}:
            raise BrokenBlock(f"the Makefile has no {' '.join(unknown)}")

    def run_pip(self, words: list[str]) -> None:
        """A folder's wheel is built and installed; of the rest the names are checked, since nothing is fetched here."""
        if words[:2] == ["install", "-e"]:
            return self._install(Path(words[2].partition("[")[0]), words[2])
        if words[0] == "wheel":
            return None
        for word in words[1:]:
            name, _, extras = word.removesuffix("]").partition("[")
            wheel = Path(name).name.partition("-")[0].replace("_", "-") if name.endswith(".whl") else name
            known = wheel in DISTRIBUTIONS and set(filter(None, extras.split(","))) <= DISTRIBUTIONS[wheel]
            if not (word.startswith("-") or known or wheel in {"mt-plugin-sonar"}):
                raise BrokenBlock(f"there is no distribution {word}")
        return None

    def _install(self, folder: Path, said: str) -> None:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        if unknown := set(re.findall(r"[\w-]+(?=[],])", said)) - set(project.get("optional-dependencies", {})):
            raise BrokenBlock(f"{project['name']} has no extra {unknown}")
        run_python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(self.installed / "wheels"), str(folder))
        [wheel] = (self.installed / "wheels").glob("*.whl")
        ZipFile(wheel).extractall(self.installed)
        invalidate_caches()
        registry.reset()

    def run_pytest(self, words: list[str]) -> None:
        run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words)


def run_python(*words: str) -> None:
    """In a process of its own, where it ends well.

    Raises:
        BrokenBlock: with the end of what it said.
    """
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    print(done.stdout, done.stderr)
    if done.returncode:
        raise BrokenBlock(
            f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
        )


def parsed(words: list[str]) -> None:
    """Raises `BrokenBlock` for a line of `mt` with a command or an option that there is not, or that lacks one."""
    place = next((place for place, word in enumerate(words) if not word.startswith("-")), len(words))
    try:
        context = group.make_context("mt", words[: place + 1])
        for name in words[place : place + 1]:
            command = group.get_command(context, name)
            assert command is not None  # the group has refused it otherwise
            command.make_context(name, words[place + 1 :], parent=context)
    except click.ClickException as error:
        raise BrokenBlock(f"`mt {shlex.join(words)}`: {error.format_message()}") from None


def _manifest(content: dict[str, Any]) -> None:
    """A manifest, or some keys of one."""
    from mt_core.conformance import CHECKS
    from mt_core.plugins.manifest import Manifest, unknown_keys
    from mt_core.training.recipe import Recipe

    required = {"contract": "1.0", "name": "x", "summary": "x", "tokenizer": "x:X", "dataset": "x:X", "head": "x:X"}
    manifest = Manifest.model_validate({**required, **content})
    if unknown := unknown_keys(content):
        raise BrokenBlock(f"a manifest has no {', '.join(unknown)}")
    Recipe.parse(manifest.recipe)
    waivable = {check.name for check in CHECKS if check.waivable}
    if unknown := {deviation.check for deviation in manifest.deviations} - waivable:
        raise BrokenBlock(f"there is no check to waive that is called {', '.join(unknown)}")


def inline_faults(text: str) -> Iterator[str]:
    """Commands and options of `mt` in running text that there are not."""
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or []:
            words = child.content.split() if child.type == "code_inline" else []
            if words[:1] != ["mt"] or len(words) < 2 or not words[1].islower():
                continue
            command = group if words[1].startswith("-") else None
            if words[1] in group.list_commands(click.Context(group)):
                command = group.get_command(click.Context(group), words[1])
            known = {option for each in command.params for option in each.opts} if command else set()
            options = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-zA-Z]", word)}
            if command is None or not options <= known | {"--help", "-h", "--version"}:
                yield child.content


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "core/README.md",
        "benchmarks/README.md",
        "plugins/*/README.md",
        "tools/*/README.md",
        "docs/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
SLOW = {
    "README.md",
    "docs/adapt.md",
    "docs/align.md",
    "docs/arrays.md",
    "docs/authors/conformance.md",
    "docs/authors/release.md",
    "docs/controls.md",
    "docs/items.md",
    "docs/ladder.md",
    "docs/precision.md",
    "docs/python.md",
    "docs/tutorial.md",
    "plugins/graph/README.md",
    "plugins/timeseries/README.md",
    "tools/export/README.md",
    "tools/pretrain/README.md",
}
"""Pages that take longer than five seconds."""


@pytest.fixture
def reader(tmp_path, monkeypatch) -> Callable[[str, dict[str, Any]], Reader]:
    """A reader of a page, who sits in an empty folder and whose settings and caches are the test's own."""
    for folder in ("work", "installed"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))  # for the processes that a page starts
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MT_CONFIG", raising=False)
    monkeypatch.setattr("mt_core.io.progress.SECONDS_BETWEEN_LINES", float("inf"))  # on a slow machine there are some
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # `main` sets its own
    registry.reset()
    yield lambda page, names: Reader(page, {"__name__": "__page__", **names}, tmp_path / "installed")
    for name in [name for name in sys.modules if name.startswith("mt_plugin_sonar")]:
        del sys.modules[name]
    registry.reset()


def one_epoch(fit):
    """The same, for one epoch unless the recipe or the setting says otherwise."""

    def fit_briefly(*data, recipe=None, **settings):
        if recipe is not None:
            return fit(*data, recipe=recipe.model_copy(update={"epochs": 1}), **settings)
        return fit(*data, **{"epochs": 1, **settings})

    return fit_briefly


@pytest.mark.parametrize("page", [pytest.param(p, marks=[pytest.mark.slow] * (p in SLOW)) for p in PAGES])
@pytest.mark.filterwarnings("ignore::mt_core.errors.MtWarning")
def test_a_page_does_what_it_says(page, reader, setting, monkeypatch):
    if not page.startswith("docs/"):  # a small encoder and one epoch, where no output stands beside
        monkeypatch.setattr("mt_core.encoder.catalog.DEFAULT_ENCODER", "random/test_vit")
        monkeypatch.setattr(api, "fit", one_epoch(api.fit))
    reader(page, setting(page)).read((ROOT / page).read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_running_text_exist(page):
    assert list(inline_faults((ROOT / page).read_text("utf-8"))) == []


FAULTS = {
    "an unknown language": "```cobol\nSTOP RUN\n```",
    "code that is indented only": "Text:\n\n    mt list\n",
    "Python that raises": "```python\nundefined\n```",
    "Python that warns": "```python\nimport warnings; warnings.warn('old', DeprecationWarning)\n```",
    "a name of another page": "```python\nprint(Imu)\n```",
    "an output that is another": "```python\nprint(1)\n```\n```output\n2\n```",
    "a number that is another": "```python\nprint(0.7)\n```\n```output\n0.5\n```",
    "a line too few in an output": "```python\nprint('a'); print('b')\n```\n```output\na\n```",
    "an output of nothing": "```output\nlost\n```",
    "an unknown program": "```bash\ncurl example.org\n```",
    "an unknown command": "```bash\nmt embedd x\n```",
    "an unknown option": "```bash\nmt list --all\n```",
    "an unknown option of what is not run": "```bash\nmt demo --minutes 3\n```",
    "a command without a language": "```\nmt list --all\n```",
    "a file that is not there": "```bash\nmt embed imu nothing.csv -o v.parquet\n```",
    "another exit code": "```bash\nmt list   # exit code 2\n```",
    "an unknown target": "```bash\nmake coffee\n```",
    "an unknown distribution": "```bash\npip install mt-plugin-imus\n```",
    "an unknown extra": "```bash\npip install 'mt-plugin-imu[codecs]'\n```",
    "a damaged TOML": "```toml\nname =\n```",
    "an unknown key of a manifest": "```toml\nname = 'sonar'\nsuffix = ['.npy']\n```",
    "a bad value of a manifest": "```toml\ncapabilities = ['levitates']\n```",
    "a recipe that cannot be": "```toml\nrecipe = { epochs = 0 }\n```",
    "a deviation from nothing": "```toml\n[[deviations]]\ncheck = 'x'\nreason = 'y'\n```",
    "an entry point of nothing": "```toml\n[project.entry-points.'mt.plugins']\nsonar = 'sonar'\n```",
    "an entry point of no command": "```toml\n[project.entry-points.'mt.commands']\nhum = 'hum.command:main'\n```",
    "a command without a line": "```toml\n[hum]\ncommand = 'hum.command:main'\n```",
    "an unknown setting": "```toml\n[plugins]\ntrust = ['all']\n```",
}


@pytest.mark.parametrize("page", FAULTS.values(), ids=FAULTS)
def test_a_broken_block_is_caught_with_its_line(page, reader):
    with pytest.raises(BrokenBlock, match=r"^made_up\.md:\d+: "):
        reader("made_up.md", {}).read(page)


WHOLE = """
```python
numbers = [1, 2]
```
```python
print(numbers, "and some", 0.512, "*")
```
```output
[1, 2] and …  0.5  *
```
```bash
mt list --json   # a comment
mt info nothing  # exit code 2
```
"""


def test_a_page_without_a_fault_passes(reader):
    by = reader("made_up.md", {})
    by.read(WHOLE)
    assert by.names["numbers"] == [1, 2] and by.done == ["mt", "mt"]


@pytest.mark.parametrize("text", ["Say `mt embedd FILES`.", "| a |\n|---|\n| `mt list --all` |", "`mt --everything`"])
def test_a_command_in_running_text_that_there_is_not_is_caught(text):
    assert len(list(inline_faults(text))) == 1


def test_what_is_excepted_exists():
    assert NOT_RUN.keys() <= {*COMMANDS, *OFFICIAL_COMMANDS}
    assert set(PAGES) >= SLOW
