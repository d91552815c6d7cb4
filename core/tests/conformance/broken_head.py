"""A broken plugin for each check of the family `head`."""

from .conftest import Change

RECIPE = "epochs = 4 }"


def head(*lines: str) -> list[Change]:
    """The specimen with a head of its own, in which something is wrong."""
    top = "import torchmetrics\n\nfrom mt_core import heads\n\n\nclass BagHead(heads.ClassificationHead):\n"
    return [
        Change("head.py", "", top + "".join(f"    {line}\n" for line in lines)),
        Change("plugin.toml", "mt_core.heads:ClassificationHead", "mt_plugin_specimen.head:BagHead"),
    ]


BROKEN: dict[str, list[Change]] = {
    "the_plugins_head_accepts_the_demos_task": head('kinds = ("regression",)'),
    "head_options_of_the_recipe_exist": [Change("plugin.toml", RECIPE, "epochs = 4, head = { dropuot = 0.1 } }")],
    "loss_is_finite_and_differentiable": head(
        "def loss(self, output, target):", "    return super().loss(output, target).unsqueeze(0)"
    ),
    "missing_targets_add_nothing_to_the_loss": head(
        "def loss(self, output, target):", "    return super().loss(output, target.clamp(min=0))"
    ),
    "predictions_fit_the_task": head(
        "def decode(self, output):", '    return [{"prediction": index} for index in output.argmax(-1).tolist()]'
    ),
    "metrics_are_documented": head(
        "def metrics(self):",
        "    hits = torchmetrics.classification.MulticlassAccuracy(2)",
        '    return torchmetrics.MetricCollection({"accuracy": hits.clone(), "hits": hits})',
    ),
    "the_baseline_has_finite_metrics": head(
        "def baseline(self, known, target):", "    return super().baseline(known, target)[:1]"
    ),
    "a_head_is_restored_from_its_options": head("def load_state_dict(self, state):", "    return None"),
}
