"""The conformance suite: one list of checks that every plugin has to pass, run in three ways.

from mt_core.conformance import conformance
test_sonar = conformance("sonar")         # pytest: a plugin's whole tests/test_conformance.py

mt check sonar [--json FILE] [--markdown] # the command line

from mt_core.conformance import check_modality
check_modality("sonar").badge             # Python: "41/43 · 2 known deviations"
"""

from mt_core.conformance.check import Check, Failed, check, expect
from mt_core.conformance.pytest_adapter import conformance
from mt_core.conformance.report import Report, Result
from mt_core.conformance.suite import CHECKS, SuiteRunner, check_modality

__all__ = [
    "CHECKS",
    "Check",
    "Failed",
    "Report",
    "Result",
    "SuiteRunner",
    "check",
    "check_modality",
    "conformance",
    "expect",
]
