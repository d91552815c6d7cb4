"""An encoder that is divided over the processes of a training: each keeps a part of every weight, of its gradient and
of the optimiser's state. The weights of a block come together while it is computed, forward and backward.

torch's FSDP2 does it. All processes take part in each of its collectives, so each runs the blocks equally often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from mt_core.contract import Features, Tokens
from mt_core.encoder import Encoder
from mt_core.model import MetaTransformer


class Sharding:
    """A model's encoder in parts, until `end`.

    The encoder that the model had is not changed, and goes from memory where nothing else refers to it.

    Args:
        model: Its encoder is replaced by one that is divided.
        device_type: "cpu" or "cuda": where the parts lie.
        bf16: Whether blocks are computed under autocast; then matrices are gathered in bfloat16, and no copy of them is
            kept for the pass back.
    """

    def __init__(self, model: MetaTransformer, device_type: str, *, bf16: bool = False) -> None:
        self.model = model
        encoder = model.encoder
        self._whole = _with_parameters(encoder, lambda weight: weight.detach().to("meta"))
        divided = _with_parameters(encoder, lambda weight: weight.detach())  # moved to the device by itself
        model.encoder = divided
        mesh = init_device_mesh(device_type, (distributed.get_world_size(),))
        policy = _as_autocast_has_it() if bf16 else MixedPrecisionPolicy(cast_forward_inputs=False)
        for block in divided.blocks:
            fully_shard(block, mesh=mesh, mp_policy=policy)
        fully_shard(divided, mesh=mesh)
        divided.most_rounds = self._most
        # the pass back goes through the blocks in all processes, or in none
        divided.norm_pre.register_forward_hook(_with_gradient)

    def take_part(self) -> Tensor:
        """0, with a gradient of 0 for the encoder: what a process without a sample of a batch computes meanwhile."""
        encoder = self.model.encoder
        features: Features = encoder(Tokens(torch.zeros(1, 1, encoder.width, device=self.model.device)))
        return 0.0 * features.tokens.float().sum()

    def _most(self, count: int) -> int:
        most = torch.tensor(count, device=self.model.device)
        distributed.all_reduce(most, distributed.ReduceOp.MAX)
        return int(most)

    def end(self) -> None:
        """Give the model a whole encoder again, in the machine's memory; all processes do at once."""
        tensors = gather(dict(self.model.encoder.state_dict()))
        self._whole.load_state_dict(tensors, assign=True)
        self.model.encoder = self._whole


def is_supported() -> bool:
    """Whether this torch can: that of 2.6 has FSDP2 for GPUs alone, and gathers all weights in one precision."""
    return "param_dtype_override_fn" in MixedPrecisionPolicy.__dataclass_fields__


def _as_autocast_has_it() -> MixedPrecisionPolicy:
    return MixedPrecisionPolicy(
        param_dtype=torch.bfloat16,
        reduce_dtype=torch.float32,
        cast_forward_inputs=False,  # autocast does
        param_dtype_override_fn=lambda weight: weight.dtype if weight.ndim < 2 else None,
    )


def gather(tensors: Mapping[str, Tensor], *, keep: bool = True) -> dict[str, Tensor]:
    """Whole tensors of divided ones, in the machine's memory, one after the other; all processes ask at once.

    Args:
        keep: Whether this process wants them; else it gets {}.
    """
    found = {}
    for name, tensor in tensors.items():
        whole = tensor.full_tensor().cpu() if isinstance(tensor, DTensor) else tensor
        if keep:
            found[name] = whole
    return found


def divide(tensors: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors divided as those of the same name and shape are; others, and what is no tensor, as it came."""
    return {name: _divided(value, like.get(name)) for name, value in tensors.items()}


def _divided(value: Any, like: Any) -> Any:
    if not isinstance(like, DTensor) or not isinstance(value, Tensor) or value.shape != like.shape:
        return value
    placed = value.to(like.device)
    return distribute_tensor(placed, like.device_mesh, like.placements, src_data_rank=None)  # each takes its own part


def keep_whole_states(optimizer: torch.optim.Optimizer, *, is_first: bool) -> None:
    """From now on the optimiser's state of divided weights is saved whole, and divided when it is loaded.

    Args:
        is_first: Whether this process is the one that writes it; the others have {} for a weight's state.
    """

    def gathered(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> dict[str, Any]:
        whole = {number: gather(state, keep=is_first) for number, state in saved["state"].items()}
        return {**saved, "state": whole}

    def divided(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> dict[str, Any]:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        state = {
            number: divide(of_weight, dict.fromkeys(of_weight, weights[number]))
            for number, of_weight in saved["state"].items()
        }
        return {**saved, "state": state}

    optimizer.register_state_dict_post_hook(gathered)
    optimizer.register_load_state_dict_pre_hook(divided)


def average(weights: Iterable[nn.Parameter]) -> None:
    """Average the gradients of weights that are whole; FSDP does it for divided ones.

    After the pass back, and not during it: a process without samples of an input would come to them at another time,
    and collectives are to come in one order. What has a gradient in no process is left without.
    """
    learning = [weight for weight in weights if weight.requires_grad]
    gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in learning]
    has_one = torch.tensor([float(weight.grad is not None) for weight in learning], device=gradients[0].device)
    joined = torch.cat([has_one, *(gradient.flatten() for gradient in gradients)])
    distributed.all_reduce(joined)
    has_one, *means = torch.split(joined, [len(learning), *(weight.numel() for weight in learning)])
    for weight, mean, count in zip(learning, means, has_one.tolist(), strict=True):
        weight.grad = mean.view_as(weight) / distributed.get_world_size() if count else None


def clip(weights: Iterable[nn.Parameter], largest: float) -> None:
    """Scale gradients so that the norm of them all, whole ones and divided ones, is no larger."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    whole = [gradient for gradient in gradients if not isinstance(gradient, DTensor)]
    parts = [gradient.to_local() for gradient in gradients if isinstance(gradient, DTensor)]
    squared = nn.utils.get_total_norm(whole).square()
    if parts:
        of_parts = nn.utils.get_total_norm(parts).square()
        distributed.all_reduce(of_parts)
        squared = squared + of_parts
    factor = (largest / (squared.sqrt() + 1e-6)).clamp(max=1.0)  # as torch.nn.utils.clip_grad_norm_ has it
    for gradient in (*whole, *parts):
        gradient.mul_(factor)


def _with_parameters(encoder: Encoder, made: Any) -> Encoder:
    """A copy of an encoder with parameters made of its own."""
    memo = {id(weight): nn.Parameter(made(weight), weight.requires_grad) for weight in encoder.parameters()}
    return deepcopy(encoder, memo)


def _with_gradient(module: nn.Module, inputs: Any, tokens: Tensor) -> Tensor:
    return tokens if tokens.requires_grad or not torch.is_grad_enabled() else tokens.detach().requires_grad_()
