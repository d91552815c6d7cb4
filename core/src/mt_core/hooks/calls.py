"""The hooks of the plugins in use: how the core calls them, and which plugin an error names.

Two ways: `call` for the hooks that have one answer, which an error ends; `answers` for those that every plugin may
answer, where an error is a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import isfunction, isgeneratorfunction
from types import ModuleType, NoneType
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from mt_core.errors import ContractError, MtError, PluginError
from mt_core.hooks import specs as hookspecs
from mt_core.hooks.specs import PROJECT, hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from mt_core.contract import Features, Head, Tokenizer, Tokens
    from mt_core.encoder import Encoder

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("mt_"))
"""The names of all hooks, in the order of their specifications."""

_CORE, _ENCODERS = "mt-core", "mt_register_encoders"
_ANSWERS: dict[str, type] = {"mt_metrics": dict, "mt_doctor_lines": list, _ENCODERS: dict}
"""What the hooks that every plugin may answer are answered with; the others with nothing."""

Answer = TypeVar("Answer")
_log = logging.getLogger("mt_core.plugins")


class _CoreHooks:
    """The work that plugins wrap."""

    @hookimpl(trylast=True)
    def mt_tokenize(self, tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> Tokens:
        tokens: Tokens = tokenizer(batch)
        return _own("mt_tokenize", "tokenizer", tokenizer, tokens)

    @hookimpl(trylast=True)
    def mt_encode(self, encoder: Encoder, tokens: Tokens) -> Features:
        features: Features = encoder(tokens)
        return features

    @hookimpl(trylast=True)
    def mt_predict(self, head: Head, features: Features) -> Tensor:
        output: Tensor = head(features)
        return _own("mt_predict", "head", head, output)


def _answer_type(hook: str) -> type:
    from torch import Tensor

    from mt_core.contract import Features, Tokens

    return {"mt_tokenize": Tokens, "mt_encode": Features, "mt_predict": Tensor}[hook]


def _own(hook: str, part: str, made_by: object, answer: Answer) -> Answer:
    """The answer of the core's own work, checked against the contract, so that no wrapper is named for its fault."""
    expected = _answer_type(hook)
    if isinstance(answer, expected):
        return answer
    raise ContractError(
        f"the {part} {type(made_by).__name__} gave a {type(answer).__name__}, not {expected.__name__}",
        fix=f"return {expected.__name__} from its `forward`",
    )


@dataclass(frozen=True)
class _InUse:
    """The plugins in use, and the failures (plugin and hook) that were logged already."""

    manager: pluggy.PluginManager
    reported: set[tuple[str, str]] = field(default_factory=set)


_state: _InUse | None = None  # and no functools.cache, which torch.compile does not heed


def _in_use() -> _InUse:
    global _state
    if _state is None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(hookspecs)
        manager.register(_CoreHooks(), name=_CORE)
        _state = _InUse(manager)
    return _state


def relay() -> pluggy.HookRelay:
    """pluggy's own relay, with the hooks of the core and of the plugins in use."""
    return _in_use().manager.hook


def reset() -> None:
    """Take all plugins' hooks and encoders out of use."""
    global _state
    from mt_core.encoder import registry

    _state = None
    registry.reset()


def register(module: ModuleType, plugin: str) -> None:
    """Put a plugin's hooks into use, and register its encoders; a module that is in use already stays so.

    Args:
        module: Holds functions marked by `hookimpl`.
        plugin: How messages call the plugin.

    Raises:
        ContractError: an unknown hook, an unknown argument, or a function that would never be called
            as one: not marked, or with a `yield` and not marked as a wrapper.
    """
    manager = _in_use().manager
    if manager.is_registered(module):
        return
    if mistake := _never_called(module):
        raise ContractError(f"{plugin}: in {module.__name__} {mistake[0]}", fix=mistake[1])
    try:
        manager.register(module, name=plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        if manager.is_registered(module):
            manager.unregister(module)
        raise ContractError(
            f"{plugin}: a hook in {module.__name__} fits no specification ({' '.join(str(error).split())})",
            fix=f"the hooks are {', '.join(HOOKS)}; `mt_core/hooks/specs.py` has their arguments",
        ) from None
    if hasattr(module, _ENCODERS):
        _register_encoders(plugin)


def _register_encoders(plugin: str) -> None:
    from mt_core.encoder import registry

    for answer in _answers_of(plugin, _ENCODERS):
        for name, make in answer.items():
            with log_errors(plugin, _ENCODERS):
                registry.register(name, make, plugin=plugin)


def _never_called(module: ModuleType) -> tuple[str, str] | None:
    """A function that is meant as a hook and would silently do nothing, as problem and fix."""
    for name, function in vars(module).items():
        marked = getattr(function, f"{PROJECT}_impl", None)
        if name in HOOKS and isfunction(function) and marked is None:
            return f"{name} is not marked as a hook", "write @hookimpl above it, from mt_core.plugins"
        if marked is not None and isgeneratorfunction(function) and not (marked["wrapper"] or marked["hookwrapper"]):
            return f"{name} has a `yield` and is no wrapper", "write @hookimpl(wrapper=True) above it"
    return None


def is_wrapped(hook: str) -> bool:
    """Whether a plugin in use acts around the core's own work in this hook."""
    return bool(_wrapping(getattr(relay(), hook)))


def _wrapping(caller: pluggy.HookCaller) -> list[str]:
    return [impl.plugin_name for impl in caller.get_hookimpls() if impl.plugin_name != _CORE]


def call(hook: str, **arguments: Any) -> Any:
    """The one answer of `mt_tokenize`, `mt_encode` or `mt_predict`: the core's own, as the plugins in use wrap it.

    Raises:
        PluginError: a plugin's implementation failed, or gave something else than the hook gives. What the core's part
            raises (a tokenizer that refuses its batch) comes through as it is.
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
    suspects = _wrapping(caller)
    if suspects and not isinstance(answer, expected := _answer_type(hook)):
        gave = "nothing" if answer is None else f"a {type(answer).__name__}, not {expected.__name__}"
        raise PluginError(
            f"{' or '.join(suspects)}: the hook {hook} gave {gave} back",
            fix="end the hook by returning what `yield` gave it, changed or not",
        )
    return answer


def answers(hook: str, **arguments: Any) -> list[tuple[str, Any]]:
    """The answers of all plugins in use to one of the other hooks, each with its plugin; None is no answer.

    Each plugin is called alone, so that one which fails (raises, or answers with a wrong type) keeps no other from
    being called. Its failure is `log_errors`.
    """
    callers = getattr(relay(), hook).get_hookimpls()
    return [
        (impl.plugin_name, answer) for impl in callers for answer in _answers_of(impl.plugin_name, hook, **arguments)
    ]


def _answers_of(plugin: str, hook: str, **arguments: Any) -> list[Any]:
    manager = _in_use().manager
    others = [module for name, module in manager.list_name_plugin() if name != plugin]
    expected = _ANSWERS.get(hook, NoneType)
    given: list[Any] = []
    with log_errors(plugin, hook):
        for answer in manager.subset_hook_caller(hook, others)(**arguments):
            if not isinstance(answer, expected):
                wanted = "nothing" if expected is NoneType else f"a {expected.__name__}"
                raise TypeError(f"it gave a {type(answer).__name__}, not {wanted}")
            given.append(answer)
    return given


def gather(hook: str, **arguments: Any) -> list[Any]:
    """`answers` without the names of the plugins."""
    return [answer for _, answer in answers(hook, **arguments)]


@contextmanager
def log_errors(plugin: str, hook: str) -> Iterator[None]:
    """What fails within is logged as that plugin's failure in this hook, once, and goes no further."""
    try:
        yield
    except Exception as error:
        reported = _in_use().reported
        if (plugin, hook) not in reported:
            reported.add((plugin, hook))
            _log.warning("warning: %s; the work goes on without it", _failure(plugin, hook, error))


def _culprit(caller: pluggy.HookCaller, error: Exception) -> str:
    """Whose implementation raised: the innermost one in the traceback. A wrapper that an error of the core merely
    passes through stands further out. pluggy itself complains of a wrapper that yields twice or never."""
    owners = {getattr(impl.function, "__code__", None): impl.plugin_name for impl in caller.get_hookimpls()}
    culprit, frame = _CORE, error.__traceback__
    while frame is not None:
        culprit, frame = owners.get(frame.tb_frame.f_code, culprit), frame.tb_next
    if culprit == _CORE and isinstance(error, RuntimeError):
        places = {f"{code.co_filename}:{code.co_firstlineno} ": owner for code, owner in owners.items() if code}
        culprit = next((owner for place, owner in places.items() if f" {place}" in str(error)), _CORE)
    return culprit


def _failure(plugin: str, hook: str, error: Exception) -> str:
    said = error.problem if isinstance(error, MtError) else str(error)
    return f"{plugin}: the hook {hook} failed ({type(error).__name__}: {said})"
