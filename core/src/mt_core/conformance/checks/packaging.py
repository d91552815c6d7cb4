"""The plugin's distribution and manifest. The wheel is tested, not the folder that it is built from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic.fields import FieldInfo

from mt_core.conformance.check import check, expect
from mt_core.conformance.checks.source import PUBLIC, imports, is_public
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.new_process import run_python
from mt_core.contract.option_types import takes
from mt_core.errors import OptionError, nearest_name
from mt_core.plugins.discovery import GROUP
from mt_core.plugins.manifest import Manifest, unknown_keys
from mt_core.training.recipe import Recipe
from mt_core.version import CONTRACT_VERSIONS

_LICENCE_NAMES = ("licence", "license", "copying", "copyright", "notice", "unlicense")
_LOWER, _UPPER = {">=", ">", "~=", "==", "==="}, {"<=", "<", "~=", "==", "==="}
_IMPORT = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print("\\n" + json.dumps([name for name in sys.modules if name not in before]))
"""


@check()
def manifest_has_no_unknown_keys(plugin: PluginFixture) -> None:
    """The core knows every key of plugin.toml: one that is misspelt would be ignored."""
    unknown = unknown_keys(plugin.metadata.raw)
    near = [f"{key} ({_nearest(key)})" for key in unknown]
    expect(not unknown, f"plugin.toml has the unknown keys {', '.join(near)}: correct or remove them")


@check()
def the_recipe_is_valid(plugin: PluginFixture) -> None:
    """The `recipe` in plugin.toml consists of settings of `mt train`, with valid values."""
    try:
        Recipe.parse(plugin.manifest.recipe)
    except OptionError as error:
        expect(False, f"the recipe in plugin.toml: {error}")


@check()
def options_have_defaults_and_descriptions(plugin: PluginFixture) -> None:
    """Each option of tokenizer, dataset and head has a default, and a description for `mt info`."""
    every = [item for each in plugin.options_classes for item in each.model_fields.items()]
    incomplete = [name for name, field in every if field.is_required() or not (field.description or "").strip()]
    expect(
        not incomplete,
        f"the options {', '.join(incomplete)} have no default or no description: write "
        'Field(default=…, description="What it does, and its unit.")',
    )


@check()
def shared_options_are_the_same(plugin: PluginFixture) -> None:
    """An option that tokenizer and dataset share, which a user gives once, has the same type and default in both."""
    of_tokenizer, of_dataset = plugin.tokenizer_class.Options.model_fields, plugin.dataset_class.Options.model_fields
    shared = of_tokenizer.keys() & of_dataset
    different = [name for name in shared if _declared(of_tokenizer[name]) != _declared(of_dataset[name])]
    expect(
        not different,
        f"{', '.join(different)} of tokenizer and dataset differ in type or default: declare it alike, "
        "or give it two names if it has two meanings",
    )


@check()
def the_wheel_holds_what_the_manifest_names(plugin: PluginFixture) -> None:
    """The wheel declares the plugin's entry point, and holds the plugin.toml that it names and the modules of the
    plugin that plugin.toml names."""
    wheel, manifest = plugin.wheel, plugin.manifest
    declared = [point.value for point in wheel.distribution.entry_points.select(group=GROUP, name=manifest.name)]
    expect(
        len(declared) == 1,
        f"the wheel declares {len(declared)} entry points called {manifest.name} in the group {GROUP}: write one, "
        f'[project.entry-points."{GROUP}"] {manifest.name} = "{plugin.package}:plugin.toml"',
    )
    package, _, file = declared[0].partition(":")
    expect(
        f"{package.replace('.', '/')}/{file}" in wheel.names,
        f"the entry point is {declared[0]!r}, and the wheel holds no {file} in {package}: build it with hatchling, "
        "or add the file to [tool.setuptools.package-data]",
    )
    for reference in _references(manifest):
        module = reference.partition(":")[0]
        path = module.replace(".", "/")
        is_there = any(f"{path}{ending}" in wheel.names for ending in (".py", "/__init__.py", *EXTENSION_SUFFIXES))
        own = module.partition(".")[0] == plugin.package
        expect(is_there or not own, f"plugin.toml names {reference}, and the wheel holds no {path}.py: include it")


@check()
def py_typed_is_shipped(plugin: PluginFixture) -> None:
    """The wheel marks its package as typed by an empty file py.typed."""
    marker = f"{plugin.package}/py.typed"
    expect(marker in plugin.wheel.names, f"the wheel holds no {marker}: add an empty file of that name")


@check()
def a_licence_is_declared_and_shipped(plugin: PluginFixture) -> None:
    """The metadata name a licence, and the wheel holds its text."""
    wheel = plugin.wheel
    metadata = wheel.distribution.metadata
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License ::")]
    named = metadata.get("License-Expression") or metadata.get("License") or classifiers
    expect(bool(named), 'the metadata name no licence: write license = "Apache-2.0" (or yours) in pyproject.toml')
    texts = [name for name in wheel.info if name.rpartition("/")[2].lower().startswith(_LICENCE_NAMES)]
    texts += [name for name in wheel.info if name.partition("/")[2].startswith("licenses/")]
    expect(
        any((wheel.root / name).read_bytes().strip() for name in texts),
        "the wheel holds no text of its licence: put a file LICENSE beside pyproject.toml, and name it in "
        "`license-files` or leave that key out",
    )


@check()
def requirements_have_bounds(plugin: PluginFixture) -> None:
    """Every requirement outside extras has a lower bound. mt-core is one of them and has an upper bound too."""
    needed = list(_requirements(plugin))
    unbounded = [str(each) for each in needed if each.url is None and not _operators(each.specifier) & _LOWER]
    expect(
        not unbounded,
        f"{', '.join(unbounded)}: there is no lower bound; write one, like {_example(unbounded)!r}",
    )
    core = [each for each in needed if each.name.lower().replace("_", "-") == "mt-core"]
    expect(bool(core), "mt-core is not among the requirements: write one like 'mt-core>=0.1,<0.2'")
    expect(
        any(each.url is not None or _operators(each.specifier) & _UPPER for each in core),
        f"{core[0]} has no upper bound: write one, like 'mt-core>=0.1,<0.2'",
    )


@check()
def python_versions_are_declared(plugin: PluginFixture) -> None:
    """The metadata name the lowest Python version that the plugin works with."""
    declared = plugin.wheel.distribution.metadata.get("Requires-Python")
    try:
        operators = _operators(SpecifierSet(declared or ""))
    except InvalidSpecifier:
        operators = set()
    expect(
        bool(operators & _LOWER),
        f'requires-python is {declared!r}, which has no lower bound: write requires-python = ">=3.11"',
    )


@check()
def the_wheel_holds_one_package(plugin: PluginFixture) -> None:
    """The wheel installs only the plugin's own package and its metadata: a top-level `tests` would be shared with every
    other distribution that has one."""
    own = (f"{plugin.package}/", f"{plugin.package}.")
    others = [name for name in plugin.wheel.names if not name.startswith(own)]
    extra = sorted(
        {name.partition("/")[0] for name in others if not name.partition("/")[0].endswith((".dist-info", ".data"))}
    )
    expect(
        not extra,
        f"the wheel holds {', '.join(extra)} beside {plugin.package}: leave it out, in hatchling by "
        f'[tool.hatch.build.targets.wheel] packages = ["src/{plugin.package}"]',
    )


@check()
def importing_the_package_is_light(plugin: PluginFixture) -> None:
    """In a new process, importing the top-level package imports nothing but the standard library and light modules of
    the core: not torch, not pydantic, no library of the modality."""
    done = run_python("-c", _IMPORT, plugin.package, folder=plugin.folder("import"))
    error = done.stderr.strip().splitlines()[-1:]
    expect(done.returncode == 0, f"import {plugin.package} fails in a new process: {' '.join(error)}")
    light = {*sys.stdlib_module_names, plugin.package, "mt_core"}
    imported = dict.fromkeys(name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1]))
    heavy = [name for name in imported if name not in light and not name.startswith("_")]  # as _sysconfigdata_… is
    expect(
        not heavy,
        f"import {plugin.package} imports {', '.join(heavy[:8])}{' and more' if heavy[8:] else ''}: leave "
        f"{plugin.package}/__init__.py empty of imports",
    )


@check()
def the_contract_is_a_published_version(plugin: PluginFixture) -> None:
    """plugin.toml names a published version of the contract."""
    named = plugin.manifest.contract
    expect(
        named in CONTRACT_VERSIONS,
        f'plugin.toml has contract = "{named}", and there are {", ".join(CONTRACT_VERSIONS)}: name the one that the '
        "plugin was written for",
    )


@check(waivable=False)
def deviations_name_waivable_checks(plugin: PluginFixture) -> None:
    """Every deviation in plugin.toml is from another check, one that applies to this plugin's capabilities and may be
    waived."""
    checks = {each.name: each for each in plugin.checks}
    seen: set[str] = set()
    for name in (deviation.check for deviation in plugin.manifest.deviations):
        near = nearest_name(name, checks)
        expect(
            name in checks,
            f"there is no check {name!r}: {f'is {near} meant?' if near else 'remove the deviation'}",
        )
        expect(checks[name].waivable, f"{name} cannot be waived: correct the plugin")
        expect(name not in seen, f"plugin.toml declares two deviations from {name}: give both reasons in one")
        needs = checks[name].needs
        expect(
            needs is None or needs in plugin.manifest.capabilities,
            f"{name} is skipped, because plugin.toml does not declare {needs}: remove the deviation",
        )
        seen.add(name)


@check()
def only_public_names_of_the_core_are_imported(plugin: PluginFixture) -> None:
    """No file of the wheel imports a private name of the core, which may change without notice, or another plugin.
    Imports under `if TYPE_CHECKING:` are allowed."""
    modules = plugin.wheel.modules
    expect(bool(modules), "the wheel holds no Python file")
    private = [
        f"{name}:{line} imports {imported}"
        for name, tree in modules
        for line, imported in imports(tree)
        if not is_public(imported, plugin.package, is_tool=plugin.manifest.composes)
    ]
    expect(
        not private,
        f"{'; '.join(private[:5])}: import from {', '.join(PUBLIC)} and mt_core.hooks.hookimpl, or copy the code",
    )


def _declared(field: FieldInfo) -> tuple[str, Any]:
    return takes(field), field.get_default(call_default_factory=True)


def _nearest(key: str) -> str:
    near = nearest_name(key, Manifest.model_fields)
    return f"is {near} meant?" if near else f"there are {', '.join(Manifest.model_fields)}"


def _references(manifest: Manifest) -> Iterator[str]:
    given = (manifest.tokenizer, manifest.dataset, manifest.head, manifest.hooks, manifest.pictures)
    return (reference for reference in given if reference is not None)


def _requirements(plugin: PluginFixture) -> Iterator[Requirement]:
    """Those that are installed without extras."""
    for text in plugin.wheel.distribution.metadata.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # no installer accepts such a wheel
        if "extra" not in str(requirement.marker or ""):
            yield requirement


def _operators(specifiers: SpecifierSet) -> set[str]:
    return {each.operator for each in specifiers}


def _example(requirements: list[str]) -> str:
    return f"{Requirement(requirements[0]).name}>=1.2" if requirements else ""
