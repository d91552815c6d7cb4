"""What is common to all commands: help, errors in two lines, exit codes."""

import errno
import os
import subprocess
import sys

import click
import pytest

from mt_core import cli
from mt_core.errors import MtError


@pytest.fixture
def failing(monkeypatch, install):
    """Make `mt fail` raise this."""

    def failing(error):
        @click.command("fail")
        def command():
            raise error

        monkeypatch.setitem(cli.COMMANDS, "fail", ("fake_command", "Fail."))
        monkeypatch.setattr(cli, "import_module", lambda name: type("module", (), {"command": command}))

    return failing


def test_help_has_a_line_for_each_command(mt):
    ran = mt("--help")
    assert ran.code == 0
    for name, (_, line) in cli.COMMANDS.items():
        assert any(row.split(maxsplit=1) == [name, line] for row in ran.out.splitlines())


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_a_command_of_the_table_has_help_of_its_own(mt, name):
    ran = mt(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: mt {name} ")


def test_an_error_of_ours_is_two_lines_and_no_traceback(mt, failing):
    failing(MtError("the string is cut", "knot it"))
    assert mt("fail") == (2, "", "error: the string is cut\n  fix: knot it\n")


def test_an_error_without_a_fix_is_one_line(mt, failing):
    failing(MtError("the string is cut"))
    assert mt("fail").err == "error: the string is cut\n"


def test_what_the_system_says_of_a_file_is_two_lines_and_no_traceback(mt, failing):
    failing(OSError(errno.ENOSPC, "No space left on device", "runs/x/weights"))
    ran = mt("fail")
    assert ran.code == 2 and ran.err.startswith("error: runs/x/weights: No space left on device\n  fix: ")


def test_mt_debug_shows_where_an_error_comes_from(mt, failing, monkeypatch):
    failing(MtError("the string is cut"))
    monkeypatch.setenv("MT_DEBUG", "1")
    with pytest.raises(MtError):
        mt("fail")


def test_an_interrupt_is_130(mt, failing):
    failing(KeyboardInterrupt())
    assert mt("fail").code == 130


def test_a_mistake_of_our_own_is_not_hidden(mt, failing):
    failing(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        mt("fail")


def test_a_misspelt_command_gets_the_nearest(mt):
    ran = mt("lsit")
    assert ran.code == 2
    assert "there is no command 'lsit'; did you mean list?" in ran.err


def test_a_wrong_option_is_a_usage_error(mt):
    ran = mt("list", "--jsonn")
    assert ran.code == 2
    assert "No such option" in ran.err


def test_no_plugins_switches_all_off_also_for_reader_processes(mt, install, waves):
    install(waves)
    ran = mt("--no-plugins", "info", "waves")
    assert ran.code == 2
    assert ran.err == (
        "error: the modality waves (fake-waves 1.0) is disabled: plugins are switched off\n"
        "  fix: leave out --no-plugins, unset MT_NO_PLUGINS\n"
    )
    assert os.environ["MT_NO_PLUGINS"] == "1"


def test_the_version_is_told(mt):
    assert mt("--version").out.startswith("mt, version ")


def test_a_warning_of_ours_is_one_line_and_others_keep_their_place():
    code = (
        "import warnings; from mt_core.cli import main; from mt_core.errors import MtWarning; main(['list'])\n"
        "warnings.warn('a recording is cut', MtWarning)\n"
        "warnings.warn('old function', DeprecationWarning)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert told.splitlines()[0] == "warning: a recording is cut"
    assert "<string>:3: DeprecationWarning: old function" in told
