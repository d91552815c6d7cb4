"""The project's evidence again, from one list of datasets (`evidence_datasets.py`), and the tables of docs/evidence.md.

    MT_DATA=... python benchmarks/evidence.py all [--only fsdd/untrained/mt-tiny] [--minutes 30] [--jobs 2] [--full]
    python benchmarks/evidence.py table    the tables between the markers of docs/evidence.md, and its figure
    python benchmarks/evidence.py cost     ratios of time and memory, from the scripts of speed
    python benchmarks/evidence.py prune    forget what was measured again since, and other weights of mt-tiny

Every measurement is a line in `benchmarks/results`, found again by dataset, regime, arm, seed, labels, a hash of the
recipe, the encoder's fingerprint and a hash of the data: what is on record is not measured again, so a killed run goes
on with the same command, and other weights are measured again, with their own choices on validation data. `--only`
takes patterns of dataset/regime/arm ("*/few/mt-tiny"), may be given several times. Regimes: untrained, few, full (with
`--full`, takes hours). Several processes may run side by side.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from fnmatch import fnmatch
from multiprocessing import get_context
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
REGIMES = ("untrained", "few", "full")
Task = tuple[str, str, str]
"""Dataset, regime, arm."""


def tasks(only: Iterable[str], *, full: bool) -> list[Task]:
    """What there is to measure, the dearest first, so that two processes end together."""
    from evidence_datasets import DATASETS
    from evidence_vectors import ARMS

    found = []
    for name, evidence in DATASETS.items():
        has = {"untrained": True, "few": evidence.few is not None, "full": evidence.is_trained and full}
        found += [(name, regime, arm) for regime in REGIMES if has[regime] for arm in ARMS]
    asked = [f"{pattern}{'/*' * (2 - pattern.count('/'))}" for pattern in only] or ["*/*/*"]
    found = [task for task in found if any(fnmatch("/".join(task), pattern) for pattern in asked)]
    found = [task for task in found if task[1:] != ("full", "native")]
    return sorted(found, key=lambda task: (REGIMES.index(task[1]), -_cost(task[0])))


def _cost(name: str) -> int:
    from evidence_datasets import DATASETS

    evidence = DATASETS[name]
    return (evidence.most_train + evidence.most_test) * (7 if evidence.modality == "timeseries" else 1)


def run(task: Task, tiny: str, until: float, num_seeds: int) -> list[str]:
    """Measure what is not on record; a line of text for each measurement but those with all labels."""
    import evidence_few
    import evidence_similarity
    import evidence_untrained
    from evidence_datasets import DATASETS
    from evidence_full import measure_and_record
    from evidence_records import Records

    name, regime, arm = task
    if regime == "full":
        measure_and_record(name, arm, RESULTS / "evidence.jsonl", tiny, until, num_seeds)
        return []
    untrained = evidence_untrained if DATASETS[name].is_trained else evidence_similarity
    measure = evidence_few.measure if regime == "few" else untrained.measure
    lines = []
    for line in measure(name, arm, Records(RESULTS / f"{regime}.jsonl"), tiny, until):
        key = line.key
        numbers = " ".join(f"{metric} {found.value:.4g}" for metric, found in line.metrics.items())
        labels = "" if key.labels is None else f" {key.labels} labels {line.about['way']}"
        lines.append(f"{name}/{key.regime}/{arm} seed {key.seed}{labels}: {numbers}, {line.seconds:.1f} s")
        print(lines[-1], flush=True)
    return lines


def measure_all(arguments: argparse.Namespace) -> int:
    """1 where something failed."""
    from machine import machine

    print(machine())
    started = time.monotonic()
    until = started + 60 * arguments.minutes
    todo, failed, count = tasks(arguments.only, full=arguments.full), [], 0
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as processes:
        running = {processes.submit(run, task, arguments.tiny, until, arguments.seeds): task for task in todo}
        for done in as_completed(running):
            try:
                count += len(done.result())
            except Exception as error:  # the others go on
                failed.append(running[done])
                print(f"{'/'.join(running[done])} failed: {type(error).__name__}: {error}", flush=True)
    late = ", some are left for lack of time" if time.monotonic() > until else ""
    print(f"{count} measurements in {(time.monotonic() - started) / 60:.1f} minutes{late}, {len(failed)} failed")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["all", "table", "cost", "prune"])
    parser.add_argument("--only", action="append", default=[], metavar="DATASET/REGIME/ARM")
    parser.add_argument("--minutes", type=float, default=1e6, help="Begin nothing after so long.")
    parser.add_argument("--jobs", type=int, default=1, help="Processes, each with one thread.")
    parser.add_argument("--full", action="store_true", help="With all labels too, which takes hours.")
    parser.add_argument("--seeds", type=int, default=3, help="With all labels: the first so many.")
    parser.add_argument("--tiny", default="mt-tiny", metavar="FILE", help="Other weights to measure as mt-tiny.")
    arguments = parser.parse_args()
    if arguments.what == "all":
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        return measure_all(arguments)
    import evidence_cost
    import evidence_page

    commands = {"table": evidence_page.write, "cost": evidence_cost.cost, "prune": evidence_page.prune}
    commands[arguments.what]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
