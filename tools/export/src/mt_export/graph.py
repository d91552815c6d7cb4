"""The device part of a tokenizer, the encoder and the head as one module, and that module traced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mt_core.errors import MtError
from mt_core.model import MetaTransformer
from mt_export.answers import Output
from mt_export.errors import ExportError
from mt_export.quiet import quiet
from mt_export.signature import Signature


class Graph(nn.Module):
    """From the tensors of a batch to the outputs.

    Args:
        names: Of the tensors, in the order in which `forward` takes them.
        unread: Tensors of a batch on which no output depends, though the tokenizer asks for them.
    """

    def __init__(
        self,
        model: MetaTransformer,
        names: Sequence[str],
        outputs: Sequence[Output],
        unread: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.tokenizer, self.encoder, self.head = model.tokenizer, model.encoder, model.head
        self.names, self.outputs, self.unread = tuple(names), tuple(outputs), dict(unread or {})

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        batch = {**self.unread, **dict(zip(self.names, tensors, strict=True))}
        features = self.encoder(self.tokenizer(batch))
        scores = self.head.forward_alike(features) if self.head is not None else None
        return tuple(output.compute(features, scores) for output in self.outputs)


def traced(
    model: MetaTransformer, signature: Signature, outputs: Sequence[Output]
) -> tuple[ExportedProgram, Signature]:
    """The model as a program, and the inputs that it reads: what the outputs do not depend on is left out.

    Raises:
        ExportError: a part of the model does something that depends on values, or on extents that vary.
    """
    program = _traced(model, signature, outputs)
    read = [name for name, node in zip(signature.names, _placeholders(program), strict=True) if node.users]
    if len(read) < len(signature.names):
        unread = {name: tensor.clone() for name, tensor in signature.example.items() if name not in read}
        signature = signature.only(read)
        program = _traced(model, signature, outputs, unread)
    return program, signature


def _traced(
    model: MetaTransformer,
    signature: Signature,
    outputs: Sequence[Output],
    unread: Mapping[str, Tensor] | None = None,
) -> ExportedProgram:
    graph = Graph(model, signature.names, outputs, unread).eval()
    varying = _varying(signature)
    try:
        with torch.no_grad(), quiet():
            return torch.export.export(
                graph, tuple(signature.example.values()), dynamic_shapes=(varying,), strict=False
            )
    except MtError:
        raise
    except Exception as error:  # torch raises many kinds, some of them private
        raise ExportError(
            f"{_part_that_fails(model, signature)} of this {model.modality} model cannot be traced by torch.export: "
            f"{_first_line(error)}",
            fix="train with view=tokens where a picture is drawn; else use the run itself (mt_core.load_run)",
        ) from error


def _varying(signature: Signature) -> tuple[dict[int, Any], ...]:
    dims = {name: Dim(name, min=1) for of in signature.axes.values() for name in of.values()}
    return tuple(
        {axis: dims.get(signature.axes.get(name, {}).get(axis, ""), Dim.DYNAMIC) for axis in signature.varying[name]}
        for name in signature.names
    )


def _placeholders(program: ExportedProgram) -> list[torch.fx.Node]:
    by_name = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    return [by_name[name] for name in program.graph_signature.user_inputs]


def _part_that_fails(model: MetaTransformer, signature: Signature) -> str:
    """Whether the tokenizer alone can be traced."""

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokenizer = model.tokenizer

        def forward(self, *tensors: Tensor) -> Tensor:
            values: Tensor = self.tokenizer(dict(zip(signature.names, tensors, strict=True))).values
            return values

    varying = _varying(signature)
    try:
        with torch.no_grad(), quiet():
            torch.export.export(Tokens(), tuple(signature.example.values()), dynamic_shapes=(varying,), strict=False)
    except Exception:
        view = getattr(model.tokenizer.options, "view", None)
        return f"{type(model.tokenizer).__name__}{f' with view={view}' if view is not None else ''}"
    return f"the head ({type(model.head).__name__})" if model.head is not None else "the encoder"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
