"""What goes wrong with a report."""

from mt_core.errors import MtError


class ReportError(MtError):
    """A report that cannot be written."""
