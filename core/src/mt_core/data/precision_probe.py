"""How fast and how exact an encoder is on this machine, by each way of computing it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from mt_core.contract import Features, Tokens
from mt_core.data.precision import has_bf16
from mt_core.data.probe_tokens import probe_tokens
from mt_core.encoder import Encoder
from mt_core.encoder.backends import first_line, make_runner
from mt_core.errors import MtError

REPEATS = 3
_MOST_ROWS, _FEWEST_ROWS, _SECONDS = 32, 4, 0.4
_SEED_OF_PROBE, _SEED_OF_CALIBRATION = 0, 1


@dataclass(frozen=True)
class Measured:
    """One way of computing an encoder.

    Attributes:
        precision: Its name.
        seconds: Of the probe batches, the least of several times; on a CPU the time of the process, which a busy
            machine changes little. None where it does not work.
        cosine: The smallest of all probe samples, of [CLS] and of the mean of the tokens at each layer in use, to
            those of 32; None where it does not work.
        problem: Why it does not work; empty where it does.
    """

    precision: str
    seconds: float | None = None
    cosine: float | None = None
    problem: str = ""


def calibration_tokens(encoder: Encoder) -> list[Tokens]:
    """What int8 is made for: drawn as the probe samples are, from another seed."""
    return probe_tokens(encoder, _MOST_ROWS, seed=_SEED_OF_CALIBRATION)


def measure(encoder: Encoder, precisions: Sequence[str]) -> list[Measured]:
    """Each of these precisions, and 32 before them, in turn on the same tokens.

    What cannot be made, fails, or gives something that is not finite, has a `problem` and ends nothing. All on one
    thread: on a busy machine the threads of torch burn the time in which they wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(encoder, precisions)
    finally:
        torch.set_num_threads(threads)


def _measure(encoder: Encoder, precisions: Sequence[str]) -> list[Measured]:
    exact = encoder.with_runner(None)
    device = next(encoder.parameters()).device
    batches = probe_tokens(encoder, _rows_in_time(exact), seed=_SEED_OF_PROBE)
    expected = _vectors(exact, batches)
    runs: dict[str, Callable[[Tokens], Features]] = {"32": exact}
    cosines: dict[str, float] = {"32": 1.0}
    problems: dict[str, str] = {}
    for precision in precisions:
        try:
            run = _run_of(encoder, precision, device)
            cosines[precision] = lowest_cosine(_vectors(run, batches), expected)
            runs[precision] = run
        except MtError as error:
            problems[precision] = error.problem
        except Exception as error:  # whatever a runtime raises
            problems[precision] = first_line(error)
        if math.isnan(cosines.get(precision, 0.0)):
            problems[precision] = "it gives numbers that are not finite"
            del runs[precision]
    seconds = _times(runs, batches)
    return [
        Measured(name, problem=problems[name]) if name in problems else Measured(name, seconds[name], cosines[name])
        for name in ["32", *precisions]
    ]


def lowest_cosine(vectors: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The smallest cosine of any row of any of them, nan where one is not finite."""
    pairs = zip(vectors, expected, strict=True)
    cosines = [cosine_similarity(given.double(), exact.double(), dim=-1).flatten() for given, exact in pairs]
    return float(torch.cat(cosines).min())


def autocast_of(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """What torch computes in; the other backends say it themselves."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def _run_of(encoder: Encoder, precision: str, device: torch.device) -> Callable[[Tokens], Features]:
    if precision == "bf16":

        def rounded(tokens: Tokens) -> Features:
            with autocast_of("bf16", device):
                features: Features = encoder.with_runner(None)(tokens)
            return features

        return rounded
    runner = make_runner(encoder, precision, calibration_tokens(encoder), has_bf16=has_bf16(device))
    return encoder.with_runner(runner)


def _vectors(run: Callable[[Tokens], Features], batches: Sequence[Tokens]) -> list[Tensor]:
    """[CLS] and mean of all batches, (R, layers, D) each."""
    vectors = []
    with torch.inference_mode():
        for batch in batches:
            features = run(batch)
            pools = ["mean"] if features.cls is None else ["mean", "cls"]
            vectors += [
                _by_layer(features.pool(pool), batch.values.shape[-1])  # type: ignore[arg-type]
                for pool in pools
            ]
    return vectors


def _by_layer(vectors: Tensor, width: int) -> Tensor:
    """(R, layers * D) to (R, layers, D)."""
    return vectors.view(len(vectors), -1, width)


def _rows_in_time(exact: Encoder) -> int:
    """How many rows the first batch may have, so that 32 takes no longer than a batch of a small encoder."""
    batches = probe_tokens(exact, _FEWEST_ROWS, seed=_SEED_OF_PROBE)[:1]
    with torch.inference_mode():
        exact(batches[0])
    seconds = _times({"32": exact}, batches, repeats=1)["32"]
    return max(_FEWEST_ROWS, min(_MOST_ROWS, int(_FEWEST_ROWS * _SECONDS / seconds)))


def _times(
    runs: dict[str, Callable[[Tokens], Features]], batches: Sequence[Tokens], repeats: int = REPEATS
) -> dict[str, float]:
    """The least time of each, in seconds; run in turn, so that a busy moment meets all."""
    best = dict.fromkeys(runs, float("inf"))
    is_cuda = batches[0].values.is_cuda
    clock = time.perf_counter if is_cuda else time.process_time
    with torch.inference_mode():
        for _ in range(repeats):
            for name, run in runs.items():
                begun = clock()
                for batch in batches:
                    run(batch)
                if is_cuda:
                    torch.cuda.synchronize()
                best[name] = min(best[name], max(clock() - begun, 1e-6))
    return best
