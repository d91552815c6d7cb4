"""The functions that `import mt_core as mt` gives: load a model, embed, fit, predict, evaluate, list what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt_core.contract import AnyTask, ModalityDataset, Pool
from mt_core.data.in_memory import in_memory
from mt_core.data.workers import SECONDS_A_SAMPLE
from mt_core.embedding import embed_files, embed_in_memory, predict_in_memory
from mt_core.encoder import Encoder, list_encoders, load_encoder, parse_layers
from mt_core.errors import OptionError, UnknownModalityError
from mt_core.io.names import path_of_text
from mt_core.model import MetaTransformer, Purpose, new_model
from mt_core.plugins import composing, get, list_modalities

if TYPE_CHECKING:
    import numpy as np
    import torch

    from mt_core.data.precision import Precision
    from mt_core.training import FitResult, Recipe

__all__ = [
    "embed",
    "embed_files",
    "evaluate",
    "fit",
    "list_encoders",
    "list_modalities",
    "load",
    "load_run",
    "path_of_text",
    "predict",
]


def load(
    modality: str | Mapping[str, Any],
    *,
    encoder: str | Path | Encoder | None = None,
    layers: Sequence[int] | str | None = None,
    token_budget: int | str | None = None,
    purpose: Purpose = "embed",
    seed: int = 0,
    device: str | torch.device | None = None,
    **options: Any,
) -> MetaTransformer:
    """A modality's model: the frozen encoder and an untrained tokenizer, without a head.

    Args:
        modality: "image", "pointcloud", …; `list_modalities` gives those that are installed. `load_run` loads a run.
            Of items that have several inputs a mapping of their names to modalities: {"photo": "image", "about":
            "text"} (mt-fusion).
        encoder: A name of the catalogue, a file, or an encoder shared between models; None: the default. Of two towers
            that were trained together (`open_clip/…`), that which fits the modality.
        layers: The blocks whose outputs stand side by side in the features, as (3, 6, 9, 12) or "3,6,9,12"; "quarters":
            those at a quarter, half, three quarters and the end; None: the last block alone.
        token_budget: Of longer samples so many tokens in the encoder at once: 1024 joins similar neighbours,
            "tiles:1024" cuts into pieces that do not see each other; None: all at once, for which time grows with the
            square of their number. See `Encoder.with_budget`.
        purpose: Which of the views of the data is taken where `view` is not among the options: the one that was
            measured to be better for vectors without training, or for training.
        seed: For the weights of the tokenizer: the same seed, the same tokenizer.
        device: "cpu", "cuda", …; None: CPU.
        options: The tokenizer's.

    Raises:
        PluginError: no such modality, or a plugin that cannot be used.
        EncoderError: the encoder is not available.
        OptionError: an unknown option, or a device that this machine has not.
    """
    if isinstance(modality, Mapping):
        if not modality:
            raise OptionError("a mapping of no inputs", fix='name them: mt.load({"photo": "image", "about": "text"})')
        modality, options = composing().name, {"inputs": modality, **options}
    try:
        plugin = get(modality)
    except UnknownModalityError as error:
        if Path(modality).is_dir():
            raise UnknownModalityError(
                error.problem, fix=f"mt.load_run({modality!r}) loads the run in a folder"
            ) from None
        raise
    ready = encoder if isinstance(encoder, Encoder) else load_encoder(encoder)
    ready = ready.for_cells(plugin.manifest.cells)
    if layers is not None:
        ready = ready.with_layers(parse_layers(layers, ready.depth))
    if token_budget is not None:
        ready = ready.with_budget(token_budget)
    return new_model(plugin, ready, purpose=purpose, seed=seed, device=device, options=options)


def load_run(
    folder: str | Path, *, encoder: str | Path | Encoder | None = None, device: str | torch.device | None = None
) -> MetaTransformer:
    """The trained model of a run folder, on the encoder it was trained on.

    Args:
        folder: What `fit` or `mt train` was given as `out`.
        encoder: Where to get the encoder from, if not by the name that the run recorded: a file, for instance, or one
            that is loaded already. Its fingerprint must be the recorded one.
        device: "cpu", "cuda", …; None: CPU.

    Raises:
        RunError: no run, an incomplete one, or weights that do not fit.
        FingerprintError: another encoder.
        PluginError: the modality's plugin is not installed.
    """
    from mt_core.training.run import load_run

    return load_run(folder, encoder=encoder, device=device)


def embed(
    model: MetaTransformer,
    sources: Any,
    *,
    pool: Pool | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    precision: Precision = "32",
    strict: bool = False,
    show_progress: bool = False,
) -> np.ndarray:
    """Vectors of files or objects, in memory; `embed_files` writes those of many files to Parquet.

    Args:
        model: From `load` or `load_run`.
        sources: One source or several: paths, a folder, a pattern, whatever the modality's tokenizer reads from memory,
            and sequences, iterators, columns and batches of these; see `mt_core.data.inputs.as_sources`.
        pool: See `Features.pool`; None: of a model that was not trained [CLS] and mean of the blocks at each quarter of
            the encoder (unless `load` was given `layers`), of one that was the mean of the last block; of a head that
            makes vectors of its own (retrieval, alignment) those, of length 1.
        batch_size: Samples encoded at a time.
        num_workers: Worker processes that read; 0: this process reads, which a file that crashes its reader ends.
        precision: "32"; "bf16" where the machine has it; "auto": the fastest here whose vectors stay those of "32",
            measured once (docs/precision.md).
        strict: Whether it is an error where something is left out of a source or reinterpreted; else a `DataWarning`
            reports it.
        show_progress: On standard error, in a notebook below the cell.

    Returns:
        (rows, width) float32, in order; a source that holds many samples (a table) gives as many rows.

    Raises:
        InputError: a source that cannot be read. `embed_files` skips and lists those.
    """
    how: dict[str, Any] = {"num_workers": num_workers, "precision": precision, "strict": strict}
    return embed_in_memory(model, sources, pool=pool, batch_size=batch_size, show_progress=show_progress, **how)


def predict(
    model: MetaTransformer,
    sources: Any,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    precision: Precision = "32",
    strict: bool = False,
    each: bool = False,
    show_progress: bool = False,
) -> list[dict[str, Any]]:
    """Predictions for files or objects, one a sample: `source`, `row` and what the head's `decode` gives.

    Args:
        num_workers, precision, strict, show_progress: As for `embed`.
        each: Of items that have several inputs also `contributions`: by input, how much it changes the prediction
            (`mt_core.embedding.contributions`).

    Raises:
        InputError: a source that cannot be read.
        OptionError: a model without a head.
    """
    how: dict[str, Any] = {"num_workers": num_workers, "precision": precision, "strict": strict, "each": each}
    return predict_in_memory(model, sources, batch_size=batch_size, show_progress=show_progress, **how)


def fit(
    model: MetaTransformer,
    data: Any,
    targets: Any = None,
    *,
    val: Any = None,
    task: AnyTask | str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    data_options: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    strict: bool = False,
    show_progress: bool = False,
    **settings: Any,
) -> FitResult:
    """Train a model's tokenizer and head; the encoder stays frozen.

    Args:
        model: From `load` or `load_run`; it is left with the weights of the epoch that was kept.
        data: The training data: a folder that the plugin knows, a dataset, a list of `Example`s, or samples: arrays,
            texts, paths, the rows of a data frame.
        targets: Of samples, one each; see `mt_core.data.in_memory.in_memory` for what they are taken for. Where `data`
            is a dataset, the same as `val`.
        val: What selects the model: a dataset, a list of `Example`s, or (samples, targets); None: a folder's "val"
            split, or a seeded part of the training data.
        task: Of samples: "classification", "regression" or "multilabel" where the targets do not tell; or a task.
        out: The run folder; None: none is kept.
        resume: Go on with the interrupted run in `out`.
        overwrite: Replace a run in `out`.
        data_options: The dataset's options, for a folder. One that the tokenizer has as well (the length of a window,
            the columns to read) is given once: here, or to `load`.
        recipe: All settings at once, in place of the modality's defaults with `settings`, which are fields of `Recipe`.
        strict: Whether it is an error where something is left out of the data or reinterpreted; else a `DataWarning`
            and the result's `notices` report it.
        show_progress: On standard error, in a notebook below the cell.

    Raises:
        OptionError: a setting that does not fit, or targets that are of no task.
        DatasetError: a folder in no known layout.
        RunError: a run folder that is in the way, or cannot be resumed.
        FingerprintError: the frozen encoder is not, byte for byte, what it was before.
        MtError: a sample that cannot be read.
    """
    from mt_core.training import fit

    if isinstance(data, ModalityDataset) and targets is not None and val is None:
        targets, val = None, targets
    train = data if _is_dataset(data) and targets is None else in_memory(data, targets, task=task)
    if val is not None and not isinstance(val, ModalityDataset):
        samples, known = val if isinstance(val, tuple) and len(val) == 2 else (val, None)
        val = in_memory(samples, known, task=train.task if isinstance(train, ModalityDataset) else None)
    return fit(
        model,
        train,
        val,
        out=out,
        resume=resume,
        overwrite=overwrite,
        data_options=data_options,
        recipe=recipe,
        strict=strict,
        show_progress=show_progress,
        **settings,
    )


def evaluate(
    model: MetaTransformer,
    data: Any,
    split: Any = None,
    *,
    data_options: Mapping[str, Any] | None = None,
    batch_size: int = 64,
    num_workers: int | None = None,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    skip_unreadable: bool = False,
    precision: Precision = "32",
    strict: bool = False,
    show_progress: bool = False,
    controls: bool = False,
    control_seeds: int = 1,
    control_minutes: float | None = None,
    train_data: str | Path | None = None,
) -> dict[str, float]:
    """Metrics of a trained model on labelled data.

    Args:
        data: As for `fit`.
        split: Of samples, their targets. For a folder its part; None: "test" where there is one, else what the model
            has not seen, else "val", else everything, with a warning where that was trained on.
        data_options: The dataset's own options, for a folder; those that the model was trained with stand unless they
            are named here.
        batch_size: Samples measured at a time.
        num_workers: Processes that read files; None: one less than the cores, at least 1 and at most 4.
        seconds_a_sample: How long the reading of one sample may take.
        skip_unreadable: Leave out samples that cannot be read, with a warning.
        precision: As for `embed`.
        strict: As for `fit`.
        show_progress: On standard error, in a notebook below the cell.
        controls: Train the same on random weights and without an encoder, and the modality's native baseline, on the
            samples that the model was trained on, and measure them on the same samples.
        control_seeds: How many trainings of each, and of the model itself.
        control_minutes: That each of them may take; None: twice what the model's own took.
        train_data: Where the training data of a run lie now; None: where they lay.

    Returns:
        Metrics by name, `loss`, and `samples`, the number of samples measured. With `controls` they have an attribute
        of this name, with `lines()`, a printable table, and `verdict()`, one sentence on what the encoder adds.

    Raises:
        OptionError: a model without a head, data of another task than the model's, or an option that does not fit.
        MissingDependencyError: controls without scikit-learn, where the modality has a native baseline.
        MtError: a sample that cannot be read.
    """
    from mt_core.training import evaluate

    if not _is_dataset(data) or not isinstance(split, str | None):
        data, split = in_memory(data, split, task=model.require_head().task), None
    how: dict[str, Any] = {
        "batch_size": batch_size,
        "num_workers": num_workers,
        "seconds_a_sample": seconds_a_sample,
        "skip_unreadable": skip_unreadable,
        "precision": precision,
        "data_options": data_options,
        "strict": strict,
        "show_progress": show_progress,
    }
    if not controls:
        return evaluate(model, data, split, **how)
    from mt_core.training.controls import evaluate_with_controls

    more: dict[str, Any] = {"seeds": control_seeds, "minutes": control_minutes, "train_data": train_data}
    return evaluate_with_controls(model, data, split, **more, **how)


def _is_dataset(data: Any) -> bool:
    """A dataset, or the path of one; and not samples."""
    return isinstance(data, str | Path | ModalityDataset)
