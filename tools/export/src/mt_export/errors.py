"""What goes wrong with an export."""

from mt_core.errors import MtError


class ExportError(MtError):
    """A model that cannot be exported, or a file that does not compute what the model does."""
