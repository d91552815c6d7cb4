"""What the numbers of public ground truths mean."""

from __future__ import annotations

from collections.abc import Sequence

INDIAN_PINES = (
    "Alfalfa", "Corn-notill", "Corn-mintill", "Corn", "Grass-pasture", "Grass-trees", "Grass-pasture-mowed",
    "Hay-windrowed", "Oats", "Soybean-notill", "Soybean-mintill", "Soybean-clean", "Wheat", "Woods",
    "Buildings-Grass-Trees-Drives", "Stone-Steel-Towers",
)  # fmt: skip
PAVIA_UNIVERSITY = (
    "Asphalt", "Meadows", "Gravel", "Trees", "Painted metal sheets", "Bare Soil", "Bitumen", "Self-Blocking Bricks",
    "Shadows",
)  # fmt: skip
SALINAS = (
    "Brocoli_green_weeds_1", "Brocoli_green_weeds_2", "Fallow", "Fallow_rough_plow", "Fallow_smooth", "Stubble",
    "Celery", "Grapes_untrained", "Soil_vinyard_develop", "Corn_senesced_green_weeds", "Lettuce_romaine_4wk",
    "Lettuce_romaine_5wk", "Lettuce_romaine_6wk", "Lettuce_romaine_7wk", "Vinyard_untrained",
    "Vinyard_vertical_trellis",
)  # fmt: skip
_OF_SCENE = {
    "indian_pines": INDIAN_PINES,
    "indian_pines_corrected": INDIAN_PINES,
    "paviau": PAVIA_UNIVERSITY,
    "salinas": SALINAS,
    "salinas_corrected": SALINAS,
}
"""By the name of the scene's file. Source: M. Graña, M. A. Veganzons, B. Ayerdi, Hyperspectral Remote Sensing Scenes,
Grupo de Inteligencia Computacional, University of the Basque Country."""

_LARGEST = 2**16 - 2  # one more is left for pixels without data

ANOMALIES = ("background", "anomaly")
"""0 and 1 of the maps of ABU."""

INDIAN_PINES_FIXED = (
    "Corn Notill", "Corn Mintill", "Corn", "Grass Pasture", "Grass Trees", "Hay Windrowed", "Soybean Notill",
    "Soybean Mintill", "Soybean Clean", "Wheat", "Woods", "Buildings Grass Trees Drives", "Stone Steel Towers",
    "Alfalfa", "Grass Pasture Mowed", "Oats",
)  # fmt: skip
INDIAN_PINES_FIXED_COUNTS = (50,) * 13 + (15,) * 3
"""Classes of the fixed 695 training pixels, in their own order.
Source: Hong et al. 2021, arXiv:2107.02988, the table of the classes of Indian Pines."""


def class_names(stem: str, labels: Sequence[int]) -> tuple[str, ...]:
    """A name for each of the labels that occur, in their order: of a known scene its own, else the number.

    Args:
        stem: Name of the scene's file without its suffix.
    """
    known = _OF_SCENE.get(stem.lower(), ())
    if known and max(labels) <= len(known):
        return tuple(known[label - 1] for label in labels)
    return tuple(str(label) for label in labels)


def numbers_of_classes(classes: Sequence[str]) -> tuple[int, ...]:
    """The number that stands for each class in a ground truth: of classes that are called by numbers that number, of a
    known scene its own, of anomalies 1 and of their background 0, else 1, 2 and so on; also where a number would need
    more than 16 bits, or stand for two."""
    called = [int(name) for name in classes if name.isascii() and name.isdigit() and len(name) < 6]
    if len(set(called)) == len(classes) and max(called) <= _LARGEST:
        return tuple(called)
    if set(classes) <= set(ANOMALIES):
        return tuple(ANOMALIES.index(name) for name in classes)
    for known in _OF_SCENE.values():
        if set(classes) <= set(known):
            return tuple(known.index(name) + 1 for name in classes)
    return tuple(range(1, len(classes) + 1))
