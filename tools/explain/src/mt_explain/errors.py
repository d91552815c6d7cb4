"""What goes wrong with an explanation."""

from mt_core.errors import MtError


class ExplainError(MtError):
    """A prediction that cannot be explained in the way that was asked for, or a file that cannot be written."""
