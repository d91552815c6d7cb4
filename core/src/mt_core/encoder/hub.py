"""Trained weights from the public hub, through timm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mt_core.encoder.timm_models import converted
from mt_core.encoder.vit import PlainVit, without_draws
from mt_core.errors import EncoderError

_PATIENCE_S = 5.0


def fetch_vit(name: str) -> PlainVit:
    """A ViT of timm with its trained weights, from the hub or from the hub's cache on this machine.

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
            fix=f"on a machine with a network download model.safetensors and config.json of {place} "
            f"(`hf download {place} model.safetensors config.json`), put both in one folder here and use "
            "`--encoder FOLDER/model.safetensors`; or use the untrained control random/" + name.partition(".")[0],
        ) from error
    return converted(vit, name)


@contextmanager
def _quick_refusal() -> Iterator[None]:
    """Within, the hub's library looks only into its cache where its host does not answer.

    Left alone it asks for each of several files again and again: 51 s without a network.
    """
    from huggingface_hub import constants

    was_offline = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = was_offline or not _answers(os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline


def _answers(url: str) -> bool:
    """Whether a host can be reached, through a proxy where one is set."""
    try:
        urlopen(Request(url, method="HEAD"), timeout=_PATIENCE_S).close()
    except HTTPError:
        return True  # it answered, if only with a refusal
    except (URLError, OSError, ValueError):
        return False
    return True
