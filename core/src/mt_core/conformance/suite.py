"""All checks, and how one plugin goes through them."""

from __future__ import annotations

import platform
import tempfile
import time
import traceback
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from importlib_metadata import version

from mt_core.conformance.check import Check, Failed
from mt_core.conformance.checks import (
    capabilities,
    cost,
    dataset,
    head,
    learning,
    packaging,
    persistence,
    reading,
    tokens,
)
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.report import Outcome, Report, Result
from mt_core.errors import MtError
from mt_core.model import seeded
from mt_core.plugins import PluginMetadata, get, list_plugins

FAMILIES: tuple[ModuleType, ...] = (
    packaging,
    reading,
    tokens,
    capabilities,
    learning,
    persistence,
    dataset,
    head,
    cost,
)

CHECKS: tuple[Check, ...] = tuple(
    entry for family in FAMILIES for entry in vars(family).values() if isinstance(entry, Check)
)
"""Every check of the suite, a family after the other."""


class Examination:
    """One plugin and the checks, which share what is made for them: files in a folder that goes with `subject`.

    Args:
        modality: The plugin's.

    Raises:
        PluginError: a plugin that there is not, or that cannot be loaded.
    """

    def __init__(self, modality: str) -> None:
        plugin = get(modality)
        scratch = tempfile.TemporaryDirectory(prefix="mt-check-", ignore_cleanup_errors=True)
        self.subject = PluginFixture(plugin, _found(plugin.name, plugin.distribution), Path(scratch.name))
        weakref.finalize(self.subject, scratch.cleanup)

    def run(self, check: Check) -> Result:
        """Put one promise to the test."""
        manifest = self.subject.manifest
        started = time.perf_counter()
        reason = next((known.reason for known in manifest.deviations if known.check == check.name), "")
        outcome: Outcome
        if check.needs is not None and check.needs not in manifest.capabilities:
            outcome, message = "skipped", f"{check.needs} is not declared"
        elif (said := self._try(check)) is not None:
            outcome, message = "failed", said
            if check.advisory or _numbers(check.since) > _numbers(manifest.contract):
                outcome = "advisory"
            elif reason and check.waivable:
                outcome = "deviation"
        elif reason:
            outcome, message = "failed", "it holds, and plugin.toml declares that it does not: take the deviation out"
        else:
            outcome, message = "passed", ""
        seconds = time.perf_counter() - started
        fixed = (check.doc, check.since, check.needs, check.waivable)
        return Result(check.name, check.family, outcome, message, seconds, *fixed, reason)

    def _try(self, check: Check) -> str | None:
        """None where the promise holds, else how it failed."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # on tiny tensors more are slower
        try:
            with warnings.catch_warnings(), seeded(0):
                warnings.simplefilter("ignore")
                check.function(self.subject)
        except KeyboardInterrupt:
            raise
        except Failed as failed:
            return str(failed)
        except BaseException as error:  # other people's code: a SystemExit of theirs must not end ours
            return self._told(error)
        finally:
            torch.set_num_threads(threads)
        return None

    def _told(self, error: BaseException) -> str:
        """What was raised, and the last line of the plugin's own that it came through."""
        package = self.subject.package
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if f"/{package}/" in frame.filename]
        place = f" (in {package}/{own[-1].filename.rpartition(f'/{package}/')[2]}:{own[-1].lineno})" if own else ""
        said = str(error) if isinstance(error, MtError) else " ".join(str(error).split())[:500]
        return f"raised {type(error).__name__}: {said}{place}"

    def report(self, results: tuple[Result, ...]) -> Report:
        """These results, with what they are of."""
        plugin = self.subject.plugin
        environment = {
            "mt_core": version("mt-core"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "platform": f"{platform.system()} {platform.machine()}",
        }
        try:
            wheel = {"sha256": self.subject.shipped.sha256, "of": self.subject.shipped.origin}
        except Exception as error:  # a check of the family `packaging` has failed, and says why
            wheel = {"sha256": "", "of": f"nothing ({type(error).__name__})"}
        contract = plugin.manifest.contract
        return Report(plugin.name, plugin.distribution, plugin.version, contract, results, wheel, environment)


def check_modality(modality: str, tell: Callable[[Result], None] | None = None) -> Report:
    """All checks of the installed plugin of a modality.

    Args:
        tell: Is given each result as it comes.

    Raises:
        PluginError: a plugin that there is not, or that cannot be loaded.
    """
    examination = Examination(modality)
    results = []
    for check in CHECKS:
        results.append(examination.run(check))
        if tell is not None:
            tell(results[-1])
    return examination.report(tuple(results))


def _found(modality: str, distribution: str) -> PluginMetadata:
    return next(each for each in list_plugins() if (each.name, each.distribution) == (modality, distribution))


def _numbers(contract: str) -> tuple[int, ...]:
    return tuple(int(part) for part in contract.split("."))
