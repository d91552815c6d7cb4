"""Gradients of the score in the tokens, by Captum.  S points, V views, N tokens a view, D width, P parts.

The baseline is the mean of the sample's own tokens. A block begins with a normalisation that divides by a token's size,
so that a token scaled towards zero looks the same to it until it is almost zero: the path from zero says nothing along
most of its length, and everything at its start. Towards the mean of all tokens, what tells one token from the others
fades evenly.
"""

from __future__ import annotations

from torch import Tensor

from mt_explain.one_sample import OneSample
from mt_explain.target import Target

STEPS = 32
"""Points on the path, by Gauss-Legendre quadrature."""

_TOKENS_AT_ONCE = 4096


def integrated_gradients(sample: OneSample, target: Target, baseline_VND: Tensor | None = None) -> Tensor:
    """The mean gradient on the straight path from the baseline to the tokens, times their difference. Over all parts it
    adds up to the difference of the scores of both.

    Args:
        baseline_VND: None: the mean token.

    Source: Sundararajan et al. 2017, arXiv:1703.01365, section 3.
    """
    from captum.attr import IntegratedGradients

    rows, num_tokens = sample.shape
    values = sample.tokens.values[None]
    found = IntegratedGradients(lambda values_SVND: target.score(sample.computed(values_SVND))).attribute(
        values,
        baselines=(sample.mean_token if baseline_VND is None else baseline_VND)[None],
        n_steps=STEPS,
        method="gausslegendre",
        internal_batch_size=max(1, _TOKENS_AT_ONCE // (rows * num_tokens)),
    )
    return sample.parts.sums(found[0].sum(-1).detach())


def gradient(sample: OneSample, target: Target) -> Tensor:
    """The gradient at the tokens, times their difference from the baseline: one step of the same.

    Source: Shrikumar et al. 2016, arXiv:1605.01713, section 3, gradient times input.
    """
    from captum.attr import Saliency

    values = sample.tokens.values[None].detach().requires_grad_()
    slope = Saliency(lambda values_SVND: target.score(sample.computed(values_SVND))).attribute(values, abs=False)
    difference = sample.tokens.values - sample.mean_token
    return sample.parts.sums((slope[0] * difference).sum(-1).detach())
