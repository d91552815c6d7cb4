"""Classes by their names alone: a sample's class is the one whose name, as a text or another sample, is nearest.

Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 3.1, and for the mean over templates section 3.1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mt_core.data.inputs import as_sources
from mt_core.data.precision import Precision
from mt_core.embedding.memory import predictions
from mt_core.errors import MtError, OptionError
from mt_core.hooks import session
from mt_core.plugins import find
from mt_fusion.aligning.matching import is_encoder, of_encoder, of_run


def zeroshot(
    run: str | Path,
    input: str,
    sources: Any,
    labels: Sequence[str],
    *,
    templates: Sequence[str] = ("{}",),
    label_input: str | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    precision: Precision = "32",
    device: str | None = None,
    strict: bool = False,
    on_error: Callable[[MtError], object] | None = None,
) -> list[dict[str, Any]]:
    """The class of each sample, among classes that are named.

    Args:
        run: The folder of `align`; or an encoder of two towers, as "open_clip/ViT-B-32" or a file.
        input: Which of its inputs the samples are; of an encoder the modality that reads them.
        sources: As for `mt_core.embed`.
        labels: Names of the classes, at least two; files, where the labels' input is of a modality that reads no text.
        templates: Texts that a name is put into at {}; a class is the mean of them.
        label_input: The input that reads the names; None: the only other one, or the only one of text. Of an encoder a
            modality.
        on_error: Called with the error of each source that cannot be read, and the work goes on; None: the first one
            ends it.

    Returns:
        A record a sample: `source`, `row`, `prediction`, its `probability`, and `probabilities` of all labels by the
        learned temperature.

    Raises:
        RunError: no run of mt align that has ended.
        OptionError: an input that the run does not have, too few labels, or an encoder of one tower.
        EncoderError: an encoder that is not available.
    """
    found = Classes(run, input, labels, templates=templates, label_input=label_input, device=device)
    return list(
        found.predicted(
            sources,
            batch_size=batch_size,
            num_workers=num_workers,
            precision=precision,
            strict=strict,
            on_error=on_error,
        )
    )


class Classes:
    """The names of some classes in the space of a run, or of an encoder of two towers.

    Attributes:
        model: Of the samples' input.
        vectors_CE: A vector of length 1 a class.
    """

    def __init__(
        self,
        run: str | Path,
        input: str,
        labels: Sequence[str],
        *,
        templates: Sequence[str] = ("{}",),
        label_input: str | None = None,
        device: str | None = None,
    ) -> None:
        self.labels = check_labels(labels)
        if bad := [each for each in templates if "{}" not in each]:
            raise OptionError(f"the template {bad[0]!r} has no {{}}", fix='write it as "a photo of a {}"')
        pair = (of_encoder if is_encoder(run) else of_run)(run, input, label_input, device)
        self.model, self.scale, named = pair.samples, pair.scale, pair.names
        sources: list[Any] = [template.replace("{}", label) for label in self.labels for template in templates]
        if find(named.modality).raw.get("cells") == "text":
            sources = [{pair.column: text} for text in sources]
        with session(named.modality, "embed"):
            vectors = torch.tensor([each["prediction"] for each in predictions(named, sources)])
        if len(vectors) != len(sources):
            raise OptionError("a label is to be one sample", fix="name files of one sample each")
        self.vectors_CE = torch.nn.functional.normalize(
            vectors.view(len(self.labels), len(templates), -1).mean(1), dim=1
        )

    def predicted(self, sources: Any, **how: Any) -> Iterator[dict[str, Any]]:
        """A record a sample, as they come.

        Args:
            how: As for `mt_core.embedding.memory.predictions`.
        """
        with session(self.model.modality, "predict"):
            for record in predictions(self.model, as_sources(self.model, sources), **how):
                probabilities_C = self.probabilities(torch.tensor([record["prediction"]]))[0].tolist()
                best = max(range(len(self.labels)), key=probabilities_C.__getitem__)
                yield {
                    "source": record["source"],
                    "row": record["row"],
                    "prediction": self.labels[best],
                    "probability": probabilities_C[best],
                    "probabilities": dict(zip(self.labels, probabilities_C, strict=True)),
                }

    def probabilities(self, vectors_BE: Tensor) -> Tensor:
        """(B, C) of vectors of length 1, by the temperature that the run learned."""
        return (self.scale * vectors_BE @ self.vectors_CE.T).softmax(1)


def check_labels(labels: Sequence[str]) -> list[str]:
    """The labels, each once.

    Raises:
        OptionError: fewer than two.
    """
    found = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
    if len(found) < 2:
        raise OptionError(f"{len(found)} label is no choice", fix="name two at least: --labels cat,dog")
    return found
