"""A run as one HTML file that opens offline, and runs side by side.

    written = write_report("runs/x", "x.html")
    written.headline
    compare_runs(["runs/x", "runs/y"]).are_comparable

Importing this package imports nothing heavy; a name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_report.comparing.contenders import RunComparison as RunComparison
    from mt_report.comparing.measuring import compare_runs as compare_runs
    from mt_report.errors import ReportError as ReportError
    from mt_report.report import Report as Report
    from mt_report.report import write_report as write_report

_HOME = {
    "Report": "report",
    "ReportError": "errors",
    "RunComparison": "comparing.contenders",
    "compare_runs": "comparing.measuring",
    "write_report": "report",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
