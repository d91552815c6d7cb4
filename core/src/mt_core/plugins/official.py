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

OFFICIAL_COMMANDS = {"adapt": "mt-pretrain", "pretrain": "mt-pretrain"}
"""The distribution of each command that is not the core's own."""


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
