"""What recorders write about their recordings: the rate, and the units of columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_HZ = {"": 1.0, "hz": 1.0, "khz": 1e3, "sps": 1.0, "1/s": 1.0, "samples/s": 1.0, "samples/sec": 1.0, "fps": 1.0}
_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "msec": 1e-3, "milliseconds": 1e-3, "s": 1.0, "sec": 1.0,
    "secs": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "minutes": 60.0,
}  # fmt: skip

_ABOUT = (
    r"(?:sampl\w*|acquisition|recording|logging|data|output|update|frame|scan|measurement|nominal|effective|sensor|"
    r"imu|acc\w*|gyr\w*|mag\w*|ecg|emg|eeg|device|signal|selected|of|the)"
)
_IN = r"(?:\s*[(\[]?\s*(?P<unit>[a-zµ/1]+)\s*[)\]]?)?"
_RATE_KEY = re.compile(rf"(?:{_ABOUT}[\s_-]*)*(?:rate|freq(?:uency)?|fs|sr|hz|odr|sfreq){_IN}", re.I)
_STEP_KEY = re.compile(
    rf"(?:{_ABOUT}|epoch|time)[\s_-]*(?:{_ABOUT}[\s_-]*)*(?:interval|period|step|length)"
    r"(?:\s*[(\[]?\s*(?P<unit>hh:mm:ss|[a-zµ]+)\s*[)\]]?)?",
    re.I,
)
_VALUE = re.compile(r"(?P<number>\d+(?:[.,]\d+)?|\.\d+)\s*(?P<unit>[a-zµ/1]*)\.?", re.I)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)")
_AT_HZ = re.compile(r"\bat (\d+(?:\.\d+)?) ?Hz\b")
_IN_JSON = re.compile(
    r"[\"'](?:sampl\w*[ _-]?(?:rate|freq\w*)|fs|sfreq|rate(?:_hz)?)[\"']\s*:\s*[\"']?(\d+(?:\.\d+)?)", re.IGNORECASE
)
_PAIR = re.compile(r"\s*(?P<key>[^:=]*?[^:=\s])\s*[:=]\s*(?P<value>.+?)\s*")
_KEY_AND_CLOCK = re.compile(r"(?P<key>.+?)\s+(?P<value>\d{1,2}:\d{2}:\d{2})")

_UNITS = frozenset(
    "s sec secs second seconds ms msec millisecond milliseconds us µs μs ns min minutes h hr hour hours d day days "
    "g mg m/s2 m/s^2 m/s² m/s/s m/(sec^2) m/(s^2) m/sec^2 rad rad/s rad/sec deg degrees deg/s deg/sec degrees/s dps ° "
    "°/s t mt ut µt μt nt gauss mgauss uv µv μv mv v volt volts ma a amps w kw mw kwh wh var kvar hz khz bpm rpm c °c "
    "degc deg_c deg c celsius f °f k kelvin pa hpa kpa mbar bar mmhg psi % percent m cm mm km ft km/h m/s kn kt mph "
    "w/m2 w/m^2 w/m² mm/h ppm ppb lux lx db dba n nm kg lb l ml l/min count counts adu lsb unitless none no_units au "
    "kts a.u. ts rn nmi hft yr mo dy mn degt".split()
)
_BRACKETED = re.compile(r"[(\[{].*[)\]}]")
_COMPOUND = re.compile(r"[a-zA-Zµμ°%]{1,6}[*·]?[/^²³][\w()^²³/-]{0,8}")
_CLOCK_PATTERN = re.compile(r"[ymdhs]{1,4}(?:[-/.: ]+[ymdhs]{1,4})+", re.I)


def is_unit(cell: str) -> bool:
    """Whether a cell is a unit, such as mV, (m/s^2), hh:mm:ss.mmm."""
    cell = cell.strip().strip("'\"").strip()
    return (
        cell.lower() in _UNITS
        or any(pattern.fullmatch(cell) for pattern in (_BRACKETED, _COMPOUND, _CLOCK_PATTERN))
    )  # fmt: skip


def are_units(cells: Iterable[str]) -> bool:
    """Whether at least half of the cells that say something are units."""
    said = [cell for cell in cells if cell.strip().strip("'\"")]
    return bool(said) and 2 * sum(map(is_unit, said)) >= len(said)


def stated_rate(line: str, cells: Iterable[str]) -> float | None:
    """The samples a second that a line above a table states: `Sample Rate: 100 Hz`, `Sampling interval (ms),10`,
    `… at 30 Hz …`, `Epoch Period (hh:mm:ss) 00:01:00`.

    Args:
        line: Without a mark of a comment.
        cells: Of it, by the separator of the table.

    Returns:
        Hz; None where it states none.
    """
    said = [cell.strip().strip("\"'").strip() for cell in cells]
    said = [cell for cell in said if cell]
    pairs = list(pairwise(said))
    for text in (line.strip().strip(",;\t "), *said):
        for pattern in (_PAIR, _KEY_AND_CLOCK):
            if match := pattern.fullmatch(text.strip("\"'")):
                pairs.append((match["key"], match["value"]))
    for key, value in pairs:
        rate = _rate_of(key.strip(), value.strip().strip("\"'").strip(",;\t "))
        if rate is not None:
            return rate
    match = _AT_HZ.search(line) or _IN_JSON.search(line)
    return float(match[1]) if match and float(match[1]) > 0 else None


def _rate_of(key: str, value: str) -> float | None:
    if match := _RATE_KEY.fullmatch(key):
        number = _number_in(value, match["unit"], _HZ)
        return number or None
    if match := _STEP_KEY.fullmatch(key):
        clock = _CLOCK.fullmatch(value)
        if clock:
            seconds: float | None = int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
        else:
            seconds = _number_in(value, match["unit"], _SECONDS)
            written = _VALUE.fullmatch(value)
            if written is not None and not (match["unit"] or written["unit"]):
                return None  # of what?
        return 1 / seconds if seconds else None
    return None


def _number_in(value: str, unit: str | None, factors: dict[str, float]) -> float | None:
    match = _VALUE.fullmatch(value)
    if match is None:
        return None
    factor = factors.get((match["unit"] or unit or "").lower()) if (match["unit"] or unit) else 1.0
    return None if factor is None else float(match["number"].replace(",", ".")) * factor
