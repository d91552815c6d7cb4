"""What the checks of packaging notice beside the one fault each in `broken_packaging.py`, and what they let pass."""

import ast

import pytest

from mt_core.conformance import CHECKS, SuiteRunner
from mt_core.conformance.checks import source

from .broken_packaging import dataset_option, manifest_with, wheel_with
from .conftest import Change, result_of

PYPROJECT = "/pyproject.toml"
DEPENDENCIES = '"mt-core>=0.1,<0.2", "numpy>=1.26"'
ENTRY_POINT = 'specimen = "mt_plugin_specimen:plugin.toml"'
DOCSTRING = 'of any number of channels."""\n'


def requiring(text: str) -> Change:
    return Change(PYPROJECT, DEPENDENCIES, text)


def package_with(text: str) -> Change:
    return Change("__init__.py", DOCSTRING, f"{DOCSTRING}\n{text}\n")


def deviating_from(*names: str) -> Change:
    tables = "".join(f'\n[[deviations]]\ncheck = "{name}"\nreason = "so"\n' for name in names)
    return Change("plugin.toml", "epochs = 4 }\n", "epochs = 4 }\n" + tables)


FAULTS = {
    "an option of the dataset that nobody describes": (
        "options_have_defaults_and_descriptions",
        dataset_option("largest: int = 9"),
        "the options largest have no default or no description",
    ),
    "an option of the dataset without a default": (
        "options_have_defaults_and_descriptions",
        dataset_option("largest: int = Field(description='Readings of a bag, at most.')"),
        "the options largest have no default or no description",
    ),
    "a misspelt key is reported with what is meant": (
        "manifest_has_no_unknown_keys",
        manifest_with('hook = "mt_plugin_specimen.hooks"\n'),
        "is hooks meant",
    ),
    "a module that the wheel lacks": (
        "the_wheel_holds_what_the_manifest_names",
        wheel_with('exclude = ["tokenizer.py"]\n'),
        "holds no mt_plugin_specimen/tokenizer.py",
    ),
    "an entry point of another name": (
        "the_wheel_holds_what_the_manifest_names",
        Change(PYPROJECT, ENTRY_POINT, ENTRY_POINT.replace("specimen =", "bags =")),
        "declares 0 entry points called specimen",
    ),
    "no name of a licence": (
        "a_licence_is_declared_and_shipped",
        Change(PYPROJECT, 'license = "Apache-2.0"\n', ""),
        "name no licence",
    ),
    "an empty licence": ("a_licence_is_declared_and_shipped", Change("/LICENSE", "", "\n"), "no text of its licence"),
    "a core without an upper bound": (
        "requirements_have_bounds",
        requiring('"mt-core>=0.1", "numpy>=1.26"'),
        "upper bound",
    ),
    "a requirement with an upper bound alone": (
        "requirements_have_bounds",
        requiring('"mt-core>=0.1,<0.2", "numpy<3"'),
        "numpy<3: there is no lower bound",
    ),
    "no core at all": ("requirements_have_bounds", requiring('"numpy>=1.26"'), "mt-core is not among"),
    "a Python with an upper bound alone": (
        "python_versions_are_declared",
        Change(PYPROJECT, 'requires-python = ">=3.11"', 'requires-python = "<4"'),
        "no lower bound",
    ),
    "an import of pydantic": (
        "importing_the_package_is_light",
        package_with("from pydantic import BaseModel"),
        "pydantic",
    ),
    "a deviation that cannot be waived": (
        "deviations_name_waivable_checks",
        deviating_from("padding_changes_nothing"),
        "cannot be waived",
    ),
    "a deviation declared twice": (
        "deviations_name_waivable_checks",
        deviating_from("py_typed_is_shipped", "py_typed_is_shipped"),
        "two deviations from py_typed_is_shipped",
    ),
    "a misspelt deviation": (
        "deviations_name_waivable_checks",
        deviating_from("py_type_is_shipped"),
        "is py_typed_is_shipped meant",
    ),
    "another plugin": (
        "only_public_names_of_the_core_are_imported",
        Change("dataset.py", "import numpy as np\n", "import numpy as np\nimport mt_plugin_image.tokenizer\n"),
        "mt_plugin_specimen/dataset.py:4 imports mt_plugin_image.tokenizer",
    ),
}


@pytest.mark.parametrize(("check", "change", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_reported(check, change, message, specimen):
    specimen(change)
    result = result_of(check)
    assert result.outcome == "failed"
    assert message in result.message


def test_a_deviation_of_a_capability_that_is_not_declared_is_reported(specimen):
    name = next(check.name for check in CHECKS if check.needs == "any_channels")
    specimen(deviating_from(name), Change("plugin.toml", '"any_channels", ', ""))
    assert "does not declare any_channels" in result_of("deviations_name_waivable_checks").message


VALID = {
    "a pinned requirement": ("requirements_have_bounds", requiring('"mt-core~=0.1.0", "numpy==2.0"')),
    "an extra without bounds": (
        "requirements_have_bounds",
        Change(
            PYPROJECT,
            "[project.entry-points",
            '[project.optional-dependencies]\nplots = ["matplotlib"]\n\n[project.entry-points',
        ),
    ),
    "the standard library and our errors": (
        "importing_the_package_is_light",
        package_with("import json\n\nfrom mt_core.errors import InputError"),
    ),
    "a classifier for a licence": (
        "a_licence_is_declared_and_shipped",
        Change(
            PYPROJECT,
            'license = "Apache-2.0"\n',
            'classifiers = ["License :: OSI Approved :: Apache Software License"]\n',
        ),
    ),
}


@pytest.mark.parametrize(("check", "change"), VALID.values(), ids=VALID)
def test_what_is_valid_passes(check, change, specimen):
    specimen(change)
    result = result_of(check)
    assert result.outcome == "passed", result.message


def test_a_build_that_fails_fails_all_that_needs_it_and_is_tried_once(specimen):
    root = specimen(Change(PYPROJECT, 'license = "Apache-2.0"', 'license = "Any you like"'))
    runner = SuiteRunner("specimen")
    results = []
    for check in (check for check in CHECKS if check.name in ("py_typed_is_shipped", "the_wheel_holds_one_package")):
        results.append(runner.run(check))
        (root / "pyproject.toml").unlink(missing_ok=True)
    assert [result.outcome for result in results] == ["failed", "failed"]
    assert results[0].message == results[1].message
    assert "cannot be built" in results[0].message


@pytest.mark.parametrize(
    "text",
    [
        "import mt_core as mt",
        "from mt_core import InputError",
        "from mt_core.contract import Tokenizer, Tokens",
        "from mt_core.errors import MtError",
        "from mt_core.hooks import hookimpl",
        "from mt_core.conformance import conformance",
        "from mt_core import sdk",
        "import mt_plugin_sonar.tokenizer",
        "from .tokenizer import Sonar",
        "import mt_corelli",
        "if TYPE_CHECKING:\n    from mt_core.encoder import Encoder",
        "if typing.TYPE_CHECKING:\n    from mt_core.encoder import Encoder",
    ],
)
def test_public_names_may_be_imported(text):
    assert all(source.is_public(name, "mt_plugin_sonar") for _, name in source.imports(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "import mt_core.model",
        "import mt_core.encoder as encoder",
        "from mt_core import encoder",
        "from mt_core.contract.tokenizer import Tokenizer",
        "from mt_core.plugins import get",
        "from mt_core.hooks.specs import hookimpl",
        "from mt_core.contract import seeded",
        "import mt_plugin_image",
        "from mt_plugin_image.tokenizer import ImageTokenizer",
        "def late():\n    from mt_core.model import load",
        "if not TYPE_CHECKING:\n    import mt_core.model",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import mt_core.model",
        "try:\n    pass\nexcept ImportError:\n    import mt_core.model",
    ],
)
def test_private_names_may_not_be_imported(text):
    assert not all(source.is_public(name, "mt_plugin_sonar") for _, name in source.imports(ast.parse(text)))
