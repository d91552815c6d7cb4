"""docs/gallery.md and its pictures: each modality's demonstration, trained for some seconds, and one test sample of it.

    python docs/gallery.py [--seconds 60] [--out docs]

Of each installed modality: what the encoder sees of a sample, what the run predicts for it, and what that rests on. The
sample is the one of the first test samples whose prediction is surest.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image
from torch import Tensor

import mt_core as mt
from mt_core.embedding.shown import as_png, draw_sample
from mt_core.plugins import get, list_modalities
from mt_explain.drawing import write_picture
from mt_explain.explaining import explain_one, samples_of
from mt_explain.explanation import Explanation
from mt_explain.one_sample import OneSample, explaining
from mt_explain.words import in_words

WIDTHS, GAP, SHOWN = (260, 600), 12, 4
LOOKED_AT = 6
"""Test samples among which the surest is shown."""

PAGE = """# Gallery

Of each modality one sample of its demonstration, which training never saw. On the left stands what the encoder sees
of it: a picture, or a row of colours for each token. On the right stands what the prediction rests on
([`mt explain`](explain.md)), red for it and blue against it. Tokenizer and head were trained for at most {seconds:g} s
around the frozen encoder, mt-tiny. `python docs/gallery.py` makes this page.

{entries}"""


@dataclass(frozen=True)
class Entry:
    """One modality of the gallery.

    Attributes:
        source: What the demonstration is called.
        seen: How many tokens the encoder sees, and of what.
        explanation: Of the sample that is shown.
        metric: Name and value on the test samples.
    """

    modality: str
    source: str
    seen: str
    explanation: Explanation
    metric: str

    def text(self) -> str:
        strongest = max(self.explanation.parts, key=lambda part: part.attribution)
        return (
            f"## {self.modality}\n\n{self.source}; {self.metric} on the test samples. The encoder sees {self.seen}. "
            f"Prediction: **{self.explanation.prediction.strip()}**. The strongest "
            f"{self.explanation.what} for it is {in_words(strongest.region)}, with {100 * strongest.share:.0f} %.\n\n"
            f"![{self.modality}: what the encoder sees, and what the prediction rests on]"
            f"(assets/gallery-{self.modality}.png)\n"
        )


def entry_of(modality: str, seconds: float, folder: Path) -> Entry:
    """Train, predict, explain and draw."""
    dataset = get(modality).dataset
    train, test = dataset.demo("train", size=256, seed=0), dataset.demo("test", size=64, seed=0)
    model = mt.load(modality, purpose="train", **dataset.demo_options)
    result = mt.fit(model, train, test, epochs=20, batch_size=32, max_minutes=seconds / 60, num_workers=0)
    head = model.require_head()
    found: list[tuple[Explanation, Mapping[str, Tensor]]] = []
    for _, _, sample, item in islice(samples_of(model, [test[index].sample for index in range(LOOKED_AT)]), LOOKED_AT):
        with explaining(model):
            found.append((explain_one(OneSample(model, sample, item)), item))
    explanation, item = max(found, key=lambda each: each[0].value or 0.0)
    drawn = draw_sample(model, item)
    _write(as_png([drawn.pictures[:SHOWN]]), explanation, folder / f"gallery-{modality}.png")
    return Entry(modality, test.source, drawn.what, explanation, f"{head.primary} {result.metrics[head.primary]:.3f}")


def _write(seen: bytes, explanation: Explanation, path: Path) -> None:
    """Both pictures side by side, in few colours."""
    with TemporaryDirectory() as folder:
        write_picture(explanation, Path(folder, "why.png"), "", dpi=100)
        pictures = [Image.open(io.BytesIO(seen)).convert("RGB"), Image.open(Path(folder, "why.png")).convert("RGB")]
    scaled = [
        picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
        for picture, width in zip(pictures, WIDTHS, strict=True)
    ]
    whole = Image.new("RGB", (sum(WIDTHS) + GAP, max(picture.height for picture in scaled)), "white")
    whole.paste(scaled[0], (0, 0))
    whole.paste(scaled[1], (WIDTHS[0] + GAP, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.quantize(128).save(path, optimize=True)


def write_gallery(modalities: list[str], seconds: float, out: Path) -> None:
    """The page and its pictures into a folder."""
    entries = []
    for number, modality in enumerate(modalities, start=1):
        print(f"[{number}/{len(modalities)}] {modality}", flush=True)
        entries.append(entry_of(modality, seconds, out / "assets").text())
    page = PAGE.format(seconds=seconds, entries="\n".join(entries))
    (out / "gallery.md").write_text(page, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="Training of each modality, at most.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="Folder of the page.")
    parser.add_argument("--only", nargs="*", help="Some modalities.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    write_gallery(given.only or list(list_modalities()), given.seconds, given.out)


if __name__ == "__main__":
    main()
