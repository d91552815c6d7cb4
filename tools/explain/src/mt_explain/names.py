"""Names that the command needs before torch is imported."""

METHODS = ("auto", "occlusion", "integrated-gradients", "gradient", "rollout")
DEFAULT_METHOD = "auto"

MOST_OCCLUDED = 96
"""Parts up to which `auto` is occlusion: it runs the encoder forward once a part, and integrated gradients forward and
back 32 times, which is as much."""

UNSIGNED = ("rollout",)
"""The methods that do not tell for from against."""
