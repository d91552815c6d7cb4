"""`auto` and `int8`: the fastest precision of this machine whose vectors stay those of float32, measured once.

cache_folder()/precision/
  <32 hexadecimal digits of what the choice depends on>.json   one choice each, written whole: two writers do no harm
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from importlib_metadata import PackageNotFoundError, version

from mt_core.data.cache_folder import cache_folder, cache_limit
from mt_core.data.precision import MEASURED, Precision, check_precision, check_with_gradients, has_bf16
from mt_core.data.precision_probe import Measured, measure
from mt_core.encoder import Encoder
from mt_core.encoder.backend_names import BACKENDS, RUNTIMES, is_installed, runtime_of
from mt_core.errors import OptionError

LEAST_COSINE = 0.999
"""Of every probe sample's vectors to those of 32."""
_FORMAT = 1
_kept: dict[str, list[Measured]] = {}  # of this process, also where nothing may be written
_log = logging.getLogger("mt_core.precision")


def resolve_precision(encoder: Encoder, asked: Precision, *, gradients: bool = False) -> Precision:
    """The precision that is computed in: never auto, int8 or fp32.

    What was measured, and what follows, goes to the logger `mt_core.precision` as one line.

    Args:
        gradients: Whether they go through the encoder: then only 32 and bf16 are looked at.

    Raises:
        OptionError: a precision that this machine, or this encoder, cannot compute in; for int8 with what it measured.
        MissingDependencyError: the runtime of a backend is not installed.
    """
    if gradients:
        check_with_gradients(asked)
    device = next(encoder.parameters(), torch.zeros(())).device
    if asked not in MEASURED:
        name: Precision = "32" if asked == "fp32" else asked
        check_precision(name, device)
        return name
    if not encoder.depth:
        return "32"
    candidates = _candidates(asked, device, gradients=gradients)
    measured, is_remembered = _measured(encoder, candidates, device)
    best = fastest(measured, "int8" if asked == "int8" else "")
    line = choice_line(measured, best, remembered=is_remembered)
    if best is None:
        raise OptionError(f"no int8 of this machine keeps the vectors of {encoder.name} ({line})", fix="use auto or 32")
    _log.info("%s", line)
    return cast(Precision, best.precision)


def fastest(measured: Sequence[Measured], of: str = "") -> Measured | None:
    """Of those whose cosine suffices.

    Args:
        of: A part of the name that it must have.
    """
    exact = [each for each in measured if (each.cosine or 0.0) >= LEAST_COSINE and of in each.precision]
    return min(exact, key=lambda each: each.seconds or 0.0, default=None)


def choice_line(measured: Sequence[Measured], best: Measured | None, *, remembered: bool = False) -> str:
    """What was chosen and why, in one line."""
    reference = next(each for each in measured if each.precision == "32")
    parts = []
    for each in measured:
        if each.seconds is None or each.cosine is None:
            parts.append(f"{each.precision} skipped: {each.problem}")
        else:
            low = "" if each.cosine >= LEAST_COSINE else " (too low)"
            parts.append(f"{each.precision} {each.seconds * 1000:.0f} ms, {_shown(each.cosine)}{low}")
    found = "; ".join(parts)
    if best is None:
        return f"cosines to 32, at least {LEAST_COSINE} wanted: {found}"
    ratio = (reference.seconds or 0.0) / (best.seconds or 1.0)
    how = "measured earlier" if remembered else "measured now"
    return (
        f"precision {best.precision}: {ratio:.1f} times as fast as 32, cosine to it at least {LEAST_COSINE} "
        f"({how}: {found})"
    )


def _shown(cosine: float) -> str:
    """Cut and not rounded, so that 0.99899 does not read as 0.999."""
    return f"{int(cosine * 1e5 + 1e-6) / 1e5:.5f}"


def remembered_choices() -> list[dict[str, Any]]:
    """What is kept on this machine and others that share the folder: `key`, `chosen` and `measured` of each."""
    found = [_read(path) for path in sorted(_folder().glob("*.json"))]
    return [
        {"key": record["key"], "chosen": best.precision, "measured": [vars(each) for each in measured]}
        for record, measured in (each for each in found if each is not None)
        if (best := fastest(measured)) is not None
    ]


def forget_choices() -> None:
    """Remove all that is kept: the next use measures again."""
    _kept.clear()
    for path in _folder().glob("*.json"):
        if _read(path) is not None:
            path.unlink(missing_ok=True)


def _candidates(asked: Precision, device: torch.device, *, gradients: bool) -> list[str]:
    """Those beside 32 that this machine could compute in; what is not installed is reported all the same."""
    names = [] if asked == "int8" else ["bf16"]
    if device.type == "cpu" and not gradients:
        names += [name for name in BACKENDS if asked != "int8" or "int8" in name]
    return [name for name in names if not name.endswith("bf16") or has_bf16(device)]


def _measured(encoder: Encoder, candidates: Sequence[str], device: torch.device) -> tuple[list[Measured], bool]:
    """What is known of these candidates, and whether it was known before."""
    key = _key(encoder, candidates, device)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    path = _folder() / f"{digest}.json"
    if digest in _kept:
        return _kept[digest], True
    may_keep = cache_limit() > 0
    before = _read(path) if may_keep else None
    if before is not None and before[0]["key"] == key:
        _kept[digest] = before[1]
        return before[1], True
    measured = measure(encoder, [name for name in candidates if is_installed(name)])
    missing = [
        name for name in RUNTIMES if not is_installed(name) and any(each.startswith(name) for each in candidates)
    ]
    measured += [Measured(name, problem=f"not installed (pip install 'mt-core[{name}]')") for name in missing]
    _kept[digest] = measured
    if may_keep:
        _write(path, {"format": _FORMAT, "key": key, "measured": [vars(each) for each in measured]})
    return measured, False


def _key(encoder: Encoder, candidates: Sequence[str], device: torch.device) -> dict[str, Any]:
    """What a choice depends on."""
    return {
        "encoder": encoder.fingerprint,
        "name": str(encoder.name),
        "layers": None if encoder.layers is None else list(encoder.layers),
        "candidates": list(candidates),
        "processor": _processor(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "versions": {name: _version(name) for name in ("mt-core", "torch", *RUNTIMES)},
        "least_cosine": LEAST_COSINE,
    }


def _processor() -> str:
    """Its name as the operating system knows it, and what torch may use of it."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "cpu family"))]
    known = ", ".join(dict.fromkeys(models)) or name
    return f"{known}, {torch.backends.cpu.get_cpu_capability()}"


def runtime_version(precision: str) -> dict[str, str | None]:
    """The runtime of a backend and its version; nothing of what torch computes itself."""
    runtime = runtime_of(precision)
    return {} if runtime is None else {runtime: _version(runtime)}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _folder() -> Path:
    return cache_folder() / "precision"


def _read(path: Path) -> tuple[dict[str, Any], list[Measured]] | None:
    """A kept measurement; None where there is none, or something else."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != _FORMAT or not isinstance(record["key"], dict):
            return None
        measured = [Measured(**each) for each in record["measured"]]
        names = {each.precision for each in measured}
        is_whole = all(_is_sound(each) for each in measured) and "32" in names
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return (record, measured) if is_whole else None


def _is_sound(each: Measured) -> bool:
    if each.precision not in ("32", "bf16", *BACKENDS, *RUNTIMES):
        return False
    if each.problem:
        return isinstance(each.problem, str) and each.seconds is None and each.cosine is None
    numbers = (each.seconds, each.cosine)
    return all(isinstance(number, float) for number in numbers) and 0 < cast(float, each.seconds) < float("inf")


def _write(path: Path, record: dict[str, Any]) -> None:
    """Where it cannot be written, the next process measures again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        _log.info("the choice of a precision cannot be kept in %s (%s)", path.parent, error.strerror)
