"""The code of other distributions, imported; where that fails, a line says whose fault it is and what to do."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from mt_core.errors import MtError, PluginError
from mt_core.plugins.distributions import Metadata

_INSTALLED_AS = {"PIL": "Pillow", "cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "PyYAML"}
"""Packages that pip knows by another name than import does."""


def import_from(owner: Metadata, module: str) -> ModuleType:
    """A module of a distribution.

    Raises:
        PluginError: it cannot be imported.
    """
    try:
        return import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # other people's code: a SystemExit at import must not end ours
        said = error.problem if isinstance(error, MtError) else " ".join(str(error).split())[:500]
        raise PluginError(
            f"{owner}: {module} cannot be imported ({type(error).__name__}: {said})",
            fix=_fix(owner, module, error),
        ) from error


def _fix(owner: Metadata, module: str, error: BaseException) -> str:
    if isinstance(error, MtError) and error.fix:
        return error.fix
    if isinstance(error, ImportError) and error.name:
        lacking = error.name.partition(".")[0]
        if lacking == "mt_core":
            return "pip install -U mt-core"
        # absent, or not as it is needed
        if lacking not in {module.partition(".")[0], *sys.stdlib_module_names}:
            upgrade = "" if isinstance(error, ModuleNotFoundError) else "-U "
            return f"pip install {upgrade}{_INSTALLED_AS.get(lacking, lacking)}"
    return f"pip install -U {owner.distribution}, or report it to its authors"
