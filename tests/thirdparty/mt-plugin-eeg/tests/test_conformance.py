"""What every plugin promises."""

from mt_core.testing import conformance

test_eeg = conformance("eeg")
