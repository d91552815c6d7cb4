"""Weights from the hub, or from any web server, into the folder of weights: whole and checked, or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

from mt_core.encoder.names import KINDS, SUFFIXES, TINY
from mt_core.encoder.weights import (
    CONFIG,
    TENSORS,
    WeightsRecord,
    check_licence,
    folder_of,
    preprocessing,
    read_record,
    sha256_of,
    weights_folder,
    write_record,
)
from mt_core.errors import EncoderError, FingerprintError, MtError
from mt_core.io.progress import Progress

SHA256 = re.compile("[0-9a-f]{64}")
_SECONDS = 60.0
"""Without a byte from a web server, after which it is given up."""


@dataclass(frozen=True)
class Fetched:
    """Weights in their folder.

    Attributes:
        was_there: Nothing had to be fetched.
    """

    folder: Path
    record: WeightsRecord
    was_there: bool = False


def fetch_timm(
    model: str,
    root: Path | None = None,
    *,
    accept_license: bool = False,
    sha256: str | None = None,
    show_progress: bool = False,
) -> Fetched:
    """Weights of timm from the hub, as `timm/<model>`.

    Args:
        model: timm's name, with the tag of its weights; without one, timm's own choice.
        root: The folder of all weights; None: `weights_folder`.
        accept_license: The user accepts a licence that restricts the use; remembered in `weights.json`.
        sha256: Of the file that is wanted; None: what the hub says.

    Raises:
        EncoderError: no such weights, a licence that is not accepted, a hub that cannot be reached.
        FingerprintError: a file of another hash.
    """
    from mt_core.encoder.hub import from_hub, hub_place, timm_licence
    from mt_core.encoder.timm_models import check_architecture

    check_architecture(model)
    name, licence = f"timm/{model}", timm_licence(model)
    if (there := _there(name, root, licence, sha256, accept_license=accept_license)) is not None:
        return there
    check_licence(name, licence, is_accepted=accept_license)
    place = hub_place(model)
    with _new_folder(name, root) as folder:
        source, known = from_hub(place, (TENSORS, CONFIG), folder, show_progress=show_progress)
        record = _record(folder, name, source, licence, accept_license, sha256 or known)
        _try_out(folder, name, architecture=model)
    return Fetched(folder_of(name, root), record)


def fetch_url(
    url: str,
    name: str,
    root: Path | None = None,
    *,
    licence: str = "",
    accept_license: bool = False,
    sha256: str | None = None,
    show_progress: bool = False,
) -> Fetched:
    """Weights in timm's layout from a web server, by a name of the user's own.

    Args:
        url: Of a safetensors file; `config.json` is taken from the same place.
        name: By which `load_encoder` will find them.
        licence: What its owner calls it.

    Raises:
        EncoderError: a name that means something else, a server that cannot be reached, no `config.json`.
        FingerprintError: a file of another hash.
    """
    if name == TINY or name.partition("/")[0] in KINDS or Path(name).suffix.lower() in SUFFIXES:
        raise EncoderError(f"{name} is a name of the core's own", fix="use a name such as lab/vit-small")
    if (there := _there(name, root, licence, sha256, accept_license=accept_license)) is not None:
        return there
    check_licence(name, licence.lower(), is_accepted=accept_license)
    with _new_folder(name, root) as folder:
        _download(urljoin(url, CONFIG), folder / CONFIG, show_progress=False)
        _download(url, folder / TENSORS, show_progress=show_progress)
        record = _record(folder, name, url, licence.lower(), accept_license, sha256)
        _try_out(folder, name)
    return Fetched(folder_of(name, root), record)


def _there(name: str, root: Path | None, licence: str, sha256: str | None, *, accept_license: bool) -> Fetched | None:
    """Weights that are in their folder already, by `mt fetch` or copied: no network is asked."""
    folder = folder_of(name, root)
    if not (folder / TENSORS).is_file():
        return None
    found, record = sha256_of(folder / TENSORS), read_record(folder)
    expected = sha256 or (record.sha256 if record is not None else found)
    if found != expected:
        raise FingerprintError(
            f"{folder / TENSORS} has the SHA-256 {found}, not {expected}", fix=f"remove {folder} and fetch it again"
        )
    preprocessing(folder / CONFIG)
    size = (folder / TENSORS).stat().st_size
    recorded = record or WeightsRecord(name, "", found, size, licence.lower(), is_accepted=False)
    recorded = replace(recorded, is_accepted=recorded.is_accepted or accept_license)
    check_licence(name, recorded.licence, is_accepted=recorded.is_accepted)
    if recorded != record:
        with _as_ours(folder):
            write_record(folder, recorded)
    return Fetched(folder, recorded, was_there=True)


@contextmanager
def _new_folder(name: str, root: Path | None) -> Iterator[Path]:
    """Another folder to write into; when the block ends well it gets its place, else nothing of it is left."""
    folder = folder_of(name, root or weights_folder())
    unfinished = folder.with_name(f"{folder.name}.unfinished")  # the same each time: what a kill leaves goes then
    try:
        with _as_ours(folder):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            yield unfinished
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _as_ours(folder: Path) -> Iterator[None]:
    try:
        yield
    except MtError:
        raise
    except OSError as error:
        raise EncoderError(
            f"{folder} cannot be written ({error})", fix="check the disk's room and your rights, or name --local-dir"
        ) from error


def _download(url: str, path: Path, *, show_progress: bool) -> None:
    try:
        with urlopen(url, timeout=_SECONDS) as answer, path.open("wb") as file:
            size = answer.headers.get("Content-Length")
            expected = int(size) if size is not None else None
            with Progress(path.name, expected, unit="bytes", enabled=show_progress) as shown:
                while part := answer.read(1 << 20):
                    file.write(part)
                    shown.advance(len(part))
        if expected is not None and path.stat().st_size != expected:
            raise ValueError(f"{path.stat().st_size:,} of {expected:,} bytes came")
    except (OSError, ValueError) as error:
        raise EncoderError(f"{url} cannot be fetched ({error})", fix="check the address and try again") from error


def _record(
    folder: Path, name: str, source: str, licence: str, accept_license: bool, expected: str | None
) -> WeightsRecord:
    """Hold what came against the hash that is expected, and write down what it is."""
    found = sha256_of(folder / TENSORS)
    if expected is not None and found != expected:
        raise FingerprintError(
            f"{source} came with the SHA-256 {found}, not {expected}", fix="fetch it again; nothing of it was kept"
        )
    size = (folder / TENSORS).stat().st_size
    record = WeightsRecord(name, source, found, size, licence, is_accepted=accept_license)
    write_record(folder, record)
    return record


def _try_out(folder: Path, name: str, architecture: str | None = None) -> None:
    """Refuse what no encoder can be made of while nothing of it is in place."""
    from mt_core.encoder.layouts import load_file

    preprocessing(folder / CONFIG)
    load_file(folder / TENSORS, name=name, architecture=architecture)
