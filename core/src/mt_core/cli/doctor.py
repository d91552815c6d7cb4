"""`mt doctor`: what this machine has, and whether every installed plugin and every added command really loads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mt_core.cli import COMMANDS
from mt_core.errors import MtError, OptionError

if TYPE_CHECKING:
    from mt_core.plugins.distributions import Metadata


@dataclass(frozen=True)
class Verdict:
    """One plugin or one command of another distribution, tried."""

    name: str
    distribution: str
    state: str
    problem: str = ""
    fix: str = ""

    @property
    def is_fault(self) -> bool:
        return self.state in ("broken", "conflict")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check this machine and everything installed: plugins, and commands of other distributions.

    Each that is not disabled is imported; none is while the settings cannot be read. The exit code is 1 if one of them
    is broken, or the settings are.
    """
    machine = facts()
    damage = settings_damage()
    plugins, commands = (examined_plugins(), examined_commands()) if damage is None else untried()
    lines = plugin_lines()
    if as_json:
        import json

        found = {
            "machine": machine,
            "settings": {"problem": damage.problem, "fix": damage.fix} if damage is not None else None,
            "plugins": [vars(verdict) for verdict in plugins],
            "commands": [vars(verdict) for verdict in commands],
            "lines": lines,
        }
        click.echo(json.dumps(found, indent=2))
    else:
        show(machine, damage, plugins, commands, lines)
    ctx.exit(1 if damage is not None or any(verdict.is_fault for verdict in [*plugins, *commands]) else 0)


def facts() -> dict[str, str]:
    """Versions, threads, CPU, disk and settings."""
    import platform
    import shutil

    import torch
    from importlib_metadata import PackageNotFoundError, version

    from mt_core.plugins.settings import settings_path

    def version_of(distribution: str) -> str:
        try:
            return version(distribution)
        except PackageNotFoundError:
            return "not installed"

    settings = settings_path()
    return {
        "mt-core": version_of("mt-core"),
        "python": f"{platform.python_version()} ({sys.executable})",
        **{name: version_of(name) for name in ("torch", "timm", "lightning")},
        "threads": f"{torch.get_num_threads()} for torch",
        "cpu": f"{torch.backends.cpu.get_cpu_capability()}, {bfloat16()}",
        "precision": precision_facts(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "disk": f"{shutil.disk_usage('.').free / 1e9:.1f} GB free in {Path.cwd()}",
        "settings": str(settings) if settings.exists() else f"{settings} (not there: defaults)",
    }


def bfloat16() -> str:
    """Whether this CPU computes in bfloat16 itself, as the operating system says."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return "bfloat16 not known"
    flags = set(cpuinfo.read_text(encoding="utf-8", errors="replace").split())
    has = flags & {"avx512_bf16", "amx_bf16", "bf16"}  # the last is ARM's
    return f"bfloat16 ({', '.join(sorted(has))})" if has else "no bfloat16"


def precision_facts() -> str:
    """What `--precision auto` can choose from beside torch, and what it chose here before."""
    from mt_core.data.precision_choice import remembered_choices
    from mt_core.encoder.backend_names import RUNTIMES, is_installed

    found = [name if is_installed(name) else f"no {name} (pip install 'mt-core[{name}]')" for name in RUNTIMES]
    chosen = dict.fromkeys(f"{choice['key'].get('name')}: {choice['chosen']}" for choice in remembered_choices())
    return f"{', '.join(found)}; auto chose {', '.join(chosen) or 'nothing yet'}"


def settings_damage() -> OptionError | None:
    """What is wrong with the user's settings."""
    from mt_core.plugins.settings import read_settings

    try:
        read_settings()
    except OptionError as error:
        return error
    return None


def untried() -> tuple[list[Verdict], list[Verdict]]:
    """Every plugin and every added command, none of them imported: what the user forbids is not known."""
    from mt_core.plugins.commands import discover_commands
    from mt_core.plugins.discovery import discover

    def told(found: Sequence[Metadata]) -> list[Verdict]:
        return [_verdict(each, each.state if each.problem else "not tried") for each in found]

    return told(discover()), told(discover_commands(COMMANDS))


def examined_plugins() -> list[Verdict]:
    """Every installed plugin, imported where the user's settings allow it."""
    from mt_core.plugins import get, list_plugins

    return _tried(list_plugins(), lambda plugin: get(plugin.name))


def examined_commands() -> list[Verdict]:
    """Every command of other distributions, imported where the user's settings allow it."""
    from mt_core.plugins.commands import import_command, list_commands

    return _tried(list_commands(COMMANDS), import_command)


def _tried(found: Sequence[Metadata], load: Callable[[Any], object]) -> list[Verdict]:
    verdicts = []
    for each in found:
        verdict = _verdict(each, each.state)
        if each.state == "installed":
            try:
                load(each)
                verdict = _verdict(each, "ok")
            except MtError as error:
                verdict = Verdict(each.name, str(each), "broken", error.problem, error.fix)
        verdicts.append(verdict)
    return verdicts


def _verdict(found: Metadata, state: str) -> Verdict:
    return Verdict(found.name, str(found), state, found.problem, found.fix)


def plugin_lines() -> list[str]:
    """What the plugins that loaded have to say about this machine."""
    from mt_core import hooks

    return [str(line) for lines in hooks.gather("mt_doctor_lines") for line in lines]


def show(
    machine: dict[str, str],
    damage: OptionError | None,
    plugins: list[Verdict],
    commands: list[Verdict],
    lines: list[str],
) -> None:
    """The findings as plain lines."""
    for name, fact in machine.items():
        click.echo(f"{name:<11}{fact}")
    if damage is not None:
        click.echo(f"  {damage.problem}\n  fix: {damage.fix}")
    click.echo()
    for verdict in [*plugins, *(replace(verdict, name=f"mt {verdict.name}") for verdict in commands)]:
        click.echo(f"{verdict.name:<16}{verdict.state:<10}{verdict.distribution}")
        if verdict.problem:
            click.echo(f"  {verdict.problem}\n  fix: {verdict.fix}")
    if not plugins:
        click.echo("no plugin is installed\n  fix: `mt list` shows what is available")
    for line in lines:
        click.echo(line)
