"""Trained weights from the public hub: through timm or of open_clip into the hub's cache, or as files."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mt_core.encoder.open_clip_config import CONFIG
from mt_core.encoder.timm_models import converted
from mt_core.encoder.vit import PlainVit, without_draws
from mt_core.encoder.weights import TENSORS
from mt_core.errors import EncoderError

_PATIENCE_S = 5.0
_OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def fetch_vit(name: str) -> tuple[PlainVit, str]:
    """A ViT of timm with its trained weights, from the hub or from the hub's cache on this machine, and how pictures
    are resized for it.

    Args:
        name: timm's name with or without the tag of its weights; known to `check_architecture`.

    Raises:
        EncoderError: the weights are not available; says how to bring them as a file.
    """
    import timm

    try:
        with _quick_refusal(), without_draws():
            vit = timm.create_model(name, pretrained=True, num_classes=0, weight_init="skip")
    except Exception as error:  # timm and the hub have dozens of kinds
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        config = timm.get_pretrained_cfg(name)
        place = getattr(config, "hf_hub_id", None) or f"timm/{name}"
        raise EncoderError(
            f"the trained weights of {name} are not available: {reason}",
            fix=f"on a machine with a network `mt fetch timm/{name} --local-dir FOLDER`, copy FOLDER here and set "
            f"MT_WEIGHTS=FOLDER; or download model.safetensors and config.json of {place} (`hf download {place} "
            "model.safetensors config.json`), put both in one folder here and use "
            "`--encoder FOLDER/model.safetensors`; or use the untrained control random/" + name.partition(".")[0],
        ) from error
    return converted(vit, name), str(getattr(vit, "pretrained_cfg", {}).get("interpolation", "bicubic"))


def timm_licence(model: str) -> str:
    """What timm calls the licence of weights, in small letters; "" where it says nothing."""
    import timm

    return str(getattr(timm.get_pretrained_cfg(model), "license", None) or "").lower()


def hub_place(model: str) -> str:
    """Where the hub has the weights of timm's name.

    Raises:
        EncoderError: nowhere; another server may.
    """
    import timm

    config = timm.get_pretrained_cfg(model)
    if config is None or not config.hf_hub_id:
        where = f" (their owner has them at {config.url})" if config is not None and config.url else ""
        raise EncoderError(
            f"the hub has no weights of {model}{where}", fix="download a file of them, and use --encoder FILE"
        )
    return str(config.hf_hub_id)


def from_hub(place: str, files: Sequence[str], folder: Path, *, show_progress: bool) -> tuple[str, str | None]:
    """Files of one revision of a repository of the hub, into a folder.

    Returns:
        The URL of the first, and its SHA-256 as the hub says it; None where it does not.

    Raises:
        EncoderError: the hub cannot be reached, or has no such file.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    was_silent = are_progress_bars_disabled()
    try:
        if not show_progress:
            disable_progress_bars()
        with _quick_refusal():
            if constants.HF_HUB_OFFLINE:
                raise ConnectionError(f"{endpoint} does not answer")
            url = hf_hub_url(place, files[0], endpoint=endpoint)
            known = get_hf_file_metadata(url, endpoint=endpoint)
            for file in files:
                hf_hub_download(place, file, revision=known.commit_hash, local_dir=folder, endpoint=endpoint)
    except Exception as error:  # the hub's library has dozens of kinds
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise EncoderError(
            f"{place} cannot be fetched from the hub: {reason}",
            fix="see whether this machine has a network, and HF_ENDPOINT; nothing was kept. On another machine "
            "`mt fetch … --local-dir FOLDER` makes a folder that can be copied here (MT_WEIGHTS=FOLDER)",
        ) from error
    finally:
        shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub's notes
        if not was_silent:
            enable_progress_bars()
    is_hash = known.etag is not None and re.fullmatch("[0-9a-f]{64}", known.etag)
    return url, known.etag if is_hash else None


def fetch_open_clip(repository: str) -> Path:
    """The weights of a model of open_clip, its configuration beside them, from the hub or from its cache.

    Raises:
        EncoderError: they are not available; says how to bring them as a file.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        with _quick_refusal():
            hf_hub_download(repository, CONFIG)
            for name in _OPEN_CLIP_WEIGHTS[:-1]:
                with suppress(EntryNotFoundError):
                    return Path(hf_hub_download(repository, name))
            return Path(hf_hub_download(repository, _OPEN_CLIP_WEIGHTS[-1]))
    except Exception as error:  # the hub has dozens of kinds
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        name = _OPEN_CLIP_WEIGHTS[0]
        raise EncoderError(
            f"the weights of {repository} are not available: {reason}",
            fix=f"on a machine with a network download them (`hf download {repository} {name} {CONFIG}`), put both "
            f"files in one folder here and use `--encoder FOLDER/{name}`",
        ) from error


@contextmanager
def _quick_refusal() -> Iterator[None]:
    """Within, the hub's library looks only into its cache where its host does not answer.

    Left alone it asks for each of several files again and again: 51 s without a network.
    """
    from huggingface_hub import constants, utils

    was_offline = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = was_offline or not _answers(os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline
        # before 1.0 a kept connection remembers that there was no network when it was made
        getattr(utils, "reset_sessions", lambda: None)()


def _answers(url: str) -> bool:
    """Whether a host can be reached, through a proxy where one is set."""
    try:
        urlopen(Request(url, method="HEAD"), timeout=_PATIENCE_S).close()
    except HTTPError:
        return True  # it answered, if only with a refusal
    except (URLError, OSError, ValueError):
        return False
    return True


def cached_file(place: str) -> Path | None:
    """The weights of a repository in the hub's cache on this machine."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(place, TENSORS)
    return Path(found).resolve() if isinstance(found, str) else None
