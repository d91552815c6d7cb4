"""The hooks of the plugins in use: how the core calls them, and who is blamed when one fails.

Two ways: `call` for the hooks that have one answer, which an error ends; `gather` for those that every plugin may
answer, where an error is a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from mt_core.errors import ContractError, MtError, PluginError
from mt_core.plugins import hookspecs
from mt_core.plugins.hookspecs import PROJECT, hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from mt_core.contract import Features, Head, Tokenizer, Tokens
    from mt_core.encoder import Encoder

_CORE = "mt-core"
_ANSWERS: dict[str, type] = {"mt_metrics": dict, "mt_doctor_lines": list, "mt_register_encoders": dict}
_log = logging.getLogger("mt_core.plugins")


class _CoreHooks:
    """The work that plugins wrap."""

    @hookimpl(trylast=True)
    def mt_tokenize(self, tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> Tokens:
        tokens: Tokens = tokenizer(batch)
        return tokens

    @hookimpl(trylast=True)
    def mt_encode(self, encoder: Encoder, tokens: Tokens) -> Features:
        features: Features = encoder(tokens)
        return features

    @hookimpl(trylast=True)
    def mt_predict(self, head: Head, features: Features) -> Tensor:
        output: Tensor = head(features)
        return output


@dataclass(frozen=True)
class _InUse:
    """The plugins in use, and the failures (plugin and hook) that the user has been told of."""

    manager: pluggy.PluginManager
    reported: set[tuple[str, str]] = field(default_factory=set)


@cache
def _in_use() -> _InUse:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(_CoreHooks(), name=_CORE)
    return _InUse(manager)


def relay() -> pluggy.HookRelay:
    """pluggy's own relay, with the hooks of the core and of the plugins in use."""
    return _in_use().manager.hook


def reset() -> None:
    """Take all plugins' hooks out of use."""
    _in_use.cache_clear()


def register(module: ModuleType, plugin: str) -> None:
    """Put a plugin's hooks into use; a module that is in use already stays so.

    Args:
        module: Holds functions marked by `hookimpl`.
        plugin: How messages call the plugin.

    Raises:
        ContractError: a hook that there is not, or an argument that it has not.
    """
    manager = _in_use().manager
    if manager.is_registered(module):
        return
    try:
        manager.register(module, name=plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        if manager.is_registered(module):
            manager.unregister(module)
        known = ", ".join(name for name in dir(hookspecs) if name.startswith("mt_"))
        raise ContractError(
            f"{plugin}: a hook in {module.__name__} fits no specification ({' '.join(str(error).split())})",
            fix=f"the hooks are {known}; `mt_core/plugins/hookspecs.py` has their arguments",
        ) from None


def is_wrapped(hook: str) -> bool:
    """Whether a plugin in use acts around the core's own work in this hook."""
    return any(impl.plugin_name != _CORE for impl in getattr(relay(), hook).get_hookimpls())


def call(hook: str, **arguments: Any) -> Any:
    """The one answer of `mt_tokenize`, `mt_encode` or `mt_predict`: the core's own, as the plugins in use wrap it.

    Raises:
        PluginError: a plugin's implementation failed or gave nothing. What the core's part raises (a tokenizer that
            refuses its batch) comes through as it is.
    """
    caller = getattr(relay(), hook)
    try:
        answer = caller(**arguments)
    except Exception as error:
        culprit = _culprit(caller, error)
        if culprit == _CORE:
            raise
        fix = error.fix if isinstance(error, MtError) else ""
        raise PluginError(_failure(culprit, hook, error), fix or "report it to the authors of that plugin") from error
    if answer is None:
        suspects = [impl.plugin_name for impl in caller.get_hookimpls() if impl.plugin_name != _CORE]
        raise PluginError(
            f"{' or '.join(suspects)}: the hook {hook} gave nothing back",
            fix="end the hook by returning what `yield` gave it, changed or not",
        )
    return answer


def gather(hook: str, **arguments: Any) -> list[Any]:
    """The answers of all plugins in use to one of the other hooks; None is no answer.

    Each plugin is called alone, so that one which fails (raises, or answers with a wrong type) keeps no other from
    being called. Its failure is logged as a warning, once.
    """
    in_use = _in_use()
    plugins = {impl.plugin_name: impl.plugin for impl in getattr(in_use.manager.hook, hook).get_hookimpls()}
    answers: list[Any] = []
    expected = _ANSWERS.get(hook, object)
    for name, plugin in plugins.items():
        alone = in_use.manager.subset_hook_caller(hook, [other for other in plugins.values() if other is not plugin])
        try:
            for answer in alone(**arguments):
                if not isinstance(answer, expected):
                    raise TypeError(f"it gave a {type(answer).__name__}, not a {expected.__name__}")
                answers.append(answer)
        except Exception as error:
            if (name, hook) not in in_use.reported:
                in_use.reported.add((name, hook))
                _log.warning("warning: %s; the work goes on without it", _failure(name, hook, error))
    return answers


def _culprit(caller: pluggy.HookCaller, error: Exception) -> str:
    """Whose implementation raised: the innermost one in the traceback. A wrapper that an error of the core merely
    passes through stands further out."""
    owners = {getattr(impl.function, "__code__", None): impl.plugin_name for impl in caller.get_hookimpls()}
    culprit, frame = _CORE, error.__traceback__
    while frame is not None:
        culprit, frame = owners.get(frame.tb_frame.f_code, culprit), frame.tb_next
    return culprit


def _failure(plugin: str, hook: str, error: Exception) -> str:
    said = error.problem if isinstance(error, MtError) else str(error)
    return f"{plugin}: the hook {hook} failed ({type(error).__name__}: {said})"
