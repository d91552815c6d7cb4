"""One check of the conformance suite: a function of a subject, which fails where its promise does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import TYPE_CHECKING

from mt_core.plugins.manifest import Capability

if TYPE_CHECKING:
    from mt_core.conformance.fixture import PluginFixture


class Failed(AssertionError):
    """A promise that does not hold; the message says how that showed."""


@dataclass(frozen=True)
class Check:
    """A promise, and how it is put to the test.

    Attributes:
        name: Reads as the promise: `padding_changes_nothing`.
        family: The file of the suite that holds it.
        doc: What is done and what has to come out.
        since: The version of the contract that brought it: for a plugin of an older one it is advisory.
        needs: The capability without which it says nothing, and is skipped; None: it holds for all.
        waivable: Whether a manifest may declare that it is known not to hold.
        advisory: It is told, and never fails: what depends on the machine.
        function: Raises `Failed`, or whatever the plugin raises, where the promise does not hold.
    """

    name: str
    family: str
    doc: str
    since: str
    needs: Capability | None
    waivable: bool
    advisory: bool
    function: Callable[[PluginFixture], None]

    @property
    def promise(self) -> str:
        return self.name.replace("_", " ")


def check(
    *, since: str = "1.0", needs: Capability | None = None, waivable: bool = True, advisory: bool = False
) -> Callable[[Callable[[PluginFixture], None]], Check]:
    """Make a check of a function: its name is the promise, its docstring the documentation."""

    def make(function: Callable[[PluginFixture], None]) -> Check:
        family = function.__module__.rpartition(".")[2]
        doc = " ".join((getdoc(function) or "").split())
        return Check(function.__name__, family, doc, since, needs, waivable, advisory, function)

    return make


def expect(holds: bool, otherwise: str) -> None:
    """Fail unless something holds.

    Raises:
        Failed: with what was seen otherwise.
    """
    if not holds:
        raise Failed(otherwise)
