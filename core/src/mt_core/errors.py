"""Every error that a user can meet, each with its fix.

    MtError
    ├── PluginError               a plugin that cannot be used; the message says whose fault it is
    │   ├── UnknownModalityError  no installed plugin has this name
    │   ├── DisabledPluginError   installed, but switched off by the user's settings
    │   ├── ConflictError         two distributions claim one name
    │   └── ContractError         a plugin that breaks the contract, or was written for a newer one
    ├── EncoderError              an encoder that is not available
    │   └── FingerprintError      an encoder that is not the one it should be
    ├── InputError                a file or an object that cannot be read as a sample
    ├── DatasetError              a folder in no layout the plugin knows
    │   └── MissingSplitError     a known layout without the split asked for
    ├── OptionError               a value that an option does not take
    ├── TokensError               tokens that the encoder cannot take
    ├── RunError                  a run folder that cannot be written, read or resumed
    ├── EmbeddingError            a vector file that cannot be written, read or continued
    └── MissingDependencyError    an optional package that this step needs

An `MtError` is an expected failure and is shown without a traceback. `assert` is for our own mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class MtError(Exception):
    """An expected failure: `problem` says what is wrong with which thing, `fix` is the next thing to try.

    Attributes:
        source: The file, as messages call it, where a sample could not be read; else "".
    """

    source: str = ""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem, fix)  # both in args, so that pickling from a worker process keeps them

    @property
    def problem(self) -> str:
        return str(self.args[0])

    @property
    def fix(self) -> str:
        return str(self.args[1])

    def __str__(self) -> str:
        return "\n  fix: ".join(str(part) for part in self.args if part)


def nearest_name(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Of the known names the one that a misspelt one is likely meant to be; None where none is near.

    Args:
        cutoff: 0: any name is near; 1: only the same one.
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(name.lower(), list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What an error about a name adds: "; did you mean X?", X the nearest of the known ones; "" where none is near."""
    nearest = nearest_name(name, known)
    return f"; did you mean {nearest}?" if nearest else ""


class MtWarning(UserWarning):
    """Something was done differently than a user may expect: a recording was cut, a sample was left out.

    Raised with `warnings.warn(text, MtWarning)`; on the command line it is one line.
    """


class DataWarning(MtWarning):
    """Data that were not read as they stand: some of them left out, or taken for something else than they say.

    Plugins raise it through `mt_core.sdk.left_out` and `mt_core.sdk.reinterpreted`.

    Attributes:
        kind: "left out" or "reinterpreted"; "skipped" where a whole sample could not be read and was to be skipped.
        source: The file, table or folder.
        what: What was left out, or what was taken for what, or why the sample could not be read.
    """

    def __init__(self, kind: str, source: str, what: str) -> None:
        super().__init__(kind, source, what)
        self.kind, self.source, self.what = kind, source, what

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.kind, self.what) if part)


class PluginError(MtError):
    """A plugin that cannot be used."""


class UnknownModalityError(PluginError):
    """No installed plugin has this name."""


class DisabledPluginError(PluginError):
    """Installed, but switched off by the environment, a flag, or `allow` and `block` in the user's settings."""


class ConflictError(PluginError):
    """Two distributions claim one modality."""


class ContractError(PluginError):
    """A plugin that breaks the contract, or was written for a newer one."""


class EncoderError(MtError):
    """An encoder that is not available: unknown name, unreachable hub, a file in no known layout."""


class FingerprintError(EncoderError):
    """An encoder whose weights are not those they should be."""


class InputError(MtError):
    """A file or an object that cannot be read as a sample of its modality. Names the file."""


class DatasetError(MtError):
    """A folder in no layout that the plugin knows; says what was looked for."""


class MissingSplitError(DatasetError):
    """A known layout without the split asked for."""


class OptionError(MtError):
    """A value that an option does not take."""


class TokensError(MtError):
    """Tokens that the encoder cannot take: wrong width, mask of another shape, a sample with no real token."""


class RunError(MtError):
    """A run folder that cannot be written, read or resumed."""


class EmbeddingError(MtError):
    """A vector file that cannot be written, read or continued."""


class MissingDependencyError(MtError):
    """An optional package that this step needs is not installed."""
