"""Commands that other distributions add: listed without a line of their code, and their faults are their own."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest

from mt_core.cli import COMMANDS
from mt_core.plugins import commands

SHOUTS = "import pathlib; pathlib.Path(__file__).with_name('imported').touch()\n"
HEARD = """
import click

@click.command("sonify")
@click.option("--rate", default=1)
def command(rate):
    "Vectors to sound."
    click.echo(f"beep at {rate}")
    return 1

nothing = 3
"""
LINE = "Vectors to sound."
TABLE = f'[sonify]\nsummary = "{LINE}"\ncommand = "{{package}}.command:command"\n'


@pytest.fixture
def tool(install, tmp_path, monkeypatch):
    """Install a distribution that adds the command sonify, the only ones that are looked at: `tool(...)` gives the
    folder of its package, where a file `imported` tells that its code has run."""
    install()
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(commands, "discover_commands", partial(DISCOVER, search=[str(site)]))
    before = set(sys.modules)

    def tool(distribution="fake-sonify", *, table=TABLE, code=HEARD, entry="sonify = {package}:commands.toml"):
        package = distribution.replace("-", "_")
        metadata = site / f"{package}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[mt.commands]\n{entry.format(package=package)}\n")
        folder = site / package
        folder.mkdir()
        for name, text in (("__init__.py", SHOUTS), ("command.py", SHOUTS + code), ("commands.toml", table)):
            if text is not None:
                (folder / name).write_text(text.replace("{package}", package))
        return folder

    yield tool
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)):
            del sys.modules[name]


DISCOVER = commands.discover_commands


def added(mt):
    """The lines of `mt --help` for added commands."""
    ran = mt("--help")
    assert (ran.code, ran.err) == (0, "")
    assert all(f"\n  {name}" in ran.out for name in COMMANDS)
    return [
        " ".join(line.split()) for line in ran.out.partition("Commands of other distributions:")[2].splitlines()[1:]
    ]


def refused(mt, *arguments):
    ran = mt(*arguments)
    problem, fix = ran.err.splitlines()
    assert ran.code == 2 and ran.out == ""
    return problem.removeprefix("error: "), fix.removeprefix("  fix: ")


def test_an_added_command_is_listed_with_its_line_and_runs_where_it_is_asked_for(mt, tool):
    package = tool()
    assert added(mt) == [f"sonify {LINE}"]
    assert not (package / "imported").exists()
    assert mt("sonify", "--rate", "3") == (1, "beep at 3\n", "")
    assert (package / "imported").exists()
    assert mt("sonify", "--help").out.startswith("Usage: mt sonify ")


def test_listing_imports_nothing_of_it_nor_anything_heavy(tool):
    package = tool()
    code = "import sys; from mt_core.cli import main; main(['--help']); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert f"sonify {LINE}" in " ".join(ran.stdout.split())
    loaded = ran.stdout.splitlines()[-1].split()
    assert not {"fake_sonify", "torch", "pydantic", "numpy"} & set(loaded)
    assert not (package / "imported").exists()


def test_a_core_command_does_not_even_look_for_added_ones(mt, tool, monkeypatch):
    tool()
    monkeypatch.setattr(commands, "discover_commands", lambda own: 1 / 0)
    assert mt("list", "--json").code == 0


def test_one_distribution_may_add_several(mt, tool):
    second = '[hum]\nsummary = "Softly."\ncommand = "fake_sonify.command:command"\n'
    tool(table=TABLE + second, entry="sonify = {package}:commands.toml\nhum = {package}:commands.toml")
    assert added(mt) == ["hum Softly.", f"sonify {LINE}"]
    assert mt("hum").out == "beep at 1\n"


BROKEN = {
    "no file": ({"table": None}, "its commands.toml is not in the package fake_sonify", "hatchling"),
    "not TOML": ({"table": "sonify ="}, "is not TOML", "ask the authors of fake-sonify"),
    "no table": ({"table": ""}, "has no table", "write one for each command"),
    "code": (
        {"entry": "sonify = fake_sonify.command:command"},
        "its entry point is 'fake_sonify.command:command', not \"package:commands.toml\"",
        '[project.entry-points."mt.commands"] name = "package:commands.toml"',
    ),
    "leads out": ({"entry": "sonify = fake_sonify:../commands.toml"}, "its entry point is", "declare it as"),
    "no summary": ({"table": '[sonify]\ncommand = "a:b"'}, "sonify has summary = None", "write a line of text"),
    "no command": ({"table": '[sonify]\nsummary = "x"'}, "sonify has command = None", 'write "module:name"'),
    "a call": ({"table": '[sonify]\nsummary = "x"\ncommand = "os:system()"'}, "command = 'os:system()'", "module:name"),
    "no module": ({"code": "import nowhere_at_all"}, "fake_sonify.command cannot be imported", "nowhere_at_all"),
    "error": ({"code": "1 / 0"}, "(ZeroDivisionError: division by zero)", "pip install -U fake-sonify, or report it"),
    "exit": ({"code": "raise SystemExit(0)"}, "(SystemExit: 0)", "pip install -U fake-sonify, or report it"),
    "no attribute": ({"code": ""}, "fake_sonify.command:command, is not there", "pip install -U fake-sonify"),
    "no click": ({"code": "command = 3"}, "is a int, not a click command", "pip install -U fake-sonify"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_one_harms_nobody_and_is_reported_on_use_and_by_the_doctor(mt, tool, how):
    options, problem, fix = BROKEN[how]
    tool(**options)
    tool("fake-hum", table=TABLE.replace("sonify", "hum"))
    assert added(mt)[0] == f"hum {LINE}"
    told = refused(mt, "sonify")
    assert problem in told[0] and fix in told[1]
    assert "fake-sonify" in told[0] + told[1]
    assert mt("hum").out == "beep at 1\n" and mt("list").code == 0
    ran = mt("doctor")
    assert ran.code == 1
    assert "mt hum          ok        fake-hum 1.0\n" in ran.out
    broken = ran.out.partition("mt sonify       broken    fake-sonify 1.0\n")[2].splitlines()
    assert problem in broken[0] and fix in broken[1]


def test_one_that_cannot_be_used_is_counted(mt, tool):
    tool(table="[sonify]")
    assert added(mt) == ["1 cannot be used: `mt doctor` says why"]


def test_a_name_of_the_cores_own_stays_the_cores(mt, tool):
    tool(table=TABLE.replace("[sonify]", "[list]"))
    assert mt("list", "--help").out.startswith("Usage: mt list ") and "--rate" not in mt("list", "--help").out
    assert "list is a command of mt-core's own\n  fix: choose another name" in mt("doctor").out


@pytest.mark.parametrize(
    "name", ["Sonify", "-sonify", "so nify", "s\\u202eonify", "", "s" * 33, "a" * 60_000, "..", "s_f"]
)
def test_a_hostile_name_harms_nobody_and_is_told_in_brief(mt, tool, name):
    tool(table=TABLE.replace("[sonify]", f'["{name}"]'))
    told = mt("doctor")
    assert "is no name of a command\n  fix: use at most 32 small letters" in told.out
    assert len(told.out) < 4000 and all(line.isprintable() for line in told.out.splitlines())
    assert added(mt) == ["1 cannot be used: `mt doctor` says why"]


@pytest.mark.parametrize(
    "table", ["x = " + "[" * 30_000, f"x = {'9' * 5000}", "#" + "-" * 65_536, "a" + ".a" * 5000 + "=1"]
)
def test_a_hostile_file_harms_nobody(mt, tool, table):
    tool(table=table)
    tool("fake-hum", table=TABLE.replace("sonify", "hum"))
    assert f"hum {LINE}" in added(mt)
    assert "broken" in mt("doctor").out


def test_a_line_of_others_is_short_and_does_not_steer_the_terminal(mt, tool):
    tool(table=TABLE.replace(LINE, "Sound\\u001b[2J\\n\\u202e" + "!" * 9000))
    assert len("".join(added(mt))) < 200
    assert all(line.isprintable() for line in added(mt)) and added(mt)[0].startswith("sonify Sound[2J")


def test_damaged_entry_points_harm_nobody(mt, tool):
    tool(entry="nonsense without an equals sign")
    tool("fake-hum", table=TABLE.replace("sonify", "hum"))
    assert f"hum {LINE}" in added(mt)
    assert "its entry points cannot be read" in mt("doctor").out


def test_two_that_claim_a_name_are_an_error_that_names_both_until_the_user_prefers_one(mt, tool, tmp_path):
    packages = [tool(), tool("fake-other")]
    assert added(mt) == ["2 cannot be used: `mt doctor` says why"]
    problem, fix = refused(mt, "sonify")
    assert problem == "fake-other 1.0 and fake-sonify 1.0 both claim the command sonify"
    assert 'prefer = { sonify = "fake-' in fix
    assert mt("doctor").code == 1
    assert not any((package / "imported").exists() for package in packages)
    write_settings(tmp_path, 'prefer = { sonify = "fake-other" }')
    assert mt("sonify").out == "beep at 1\n" and added(mt) == [f"sonify {LINE}"]
    assert not (packages[0] / "imported").exists()


def test_a_command_of_ours_goes_to_nobody_but_our_distribution(mt, tool, monkeypatch):
    monkeypatch.setitem(commands.OFFICIAL_COMMANDS, "sonify", "mt-sonify")
    package = tool()
    problem, fix = refused(mt, "sonify")
    assert problem == "fake-sonify 1.0 claims the command sonify, which is mt-sonify's"
    assert fix.startswith("uninstall it and pip install mt-sonify; to use it all the same, write into ")
    assert not (package / "imported").exists()


def test_a_command_of_ours_that_is_not_installed_has_the_line_that_installs_it(mt, tool):
    assert refused(mt, "pretrain", "--out", "x") == ("the command pretrain is not installed", "pip install mt-pretrain")
    assert "there is no command 'pretrian'; did you mean pretrain?" in mt("pretrian").err


def test_a_misspelt_added_command_gets_the_nearest(mt, tool):
    tool()
    assert "there is no command 'sonifi'; did you mean sonify?" in mt("sonifi").err


def write_settings(tmp_path, line):
    (tmp_path / "mt").mkdir()
    (tmp_path / "mt" / "settings.toml").write_text(f"[plugins]\n{line}")


@pytest.mark.parametrize("line", ['block = ["sonify"]', 'block = ["Fake_Sonify"]', 'allow = ["image"]'])
def test_a_command_that_the_settings_keep_out_is_not_listed_and_runs_nothing(mt, tool, tmp_path, line):
    package = tool()
    write_settings(tmp_path, line)
    assert added(mt) == []
    problem, _ = refused(mt, "sonify")
    assert problem.startswith("the command sonify (fake-sonify 1.0) is disabled: ") and "settings.toml" in problem
    assert mt("doctor").code == 0
    assert not (package / "imported").exists()


@pytest.mark.parametrize("line", ['block = ["image"]', 'allow = ["sonify"]', 'allow = ["fake-sonify"]'])
def test_a_command_that_the_settings_let_in_runs(mt, tool, tmp_path, line):
    tool()
    write_settings(tmp_path, line)
    assert mt("sonify").out == "beep at 1\n"


@pytest.mark.parametrize(
    ("variable", "value", "runs"),
    [("MT_NO_PLUGINS", "1", False), ("MT_PLUGINS", "image", False), ("MT_PLUGINS", "image,sonify", True)],
)
def test_a_command_is_kept_out_by_the_environment_as_plugins_are(mt, tool, monkeypatch, variable, value, runs):
    package = tool()
    monkeypatch.setenv(variable, value)
    assert mt("sonify").code == (1 if runs else 2)
    assert (package / "imported").exists() == runs


def test_no_plugins_keeps_added_commands_out(mt, tool):
    package = tool()
    assert "sonify" not in mt("--no-plugins", "--help").out
    assert mt("--no-plugins", "sonify").err == (
        "error: the command sonify (fake-sonify 1.0) is disabled: plugins are switched off\n"
        "  fix: leave out --no-plugins, unset MT_NO_PLUGINS\n"
    )
    assert not (package / "imported").exists()


def test_settings_that_cannot_be_read_let_no_command_in_and_break_neither_help_nor_the_cores_own(mt, tool, tmp_path):
    package = tool()
    write_settings(tmp_path, "blok = []")
    assert added(mt) == []
    assert mt("new", "--help").code == 0
    assert "has the unknown key 'plugins.blok'" in refused(mt, "sonify")[0]
    assert "mt sonify       not tried fake-sonify 1.0\n" in mt("doctor").out
    assert not (package / "imported").exists()


def test_the_doctors_json_has_the_commands(mt, tool):
    tool()
    told = json.loads(mt("doctor", "--json").out)["commands"]
    assert told == [{"name": "sonify", "distribution": "fake-sonify 1.0", "state": "ok", "problem": "", "fix": ""}]


def test_a_shell_completes_names_also_beside_a_broken_one(mt, tool, monkeypatch, capsys):
    tool(code="1 / 0")
    tool("fake-hum", table=TABLE.replace("sonify", "hum"))
    for name, value in (("_MT_COMPLETE", "bash_complete"), ("COMP_WORDS", "mt "), ("COMP_CWORD", "1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        mt()
    told = capsys.readouterr().out.splitlines()
    assert {"plain,hum", "plain,list"} <= set(told) and "plain,sonify" not in told
