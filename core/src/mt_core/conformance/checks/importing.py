"""Importing the plugin, and making its tokenizer and head, do that and nothing else."""

from __future__ import annotations

from mt_core.conformance.check import check, expect
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.side_effects import side_effects


@check(waivable=False)
def importing_needs_no_network(plugin: PluginFixture) -> None:
    """In a new process every module of the plugin is imported, and its tokenizer and head are made, without network
    access, as far as Python's audit events show."""
    network = side_effects(plugin).importing.network
    expect(
        not network,
        f"while it was imported and made, the network was asked for {'; '.join(network[:3])}: ship what is needed, or "
        "fetch it by a command of its own",
    )


@check()
def importing_writes_nothing(plugin: PluginFixture) -> None:
    """Meanwhile nothing is written, renamed or removed outside of `tempfile`'s folder, and the working directory stays
    the same."""
    written = side_effects(plugin).importing.written
    expect(
        not written,
        f"while it was imported and made, {'; '.join(written[:3])}: keep it in memory, or use the module tempfile",
    )
