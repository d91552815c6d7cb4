"""What goes wrong with an index."""

from mt_core.errors import MtError


class SearchError(MtError):
    """Vectors that cannot be put into an index, or an index that cannot be written, read or searched."""
