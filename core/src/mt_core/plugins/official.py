"""The modalities and commands that this project itself has a distribution for, installed or not."""

OFFICIAL = (
    "text",
    "image",
    "pointcloud",
    "audio",
    "video",
    "infrared",
    "hyperspectral",
    "xray",
    "imu",
    "tabular",
    "graph",
    "timeseries",
)

OFFICIAL_COMMANDS = {
    "adapt": "mt-pretrain",
    "align": "mt-fusion",
    "compare": "mt-report",
    "explain": "mt-explain",
    "export": "mt-export",
    "index": "mt-fusion",
    "pretrain": "mt-pretrain",
    "report": "mt-report",
    "search": "mt-fusion",
    "serve": "mt-serve",
    "zeroshot": "mt-fusion",
}
"""The distribution of each command that is not the core's own."""

OFFICIAL_ENGINES = {"ray": "mt-ray"}
"""The distribution of each engine that embeds on many machines."""


COMPOSING_INSTALL = "pip install mt-fusion"
"""What installs the plugin whose samples are made of inputs of other modalities."""


def official_distribution(modality: str) -> str:
    """What the official plugin of a modality is installed as."""
    return f"mt-plugin-{modality}"


def install_line(modality: str) -> str:
    """The command that installs the official plugin of a modality."""
    return f"pip install {official_distribution(modality)}"


USUAL_MODALITY = {
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"), "image"),
    **dict.fromkeys((".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet"), "tabular"),
    **dict.fromkeys((".txt",), "text"),
    **dict.fromkeys((".ts", ".arff", ".txt.gz"), "timeseries"),
}
"""What a suffix that several modalities read is taken for, where files are sorted by suffix; .npy may be anything."""
