"""The folders and archives that public data sets of radiographs ship in, one kind a file."""

from mt_plugin_xray.layouts.chestxray14 import find_chestxray14
from mt_plugin_xray.layouts.chexpert import find_chexpert
from mt_plugin_xray.layouts.medmnist import find_medmnist

__all__ = ["find_chestxray14", "find_chexpert", "find_medmnist"]
