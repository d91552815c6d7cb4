"""Programs as ONNX files, in float32 or 8-bit integers, and ONNX files run by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from mt_export.errors import ExportError
from mt_export.quiet import quiet

LARGEST = 2_000_000_000
"""Bytes of weights that a single ONNX file can hold: protobuf ends at 2 GiB."""


def write_onnx(program: ExportedProgram, inputs: Sequence[str], outputs: Sequence[str], path: Path) -> None:
    """Write a program as one ONNX file.

    Raises:
        ExportError: weights of more than `LARGEST` bytes, or an operation that ONNX has no form of.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in program.state_dict.values())
    if size > LARGEST:
        raise ExportError(
            f"the weights are {size / 1e9:.1f} GB, and an ONNX file holds {LARGEST / 1e9:.0f} GB at most",
            fix="--to torch, or train on a smaller encoder",
        )
    try:
        with quiet():
            exported: Any = torch.onnx.export(
                program, (), input_names=list(inputs), output_names=list(outputs), dynamo=True, verbose=False
            )
            exported.save(str(path))
    except Exception as error:  # the exporter and its translations raise many kinds
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ExportError(
            f"torch.onnx has no form of this model: {lines[0][:300] if lines else type(error).__name__}",
            fix="--to torch, which takes every program that can be traced",
        ) from error


def quantise(source: Path, path: Path) -> None:
    """The same model with the weights of its linear layers in 8-bit integers, one scale a column, and activations
    rounded to 8 bits as they come (dynamic quantisation of ONNX Runtime)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with quiet():
        quantize_dynamic(
            str(source),
            str(path),
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


class OnnxModel:
    """An ONNX file, run on the CPU.

    Args:
        path: The file.
        outputs: Names of what is wanted, in this order.

    Raises:
        ExportError: a file that ONNX Runtime does not load.
    """

    def __init__(self, path: Path, outputs: Sequence[str]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of kinds that ONNX Runtime makes at run time
            raise ExportError(
                f"ONNX Runtime does not load the exported file: {str(error).strip()[:300]}",
                fix="--to torch; and report this, with the run's modality and options, to the maintainers of mt-export",
            ) from error
        self.outputs = list(outputs)

    def __call__(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        arrays = {name: tensor.cpu().numpy() for name, tensor in batch.items()}
        return tuple(torch.from_numpy(output) for output in self.session.run(self.outputs, arrays))


def opset_of(path: Path) -> int:
    """The version of ONNX's own operators that a file was written for."""
    import onnx

    model = onnx.load(os.fspath(path), load_external_data=False)
    return int(next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx")))


def name_axes(path: Path, shapes: Mapping[str, Sequence[int | str]]) -> None:
    """Give the axes of inputs and outputs in a file the names that the card has."""
    import onnx

    model = onnx.load(os.fspath(path))
    for value in (*model.graph.input, *model.graph.output):
        for dimension, extent in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            if isinstance(extent, str):
                dimension.dim_param = extent
    del model.graph.value_info[:]  # in terms of the former names
    onnx.save(model, os.fspath(path))
