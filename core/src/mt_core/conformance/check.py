"""One check of the conformance suite: a function of a plugin that raises an error where the plugin is at fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from mt_core.plugins.manifest import Capability


class Failed(AssertionError):
    """A check that failed; the message says what was seen, and what to do."""


@dataclass(frozen=True)
class Check:
    """A check and what is known of it.

    Attributes:
        name: The function's, a statement about the plugin: `padding_changes_nothing`.
        family: The module that holds the function.
        doc: What is done, and what has to come out.
        since: The version of the contract that introduced it: for plugins of an older one it is advisory.
        needs: The capability that it is about: without it the check is skipped. None: the check is for all.
        waivable: Whether the manifest may declare a deviation from it.
        advisory: It never fails a plugin, because its result depends on the machine.
        function: Takes the plugin's `PluginFixture`. Raises `Failed`, or whatever the plugin raises.
    """

    name: str
    family: str
    doc: str
    since: str
    needs: Capability | None
    waivable: bool
    advisory: bool
    function: Callable[[Any], None]

    @property
    def title(self) -> str:
        """The name with spaces: "padding changes nothing"."""
        return self.name.replace("_", " ")


def check(
    *, since: str = "1.0", needs: Capability | None = None, waivable: bool = True, advisory: bool = False
) -> Callable[[Callable[[Any], None]], Check]:
    """Make a check of a function; its docstring is the check's documentation."""

    def make(function: Callable[[Any], None]) -> Check:
        family = function.__module__.rpartition(".")[2]
        doc = " ".join((getdoc(function) or "").split())
        return Check(function.__name__, family, doc, since, needs, waivable, advisory, function)

    return make


def expect(condition: bool, message: str) -> None:
    """Fail the check unless a condition holds.

    Raises:
        Failed: with the message.
    """
    if not condition:
        raise Failed(message)
