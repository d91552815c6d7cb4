"""`mt doctor`: what this machine has, and whether every installed plugin really loads."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from mt_core.errors import MtError, OptionError


@dataclass(frozen=True)
class Verdict:
    """One plugin, tried."""

    modality: str
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
    """Check this machine and every installed plugin.

    Each plugin that is not disabled is imported; none is while the settings cannot be read. The exit code is 1 if
    a plugin is broken, or the settings are.
    """
    machine = facts()
    damage = settings_damage()
    verdicts = examine() if damage is None else untried()
    lines = plugin_lines()
    if as_json:
        import json

        plugins = [vars(verdict) for verdict in verdicts]
        settings = {"problem": damage.problem, "fix": damage.fix} if damage is not None else None
        found = {"machine": machine, "settings": settings, "plugins": plugins, "lines": lines}
        click.echo(json.dumps(found, indent=2))
    else:
        show(machine, damage, verdicts, lines)
    ctx.exit(1 if damage is not None or any(verdict.is_fault for verdict in verdicts) else 0)


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


def settings_damage() -> OptionError | None:
    """What is wrong with the user's settings."""
    from mt_core.plugins.settings import read_settings

    try:
        read_settings()
    except OptionError as error:
        return error
    return None


def untried() -> list[Verdict]:
    """Every installed plugin, none of them imported: what the user forbids is not known."""
    from mt_core.plugins.discovery import discover

    return [
        Verdict(plugin.name, str(plugin), plugin.state, plugin.problem, plugin.fix)
        if plugin.problem
        else Verdict(plugin.name, str(plugin), "not tried")
        for plugin in discover()
    ]


def examine() -> list[Verdict]:
    """Every installed plugin, imported where the user's settings allow it."""
    from mt_core.plugins import get, list_plugins

    verdicts = []
    for plugin in list_plugins():
        verdict = Verdict(plugin.name, str(plugin), plugin.state, plugin.problem, plugin.fix)
        if plugin.state == "installed":
            try:
                get(plugin.name)
                verdict = Verdict(plugin.name, str(plugin), "ok")
            except MtError as error:
                verdict = Verdict(plugin.name, str(plugin), "broken", error.problem, error.fix)
        verdicts.append(verdict)
    return verdicts


def plugin_lines() -> list[str]:
    """What the plugins that loaded have to say about this machine."""
    from mt_core import hooks

    return [str(line) for lines in hooks.gather("mt_doctor_lines") for line in lines]


def show(machine: dict[str, str], damage: OptionError | None, verdicts: list[Verdict], lines: list[str]) -> None:
    """The findings as plain lines."""
    for name, fact in machine.items():
        click.echo(f"{name:<10}{fact}")
    if damage is not None:
        click.echo(f"  {damage.problem}\n  fix: {damage.fix}")
    click.echo()
    for verdict in verdicts:
        click.echo(f"{verdict.modality:<16}{verdict.state:<10}{verdict.distribution}")
        if verdict.problem:
            click.echo(f"  {verdict.problem}\n  fix: {verdict.fix}")
    if not verdicts:
        click.echo("no plugin is installed\n  fix: `mt list` shows what is available")
    for line in lines:
        click.echo(line)
