"""A model made ready for training: calibrated, with a head, and with what is trained set to learn."""

from __future__ import annotations

import warnings

from mt_core.contract import Head, ModalityDataset
from mt_core.data.calibration import calibrate
from mt_core.errors import MtWarning
from mt_core.heads.neighbours import NeighbourHead, neighbour_head
from mt_core.model import MetaTransformer, default_view
from mt_core.plugins import get
from mt_core.training.lora import add_adapters
from mt_core.training.recipe import Recipe


def make_ready(model: MetaTransformer, train: ModalityDataset, recipe: Recipe) -> None:
    """Calibrate tokenizer and head on the training part, and set what is trained."""
    _warn_of_view(model, recipe)
    is_kept = recipe.tune in ("knn", "probe") or model.started_from is not None  # weights were learned for it
    if not is_kept or not model.tokenizer.calibration():
        calibrate(
            model.tokenizer,
            train,
            seed=recipe.seed,
            num_workers=recipe.num_workers,
            seconds_a_sample=recipe.seconds_a_sample,
            skip_unreadable=recipe.skip_unreadable,
        )
    model.tokenizer.to(model.device)
    head = _attach_head(model, train, recipe)
    head.calibrate(train.targets())
    model.tokenizer.requires_grad_(recipe.tune not in ("knn", "probe"))
    if recipe.tune == "full":
        model.encoder.unfreeze()
    elif recipe.tune == "lora":
        add_adapters(model, recipe)


def _attach_head(model: MetaTransformer, train: ModalityDataset, recipe: Recipe) -> Head:
    plugin, is_knn = get(model.modality), recipe.tune == "knn"
    same_kind = model.head is not None and isinstance(model.head, NeighbourHead) == is_knn
    if model.head is None or not same_kind or model.head.task != train.task or recipe.head:
        if is_knn:
            suggested = plugin.manifest.recipe.get("head", {})
            width = model.encoder.feature_width
            head = neighbour_head(width, train.task, plugin.head, suggested=suggested, options=recipe.head)
            model.head = head.to(model.device)
        else:
            model.attach_head(train.task, **recipe.head)
    return model.require_head()


def _warn_of_view(model: MetaTransformer, recipe: Recipe) -> None:
    """Warn of a view that was taken for vectors and is not the one that this modality is trained on."""
    if model.view_for != "embed" or recipe.purpose != "train":
        return
    plugin, taken = get(model.modality), model.tokenizer.options.model_dump().get("view")
    trained = default_view(plugin, model.encoder, "train").get("view", taken)
    if trained != taken:
        warnings.warn(
            f"trained on view={taken}, which was taken for vectors; mt train takes view={trained}: "
            f"mt.load({model.modality!r}, purpose='train'), or name the view",
            MtWarning,
            stacklevel=2,
        )
