"""Around the core's work: loose electrodes are not looked at, and agreement is measured as the field does."""

from collections.abc import Generator, Mapping
from dataclasses import replace

import torch
from mt_core.contract import AnyTask, Classification, Tokens
from mt_core.hooks import hookimpl
from torch import Tensor
from torchmetrics import CohenKappa, Metric


@hookimpl(wrapper=True)
def mt_tokenize(modality: str, batch: Mapping[str, Tensor]) -> Generator[None, Tokens, Tokens]:
    """Masks seconds flatter than a microvolt: of an electrode that came off. A sample of no others stays as it is."""
    tokens = yield
    if modality != "eeg":
        return tokens
    lively_BM = tokens.real() & (batch["patches"].amax(-1) - batch["patches"].amin(-1) >= 1)
    return replace(tokens, mask=torch.where(lively_BM.any(1, keepdim=True), lively_BM, tokens.real()))


@hookimpl
def mt_metrics(modality: str, task: AnyTask) -> dict[str, Metric] | None:
    """Cohen's kappa, in which agreement by chance counts as nothing: how sleep staging is reported."""
    if modality != "eeg" or not isinstance(task, Classification):
        return None
    return {"kappa": CohenKappa(task="multiclass", num_classes=max(2, len(task.classes)))}
