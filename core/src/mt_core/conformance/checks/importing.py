"""Importing the plugin, and making its tokenizer and head, do that and nothing else."""

from __future__ import annotations

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.import_process import import_effects
from mt_core.conformance.sandbox import SideEffects


@check(waivable=False)
def importing_needs_no_network(plugin: PluginFixture) -> None:
    """In a new process every module of the plugin is imported, and its tokenizer and head are made, without network
    access, as far as Python's audit events show."""
    network = _effects(plugin).network
    expect(
        not network,
        f"while it was imported and made, the network was asked for {'; '.join(network[:3])}: ship what is needed, or "
        "fetch it by a command of its own",
    )


@check()
def importing_writes_nothing(plugin: PluginFixture) -> None:
    """Meanwhile nothing is written, renamed or removed outside of `tempfile`'s folder, and the working directory stays
    the same."""
    written = _effects(plugin).written
    expect(
        not written,
        f"while it was imported and made, {'; '.join(written[:3])}: keep it in memory, or use the module tempfile",
    )


def _effects(plugin: PluginFixture) -> SideEffects:
    result = import_effects(plugin)
    if isinstance(result, str):
        raise Failed(f"importing and making it fails in a new process: {(result.strip().splitlines() or [''])[-1]}")
    return result
