"""Which of the lines on record count, and what follows from them: means, differences, intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence_datasets import DATASETS, Evidence
from evidence_intervals import Estimate, Seeds, difference, mean_over_seeds
from evidence_records import Line

CONTROLS = ("random", "none")
ENCODERS = ("mt-tiny", *CONTROLS)
LESS_IS_BETTER = ("RMSE", "MSE")


@dataclass(frozen=True)
class Compared:
    """The arms of one dataset, and of one number of labels.

    Attributes:
        lines: Of each arm, those of each seed.
        labels: See `Key`.
    """

    dataset: str
    labels: int | None
    lines: dict[str, list[Line]]

    @property
    def evidence(self) -> Evidence:
        return DATASETS[self.dataset]

    @property
    def first(self) -> Line:
        return next(iter(self.lines.values()))[0]

    @property
    def unit(self) -> str:
        return str(self.first.about["unit"])

    @property
    def sign(self) -> int:
        """-1 where less is better."""
        return -1 if self.unit in LESS_IS_BETTER else 1

    def seeds(self, arm: str, metric: str | None = None) -> Seeds:
        """By seed, one metric of an arm: as named, or its only one; {} where it was not measured."""
        found = {}
        for line in self.lines.get(arm, []):
            name = metric if metric is not None else next(iter(line.metrics))
            if name in line.metrics:
                found[line.key.seed] = line.metrics[name]
        return found

    def mean(self, arm: str, metric: str | None = None) -> Estimate | None:
        seeds = self.seeds(arm, metric)
        return mean_over_seeds(seeds) if seeds else None

    def gain(self, control: str, metric: str | None = None) -> Estimate | None:
        """By how much mt-tiny is better than a control."""
        own, other = self.seeds("mt-tiny", metric), self.seeds(control, metric)
        if not own or not other:
            return None
        return difference(own, other) if self.sign > 0 else difference(other, own)

    def is_ahead(self, controls: Sequence[str] = CONTROLS, metric: str | None = None) -> bool | None:
        """Whether mt-tiny is better than all of these, each interval above 0; None where one is not measured."""
        gains = [self.gain(control, metric) for control in controls]
        if any(gain is None for gain in gains):
            return None
        return all(gain is not None and gain.low > 0 for gain in gains)


def selected(lines: Iterable[Line], regime: str, tiny: str) -> list[Compared]:
    """The datasets of a regime in the order of modalities, of each seed the last line that was added.

    Args:
        tiny: The fingerprint of mt-tiny. Lines of other weights count where there is none of these.
    """
    last = {}
    of_regime = [line for line in lines if line.key.regime == regime and line.key.dataset in DATASETS]
    own = [line.key.fingerprint for line in of_regime if line.key.arm == "mt-tiny"]
    fingerprint = measured_fingerprint(own, tiny)
    for line in of_regime:
        key = line.key
        if key.arm != "mt-tiny" or key.fingerprint == fingerprint:
            view = line.about.get("view") if key.arm in CONTROLS and regime == "untrained" else None
            last[key.dataset, key.labels, key.arm, view, key.seed] = line
    compared = []
    for dataset, labels in dict.fromkeys((dataset, labels) for dataset, labels, *_ in last):
        found = [line for key, line in last.items() if key[:2] == (dataset, labels)]
        data = found[-1].key.data
        compared.append(Compared(dataset, labels, _by_arm([line for line in found if line.key.data == data])))
    order = list(DATASETS)
    modalities = list(dict.fromkeys(evidence.modality for evidence in DATASETS.values()))
    return sorted(
        compared,
        key=lambda one: (modalities.index(one.evidence.modality), order.index(one.dataset), one.labels or 0),
    )


def _by_arm(lines: Sequence[Line]) -> dict[str, list[Line]]:
    """The lines of each arm; of a control in several views those of the view that it does best in."""
    of_view: dict[tuple[str, str | None], list[Line]] = {}
    for line in lines:
        of_view.setdefault((line.key.arm, line.about.get("view")), []).append(line)
    best: dict[str, list[Line]] = {}
    for (arm, _), found in of_view.items():
        if arm not in best or _mean(found) > _mean(best[arm]):
            best[arm] = found
    return best


def _mean(lines: Sequence[Line]) -> float:
    """Of the first metric, greater where it is better."""
    sign = -1 if lines[0].about["unit"] in LESS_IS_BETTER else 1
    return sign * sum(next(iter(line.metrics.values())).value for line in lines) / len(lines)


def measured_fingerprint(fingerprints: Sequence[str], tiny: str) -> str:
    """That of mt-tiny where it is among these, else the last one; "" of none."""
    return tiny if tiny in fingerprints or not fingerprints else fingerprints[-1]
