"""What `mt new` writes: `template/` is a whole plugin for a modality called sonar, and `write_plugin` renames it."""

from mt_core.scaffold.writing import Naming, naming, write_plugin

__all__ = ["Naming", "naming", "write_plugin"]
