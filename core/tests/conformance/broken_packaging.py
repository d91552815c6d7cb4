"""A broken plugin for each check of the family `packaging`."""

from .conftest import Change

SUMMARY = 'summary = "Bags of readings, for tests"\n'
PACKAGES = 'packages = ["src/mt_plugin_specimen"]\n'


def manifest_with(text: str) -> Change:
    return Change("plugin.toml", SUMMARY, SUMMARY + text)


def wheel_with(text: str) -> Change:
    return Change("/pyproject.toml", PACKAGES, PACKAGES + text)


def dataset_option(field: str) -> Change:
    """The dataset has one option."""
    options = f"class BagOptions(Options):\n    {field}\n\n\n"
    named = "class SpecimenDataset(ListedDataset):\n    Options = BagOptions\n"
    imports = "from pydantic import Field\n\nfrom mt_core.contract import Options\n\n\n"
    return Change("dataset.py", "class SpecimenDataset(ListedDataset):\n", imports + options + named)


BROKEN: dict[str, list[Change]] = {
    "manifest_has_no_unknown_keys": [manifest_with('picture = "mt_plugin_specimen.picture:write"\n')],
    "the_recipe_is_valid": [Change("plugin.toml", "lr = 5e-3", "learning_rate = 5e-3")],
    "options_have_defaults_and_descriptions": [
        Change("tokenizer.py", 'description="Standard deviation of the noise added in training."', 'description=""')
    ],
    "shared_options_are_the_same": [
        dataset_option("noise: float = Field(default=0.5, ge=0, description='Bags with more are left out.')"),
        Change("dataset.py", "def find(cls, root, split):", "def find(cls, root, split, *, options=None):"),
    ],
    "the_wheel_holds_what_the_manifest_names": [wheel_with('exclude = ["*.toml"]\n')],
    "py_typed_is_shipped": [Change("py.typed", "", None)],
    "a_licence_is_declared_and_shipped": [
        Change("/pyproject.toml", 'license-files = ["LICENSE"]', "license-files = []")
    ],
    "requirements_have_bounds": [Change("/pyproject.toml", '"numpy>=1.26"', '"numpy"')],
    "python_versions_are_declared": [Change("/pyproject.toml", 'requires-python = ">=3.11"\n', "")],
    "the_wheel_holds_one_package": [
        wheel_with(
            "\n[tool.hatch.build.targets.wheel.force-include]\n"
            '"src/mt_plugin_specimen/__init__.py" = "tests/__init__.py"\n'
        )
    ],
    "importing_the_package_is_light": [
        Change("__init__.py", 'of any number of channels."""\n', 'of any number of channels."""\n\nimport numpy\n')
    ],
    "the_contract_is_a_published_version": [Change("plugin.toml", 'contract = "1.0"', 'contract = "1.00"')],
    "deviations_name_waivable_checks": [
        Change(
            "plugin.toml",
            "epochs = 4 }\n",
            'epochs = 4 }\n\n[[deviations]]\ncheck = "the_moon_is_full"\nreason = "it is not"\n',
        )
    ],
    "only_public_names_of_the_core_are_imported": [
        Change(
            "dataset.py",
            "from mt_core.sdk import",
            "from mt_core.sdk.listing import sorted_names  # noqa: F401\nfrom mt_core.sdk import",
        )
    ],
}
