"""What `mt explain` prints and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import mt_core as mt
from mt_core.errors import MtError
from mt_core.hooks import session
from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_explain.drawing import write_picture
from mt_explain.errors import ExplainError
from mt_explain.explaining import explain_one, measure_one, samples_of
from mt_explain.faithfulness import Faithfulness, interval
from mt_explain.one_sample import OneSample, explaining
from mt_explain.words import lines_of


@dataclass
class Report:
    """Explanations of a run's predictions, as they come.

    Attributes:
        model: The run.
        has_rows: Whether a source may hold many samples.
        folder: Where pictures go; None: none are drawn.
        errors: Of the sources that could not be read.
    """

    model: MetaTransformer
    has_rows: bool
    folder: Path | None
    errors: list[MtError] = field(default_factory=list)

    @classmethod
    def of(cls, run: str, encoder: str | None, device: str | None, folder: Path | None) -> Report:
        """Load a run, and make the folder of its pictures.

        Raises:
            MtError: as `mt_core.load_run`; or a folder that cannot be made.
        """
        model = mt.load_run(run, encoder=encoder, device=device)
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ExplainError(f"{folder} cannot be made ({error.strerror})", fix="choose another --out") from None
        return cls(model, "multi_sample_sources" in get(model.modality).manifest.capabilities, folder)

    def lines(
        self,
        sources: Sequence[Any],
        *,
        method: str,
        target: str | None,
        max_samples: int,
        top: int,
        as_json: bool,
        seed: int | None,
    ) -> Iterator[str]:
        """Lines for people, or one of JSON a sample.

        Args:
            seed: Of the random orders that faithfulness is measured against; None: it is not measured.
        """
        measured: list[Faithfulness] = []
        used: dict[str, None] = {}
        with session(self.model.modality, "predict"):
            samples = islice(samples_of(self.model, sources, self.errors.append), max_samples)
            for number, (source, row, sample, item) in enumerate(samples, start=1):
                place = f"{source}:{row}" if self.has_rows else source
                with explaining(self.model):
                    one = OneSample(self.model, sample, item)
                    explanation = explain_one(one, method, target, source=source, row=row)
                    faithful = None if seed is None else measure_one(one, explanation, target, seed=seed)
                measured += [] if faithful is None else [faithful]
                used[explanation.method] = None
                if as_json:
                    record = explanation.to_json()
                    yield json.dumps(record if faithful is None else {**record, "faithfulness": as_numbers(faithful)})
                else:
                    yield from lines_of(explanation, place, top)
                    if faithful is not None:
                        yield f"  faithfulness: {_in_words(faithful)}"
                if self.folder is not None:
                    file = self.folder / f"{number:03d}_{Path(source).name.partition('.')[0] or 'sample'}.png"
                    write_picture(explanation, file, place)
                    if not as_json:
                        yield f"  {file}"
        if len(measured) > 1 and not as_json:
            mean, low, high = interval([each.gain for each in measured])
            yield (
                f"faithfulness of {' and '.join(used)} over {len(measured)} samples: area against random order "
                f"{mean:+.3f} (95% interval {low:+.3f} to {high:+.3f})"
            )


def as_numbers(faithful: Faithfulness) -> dict[str, Any]:
    """Curves and areas as JSON can hold them."""
    return {
        "gain": faithful.gain,
        "deletion_gain": faithful.deletion_gain,
        "insertion_gain": faithful.insertion_gain,
        "shares": faithful.shares.tolist(),
        "deletion": faithful.deletion.tolist(),
        "insertion": faithful.insertion.tolist(),
        "random_deletion": faithful.random_deletion.tolist(),
        "random_insertion": faithful.random_insertion.tolist(),
    }


def _in_words(faithful: Faithfulness) -> str:
    return (
        f"area against random order {faithful.gain:+.3f} "
        f"(deletion {faithful.deletion_gain:+.3f}, insertion {faithful.insertion_gain:+.3f})"
    )
