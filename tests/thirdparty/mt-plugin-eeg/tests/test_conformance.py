"""What every plugin promises."""

from mt_core.conformance import conformance

test_eeg = conformance("eeg")
