"""Blocks on a CPU by OpenVINO, as one graph.

R rows, N tokens a row, T packed tokens, D width, H heads.

Source of the quantisation: Jacob et al. 2018, arXiv:1712.05877 (weights by output channel, activations by tensor); of
the scales that are moved from activations to weights: Xiao et al. 2023 (SmoothQuant), arXiv:2211.10438, equation 4.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.encoder.plain_blocks import Affine, Norm, PlainBlock, PlainBlocks
from mt_core.encoder.quantization import Range, smoothed
from mt_core.encoder.vit import Groups

Arithmetic = Literal["f32", "bf16"]


class OpenVinoBlocks:
    """The outputs of an encoder's blocks, forward only.

    Rows of one length are one call. Rows of many lengths would be many small ones, and go to `fallback`.

    Args:
        plain: Their numbers.
        arithmetic: Of what is not quantised.
        fallback: Computes the same for rows of many lengths.
        ranges: Of the inputs of linear layers, by block and name; those that are named are computed in int8.
    """

    def __init__(
        self,
        plain: PlainBlocks,
        arithmetic: Arithmetic,
        fallback: Any,
        ranges: Mapping[tuple[int, str], Range] | None = None,
    ) -> None:
        import openvino

        self._core = openvino.Core()
        self._graph = _Graph(plain, ranges or {}).model()
        self._arithmetic, self._fallback = arithmetic, fallback
        self._num_threads = torch.get_num_threads()
        self._compiled: dict[int, Any] = {}
        self._lock, self._own = threading.Lock(), threading.local()
        self._request()  # what cannot be compiled is known at once

    def __call__(self, values: Tensor, groups: Groups | None = None) -> Tensor:
        """(R, N, D) to (R, N, layers * D), or packed (T, D) with groups to (T, layers * D); float32."""
        if groups is None:
            return self._run(values)
        if len(groups) > 1:
            mixed: Tensor = self._fallback(values, groups)
            return mixed
        return self._run(values.view(*groups[0], -1)).flatten(0, 1)

    def _run(self, values_RND: Tensor) -> Tensor:
        given = values_RND.detach().float().contiguous().numpy()
        if not given.size:
            return torch.zeros(*values_RND.shape[:2], self._graph.get_results()[0].shape[-1])
        answer = self._request().infer({0: given}, share_inputs=True)[0]
        return torch.from_numpy(answer)

    def _request(self) -> Any:
        """This thread's own request to a graph compiled for as many threads as this thread may use."""
        threads = torch.get_num_threads()
        own = self._own.__dict__.setdefault("requests", {})
        if threads not in own:
            with self._lock:
                if threads not in self._compiled:
                    self._compiled[threads] = self._core.compile_model(self._graph, "CPU", self._settings(threads))
            own[threads] = self._compiled[threads].create_infer_request()
        return own[threads]

    def _settings(self, threads: int) -> dict[str, Any]:
        """Where batches are encoded side by side, one thread each, there is a stream for each."""
        total = max(self._num_threads, threads)
        return {
            "INFERENCE_PRECISION_HINT": self._arithmetic,
            "INFERENCE_NUM_THREADS": total,
            "NUM_STREAMS": max(1, total // threads),
            "ENABLE_CPU_PINNING": False,  # the cores are shared with processes that read
        }


class _Graph:
    """Blocks as OpenVINO's operations."""

    def __init__(self, plain: PlainBlocks, ranges: Mapping[tuple[int, str], Range]) -> None:
        import openvino.opset13 as operations

        self._op: Any = operations
        self._plain, self._ranges = plain, ranges

    def model(self) -> Any:
        import openvino

        op, plain = self._op, self._plain
        given = op.parameter([-1, -1, plain.width], np.float32)
        tokens = self._norm(given, plain.norm_pre)
        outputs = [tokens] if plain.layers[0] == 0 else []
        for number, block in enumerate(plain.blocks, start=1):
            tokens = self._block(tokens, block, number - 1)
            if number in plain.layers:
                outputs.append(self._norm(tokens, plain.norm))
        joined = outputs[0] if len(outputs) == 1 else op.concat(outputs, -1)
        return openvino.Model([op.result(joined)], [given], "blocks")

    def _block(self, tokens: Any, block: PlainBlock, index: int) -> Any:
        op, plain = self._op, self._plain
        heads, each = plain.num_heads, block.qkv.weight.shape[0] // 3 // plain.num_heads
        qkv = self._norm_linear(tokens, block.norm1, block.qkv, (index, "qkv"))
        qkv = op.reshape(qkv, self._whole([0, 0, 3, heads, each]), True)
        parts = op.split(op.transpose(qkv, self._whole([2, 0, 3, 1, 4])), self._whole(0), 3).outputs()
        query, key, value = (op.squeeze(part, self._whole([0])) for part in parts)
        attended = op.scaled_dot_product_attention(query, key, value, causal=plain.is_causal)
        joined = op.transpose(attended, self._whole([0, 2, 1, 3]))
        joined = op.reshape(joined, self._whole([0, 0, heads * each]), True)
        tokens = op.add(tokens, self._linear(joined, block.proj, (index, "proj")))
        hidden = self._norm_linear(tokens, block.norm2, block.fc1, (index, "fc1"))
        return op.add(tokens, self._linear(self._activated(hidden, block), block.fc2, (index, "fc2")))

    def _activated(self, hidden: Any, block: PlainBlock) -> Any:
        if block.activation == "quick_gelu":
            return self._op.multiply(hidden, self._op.sigmoid(self._op.multiply(hidden, self._constant([1.702]))))
        return self._op.gelu(hidden, "tanh" if block.activation == "gelu_tanh" else "erf")

    def _norm_linear(self, tokens: Any, norm: Norm, linear: Affine, which: tuple[int, str]) -> Any:
        """A linear layer behind a norm; where it is quantised, scales are moved from the one to the other."""
        if which in self._ranges:
            norm, linear = smoothed(norm, linear, self._ranges[which])
        return self._linear(self._norm(tokens, norm), linear, which)

    def _norm(self, tokens: Any, norm: Norm | None) -> Any:
        if norm is None:
            return tokens
        op = self._op
        normed = op.mvn(tokens, self._whole([-1]), True, float(norm.eps), "inside_sqrt")
        return op.add(op.multiply(normed, self._tensor(norm.affine.weight)), self._tensor(norm.affine.bias))

    def _linear(self, tokens: Any, linear: Affine, which: tuple[int, str]) -> Any:
        op, weight = self._op, self._tensor(linear.weight)
        if which in self._ranges:
            low, high = (self._constant([edge]) for edge in self._ranges[which].edges)
            tokens = op.fake_quantize(tokens, low, high, low, high, 256)
            most = linear.weight.abs().amax(1, keepdim=True).clamp_min(1e-8)
            least, most = self._tensor(-most), self._tensor(most)
            weight = op.fake_quantize(weight, least, most, least, most, 255)
        return op.add(op.matmul(tokens, weight, False, True), self._tensor(linear.bias))

    def _tensor(self, tensor: Tensor) -> Any:
        array: NDArray[Any] = np.ascontiguousarray(tensor.detach().cpu().float().numpy())
        return self._op.constant(array)

    def _constant(self, values: Sequence[float]) -> Any:
        return self._op.constant(np.asarray(values, np.float32))

    def _whole(self, values: int | Sequence[int]) -> Any:
        return self._op.constant(np.asarray(values, np.int64))
