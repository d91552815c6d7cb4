"""Weights that were fetched: a folder for each name, and in it what belongs to them.

    $MT_WEIGHTS/timm/vit_base_patch16_clip_224.laion2b/
        model.safetensors   the tensors, in timm's layout
        config.json         timm's: architecture, mean, std, interpolation, size of the pictures
        weights.json        where they came from, SHA-256, licence, and whether its terms were accepted

Such a folder can be copied to a machine without a network. Nothing here imports torch or asks a network.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mt_core.errors import EncoderError, FingerprintError

TENSORS, CONFIG, RECORD = "model.safetensors", "config.json", "weights.json"
PERMISSIVE = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0")
"""Licences that let anybody use weights for anything. All others have to be accepted."""

_LOCATION = "MT_WEIGHTS"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class WeightsRecord:
    """What `weights.json` says.

    Attributes:
        name: By which `load_encoder` finds them.
        source: The URL that the tensors came from.
        sha256: Of `model.safetensors`.
        bytes: Its size.
        licence: As the source calls it, in small letters; "" where it says nothing.
        is_accepted: Whether the user accepted a licence that is none of `PERMISSIVE`.
    """

    name: str
    source: str
    sha256: str
    bytes: int
    licence: str
    is_accepted: bool


def weights_folder() -> Path:
    """`$MT_WEIGHTS`, by default `mt/weights` in the user's data folder of this platform."""
    if os.environ.get(_LOCATION):
        return Path(os.environ[_LOCATION])
    if os.environ.get("XDG_DATA_HOME"):
        return Path(os.environ["XDG_DATA_HOME"]) / "mt" / "weights"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mt" / "weights"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mt" / "weights"
    return Path.home() / ".local" / "share" / "mt" / "weights"


def folder_of(name: str, root: Path | None = None) -> Path:
    """Where the weights of a name are, or would be.

    Args:
        root: In place of `weights_folder`.

    Raises:
        EncoderError: a name that leads out of the folder of all weights.
    """
    parts = name.split("/")
    if any(not part.strip(".") or "\\" in part or ":" in part or not part.isprintable() for part in parts):
        raise EncoderError(f"{name!r} is no name of weights", fix="use names such as lab/vit-small")
    return (root or weights_folder()).joinpath(*parts)


def are_here(name: str) -> bool:
    """Whether weights of this name were fetched, or copied here."""
    try:
        return (folder_of(name) / TENSORS).is_file()
    except EncoderError:
        return False


def names_here(root: Path | None = None) -> Iterator[str]:
    """The names of all weights in the folder, sorted."""
    root = root or weights_folder()
    for path in sorted(root.rglob(TENSORS)):
        parts = path.parent.relative_to(root).parts
        if parts and not any(part.endswith(".unfinished") for part in parts):
            yield "/".join(parts)


def read_record(folder: Path) -> WeightsRecord | None:
    """What `weights.json` in a folder says; None where there is none, as where another program wrote the folder.

    Raises:
        EncoderError: it is no such record.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        record = WeightsRecord(**{field.name: given[field.name] for field in fields(WeightsRecord)})
        kinds = (str, str, str, int, str, bool)
        if any(type(value) is not kind for value, kind in zip(asdict(record).values(), kinds, strict=True)):
            raise TypeError("a value of another type")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"{path} cannot be understood ({type(error).__name__}: {error})", fix="remove the folder and fetch it again"
        ) from None
    return record


def write_record(folder: Path, record: WeightsRecord) -> None:
    """Write `weights.json`."""
    (folder / RECORD).write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")


def checked(name: str, licence: str | None = None) -> Path:
    """The file of fetched weights, its hash and its licence found in order.

    Args:
        licence: What is known of it where the folder has no record of its own; None: nothing is known.

    Raises:
        FingerprintError: the file is not the one that was fetched.
        EncoderError: a licence whose terms nobody accepted here; nothing that tells their preprocessing.
    """
    folder = folder_of(name)
    record = read_record(folder)
    if record is not None and (found := sha256_of(folder / TENSORS)) != record.sha256:
        raise FingerprintError(
            f"{folder / TENSORS} is not the file that was fetched (its SHA-256 is {found}, not {record.sha256})",
            fix=f"remove {folder} and fetch it again: mt fetch {name}",
        )
    is_accepted = record is not None and record.is_accepted
    check_licence(name, licence if record is None else record.licence, is_accepted=is_accepted)
    preprocessing(folder / CONFIG)
    return folder / TENSORS


def preprocessing(config: Path) -> dict[str, object]:
    """What belongs to weights and is never guessed: mean, std, interpolation and input_size, as `config.json` has them.

    Raises:
        EncoderError: no such file, or one that does not say all of it.
    """
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        given = {**content, **(content.get("pretrained_cfg") or {})}
        found = {name: given[name] for name in ("mean", "std", "interpolation", "input_size")}
        size = found["input_size"]
        if [len(found["mean"]), len(found["std"]), len(size)] != [3, 3, 3] or size[1] != size[2]:
            raise ValueError("mean, std and input_size have three numbers each, of square pictures")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(
            f"{config} does not say what pictures the weights were trained on ({type(error).__name__}: {error})",
            fix="put the config.json of the weights there: its pretrained_cfg has mean, std, interpolation, input_size",
        ) from None
    return found


def check_licence(name: str, licence: str | None, *, is_accepted: bool) -> None:
    """Refuse weights whose licence does not let anybody use them for anything, until the user accepts it.

    Raises:
        EncoderError: with the licence and the command that accepts it.
    """
    if (licence or "").lower() in PERMISSIVE or is_accepted:
        return
    says = f"have the licence {licence}, which restricts their use" if licence else "come without a known licence"
    raise EncoderError(
        f"the weights of {name} {says}",
        fix=f"read its terms; where you may use them: mt fetch {name} --accept-license",
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while part := opened.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()
