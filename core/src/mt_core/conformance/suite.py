"""All checks, and the run of one plugin through them."""

from __future__ import annotations

import platform
import tempfile
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from importlib_metadata import version

from mt_core.conformance.check import Check, Failed
from mt_core.conformance.checks import (
    baseline,
    capabilities,
    cost,
    dataset,
    head,
    importing,
    learning,
    packaging,
    persistence,
    reading,
    regions,
    sample,
    tokens,
)
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.new_process import start_server
from mt_core.conformance.report import Outcome, Report, Result
from mt_core.errors import MtError, OptionError, did_you_mean
from mt_core.model import seeded
from mt_core.plugins import get, list_plugins

FAMILIES: tuple[ModuleType, ...] = (
    packaging,
    importing,
    reading,
    sample,
    tokens,
    regions,
    capabilities,
    learning,
    persistence,
    dataset,
    head,
    baseline,
    cost,
)

CHECKS: tuple[Check, ...] = tuple(
    entry for family in FAMILIES for entry in vars(family).values() if isinstance(entry, Check)
)
"""Every check of the suite, by family."""


class SuiteRunner:
    """Runs checks on one plugin; they share what is made for them.

    Args:
        modality: The plugin's.
        options: Of the tokenizer, beside and above the demo's.

    Raises:
        PluginError: the plugin does not exist, or cannot be loaded.
    """

    def __init__(self, modality: str, options: Mapping[str, Any] | None = None) -> None:
        self._code = get(modality)
        ours = (self._code.name, self._code.distribution)
        metadata = next(each for each in list_plugins() if (each.name, each.distribution) == ours)
        scratch = tempfile.TemporaryDirectory(prefix="mt-check-", ignore_cleanup_errors=True)
        self.plugin = PluginFixture(self._code, metadata, Path(scratch.name), CHECKS, options)
        weakref.finalize(self.plugin, scratch.cleanup)

    def run(self, check: Check) -> Result:
        """Run one check."""
        manifest = self.plugin.manifest
        started = time.perf_counter()
        reason = next((known.reason for known in manifest.deviations if known.check == check.name), "")
        outcome: Outcome
        if check.needs is not None and check.needs not in manifest.capabilities:
            outcome, message = "skipped", f"{check.needs} is not declared"
        elif (problem := self._problem(check)) is not None:
            outcome, message = "failed", problem
            if check.advisory or _numbers(check.since) > _numbers(manifest.contract):
                outcome = "advisory"
            elif reason and check.waivable:
                outcome = "deviation"
        elif reason:
            outcome, message = "failed", "it passes, but plugin.toml declares a deviation: remove the deviation"
        else:
            outcome, message = "passed", ""
        seconds = time.perf_counter() - started
        facts = (check.doc, check.since, check.needs, check.waivable)
        return Result(check.name, check.family, outcome, message, seconds, *facts, reason)

    def _problem(self, check: Check) -> str | None:
        """How the check failed, or None."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # on tiny tensors more are slower
        try:
            with warnings.catch_warnings(), seeded(0):
                warnings.simplefilter("ignore")
                check.function(self.plugin)
        except KeyboardInterrupt:
            raise
        except Failed as failed:
            return str(failed)
        except BaseException as error:  # a SystemExit of the plugin must not end this process
            return self._text_of(error)
        finally:
            torch.set_num_threads(threads)
        return None

    def _text_of(self, error: BaseException) -> str:
        """An exception, with the last line of the plugin's code that it passed through."""
        package = self.plugin.package
        frames = [frame for each in _causes(error) for frame in traceback.extract_tb(each.__traceback__)]
        own = [frame for frame in frames if f"/{package}/" in frame.filename]
        place = f" (in {package}/{own[-1].filename.rpartition(f'/{package}/')[2]}:{own[-1].lineno})" if own else ""
        text = str(error) if isinstance(error, MtError) else " ".join(str(error).split())[:500]
        return f"raised {type(error).__name__}: {text}{place}"

    def report(self, results: tuple[Result, ...]) -> Report:
        """A report of these results."""
        code = self._code
        environment = {
            "mt_core": version("mt-core"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "platform": f"{platform.system()} {platform.machine()}",
        }
        try:
            wheel = {"sha256": self.plugin.wheel.sha256, "of": self.plugin.wheel.origin}
        except Exception as error:  # a check of the family `packaging` has failed and says why
            wheel = {"sha256": "", "of": f"nothing ({type(error).__name__})"}
        about = code.name, code.distribution, code.version, code.manifest.contract
        return Report(*about, results, wheel, environment, len(CHECKS))


def check_modality(
    modality: str,
    on_result: Callable[[Result], None] | None = None,
    *,
    only: Sequence[str] = (),
    fail_fast: bool = False,
) -> Report:
    """Run the checks on an installed plugin.

    Args:
        modality: The plugin's.
        on_result: Called with each result as it comes.
        only: Names of checks or of families of checks; (): all.
        fail_fast: End at the first check that fails.

    Raises:
        PluginError: the plugin does not exist, or cannot be loaded.
        OptionError: `only` names no check and no family.
    """
    chosen = chosen_checks(only)
    runner = SuiteRunner(modality)
    start_server()  # it imports torch while the first checks run
    results: list[Result] = []
    for check in chosen:
        results.append(runner.run(check))
        if on_result is not None:
            on_result(results[-1])
        if fail_fast and results[-1].outcome == "failed":
            break
    return runner.report(tuple(results))


def chosen_checks(only: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these names or families, in the order of the suite; all for no name.

    Raises:
        OptionError: a name that is neither.
    """
    names = [*dict.fromkeys(check.family for check in CHECKS), *(check.name for check in CHECKS)]
    wanted = ["_".join(name.split()) for name in only]  # a title, as `mt check` prints it, too
    for name in wanted:
        if name not in names:
            families = ", ".join(dict.fromkeys(check.family for check in CHECKS))
            raise OptionError(
                f"there is no check and no family {name!r}{did_you_mean(name, names)}",
                fix=f"name one of the families {families}, or a check as `mt check` prints it",
            )
    return tuple(check for check in CHECKS if not wanted or {check.family, check.name} & set(wanted))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it was raised from."""
    found: list[BaseException] = []
    while error is not None and error not in found:  # a plugin may raise an error from itself
        found.append(error)
        yield error
        error = error.__cause__


def _numbers(contract: str) -> tuple[int, ...]:
    return tuple(int(part) for part in contract.split("."))
