"""Every option of every command has a line of help, which `--help` shows, and a test that gives it to the command."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from mt_core import cli

ROOT = Path(cli.__file__).parents[4]
TESTS = [
    ROOT / "core" / "tests",
    ROOT / "tests",
    *(path for kind in ("plugins", "tools") for path in (ROOT / kind).glob("*/tests")),
]


def options_of(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def commands() -> dict[str, click.Command]:
    context = click.Context(cli.group)
    named = {name: cli.group.get_command(context, name) for name in cli.COMMANDS}
    return {"mt": cli.group, **{name: command for name, command in named.items() if command is not None}}


COMMANDS = commands()


def without_help(command: click.Command) -> list[str]:
    """The options of a command whose help is missing or no sentence."""
    return [option.opts[-1] for option in options_of(command) if not (option.help or "").strip().endswith((".", "…"))]


def not_shown(command: click.Command, told: str) -> list[str]:
    """The options and arguments that a command's help does not name."""
    context = click.Context(command)
    names = [name for option in options_of(command) for name in [*option.opts, *option.secondary_opts]]
    names += [other.make_metavar(context) for other in command.params if isinstance(other, click.Argument)]
    return [name for name in names if name not in told]


def given(code: str, commands: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Command and option of all that a test gives to the command line: texts that stand as they are in a call or in a
    list of arguments, within a function that also names the command there, or calls a function of its name."""
    for function in ast.walk(ast.parse(code)):
        if not isinstance(function, ast.FunctionDef):
            continue
        parts = [node for node in ast.walk(function) if isinstance(node, ast.Call | ast.List | ast.Tuple)]
        texts = {
            argument.value
            for node in parts
            for argument in (node.args if isinstance(node, ast.Call) else node.elts)
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        }
        called = {node.func.id for node in parts if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        for name in commands:
            if name in texts | called or name == "mt":
                yield from ((name, text.partition("=")[0]) for text in texts if text.startswith("-"))


def untested(commands: dict[str, click.Command], codes: Iterable[str]) -> list[str]:
    tested = {pair for code in codes for pair in given(code, commands)}
    return [
        f"{name} {max(option.opts, key=len)}"
        for name, command in commands.items()
        for option in options_of(command)
        if not any((name, way) in tested for way in option.opts)
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_sentence_of_help(name):
    assert without_help(COMMANDS[name]) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option_and_argument(name, capsys):
    assert cli.main(["--help"] if name == "mt" else [name, "--help"]) == 0
    assert not_shown(COMMANDS[name], capsys.readouterr().out) == []


def test_every_option_is_given_by_a_test():
    paths = [path for folder in TESTS for path in folder.rglob("*.py") if path != Path(__file__)]
    assert untested(COMMANDS, [path.read_text(encoding="utf-8") for path in paths]) == []


@pytest.fixture
def swell():
    @click.command("swell")
    @click.argument("waves")
    @click.option("-h", "--high", help="Metres.")
    @click.option("--long")
    @click.option("--slow", help="")
    def swell(waves, high, long, slow): ...

    return swell


def test_an_option_without_help_is_caught(swell):
    assert without_help(swell) == ["--long", "--slow"]


def test_an_option_that_help_does_not_show_is_caught(swell):
    assert not_shown(swell, "Usage: swell [OPTIONS] WAVES\n -h, --high\n --slow") == ["--long"]


@pytest.mark.parametrize(
    "test", ["main(['swell', '--long=3'])", "more = ['--long']; main(['swell', *more])", "swell('--long')"]
)
def test_an_option_that_a_test_gives_passes(swell, test):
    assert "swell --long" not in untested({"swell": swell}, [f"def test_a(): {test}"])


def test_an_option_that_no_test_gives_is_caught(swell):
    tests = [
        "def test_a(): main(['swell', 'x', '-h', '3'])",
        "def test_b(): assert '--long' in told",
        "def test_c(): main(['tide', '--slow'])\ndef test_d(): swell()",
    ]
    assert untested({"swell": swell}, tests) == ["swell --long", "swell --slow"]
