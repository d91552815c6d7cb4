"""What a plugin's distribution ships and declares. The wheel is examined, not the folder it is made of."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.machinery import EXTENSION_SUFFIXES

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mt_core.conformance.check import check, expect
from mt_core.conformance.checks.source import PUBLIC, imports, is_public
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.reload_process import in_new_process
from mt_core.errors import OptionError
from mt_core.plugins.discovery import GROUP
from mt_core.plugins.manifest import Manifest, unknown_keys
from mt_core.training.recipe import Recipe
from mt_core.version import CONTRACT_VERSIONS

_LICENCE_NAMES = ("licence", "license", "copying", "copyright", "notice", "unlicense")
_FROM_BELOW, _FROM_ABOVE = {">=", ">", "~=", "==", "==="}, {"<=", "<", "~=", "==", "==="}
_IMPORT = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print("\\n" + json.dumps([name for name in sys.modules if name not in before]))
"""


@check()
def manifest_has_no_unknown_keys(subject: PluginFixture) -> None:
    """Every key of plugin.toml means something to the core: one that is misspelt would be passed over in silence."""
    unknown = unknown_keys(subject.found.raw)
    near = [f"{key} ({_nearest(key)})" for key in unknown]
    expect(not unknown, f"plugin.toml has the unknown keys {', '.join(near)}: correct them, or take them out")


@check()
def training_takes_the_recipe(subject: PluginFixture) -> None:
    """What plugin.toml suggests as `recipe` are settings of `mt train` with values that it takes."""
    try:
        Recipe.parse(subject.manifest.recipe, {})
    except OptionError as error:
        expect(False, f"the recipe in plugin.toml: {error}")


@check()
def options_have_defaults_and_descriptions(subject: PluginFixture) -> None:
    """The tokenizer is made without any option, and each tells in `mt info` what it is for."""
    fields = subject.plugin.tokenizer.Options.model_fields
    bare = [name for name, field in fields.items() if field.is_required() or not (field.description or "").strip()]
    expect(
        not bare,
        f"the options {', '.join(bare)} have no default or no description: write "
        'Field(default=…, description="What it does, and its unit.")',
    )


@check()
def the_entry_point_names_what_the_wheel_holds(subject: PluginFixture) -> None:
    """The wheel declares the plugin, and holds its plugin.toml where the entry point says, and every module of the
    plugin's own that plugin.toml names."""
    shipped, manifest = subject.shipped, subject.manifest
    declared = [point.value for point in shipped.distribution.entry_points.select(group=GROUP, name=manifest.name)]
    expect(
        len(declared) == 1,
        f"the wheel declares {len(declared)} entry points called {manifest.name} in the group {GROUP}: write one, "
        f'[project.entry-points."{GROUP}"] {manifest.name} = "{subject.package}:plugin.toml"',
    )
    package, _, file = declared[0].partition(":")
    expect(
        f"{package.replace('.', '/')}/{file}" in shipped.names,
        f"the entry point says {declared[0]!r}, and the wheel holds no {file} in {package}: build it with hatchling, "
        "or tell setuptools of the file by [tool.setuptools.package-data]",
    )
    for reference in _references(manifest):
        module = reference.partition(":")[0]
        path = module.replace(".", "/")
        is_there = any(f"{path}{ending}" in shipped.names for ending in (".py", "/__init__.py", *EXTENSION_SUFFIXES))
        own = module.partition(".")[0] == subject.package
        expect(is_there or not own, f"plugin.toml names {reference}, and the wheel holds no {path}.py: ship it")


@check()
def py_typed_is_shipped(subject: PluginFixture) -> None:
    """The wheel marks its package as typed, by an empty file py.typed in it."""
    marker = f"{subject.package}/py.typed"
    expect(marker in subject.shipped.names, f"the wheel holds no {marker}: put an empty file of that name there")


@check()
def a_licence_is_declared_and_shipped(subject: PluginFixture) -> None:
    """The metadata name a licence, and the wheel holds its text."""
    shipped = subject.shipped
    metadata = shipped.distribution.metadata
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License ::")]
    named = metadata.get("License-Expression") or metadata.get("License") or classifiers
    expect(bool(named), 'the metadata name no licence: write license = "Apache-2.0" (or yours) into pyproject.toml')
    texts = [name for name in shipped.info if name.rpartition("/")[2].lower().startswith(_LICENCE_NAMES)]
    texts += [name for name in shipped.info if name.partition("/")[2].startswith("licenses/")]
    expect(
        any((shipped.root / name).read_bytes().strip() for name in texts),
        "the wheel holds no text of its licence: put a file LICENSE beside pyproject.toml, and leave `license-files` "
        "out or let it name that file",
    )


@check()
def requirements_have_bounds(subject: PluginFixture) -> None:
    """Every requirement outside extras says from which version on, and mt-core is among them, with an upper bound too:
    the contract holds for one major version."""
    needed = list(_requirements(subject))
    unbounded = [str(each) for each in needed if each.url is None and not _operators(each.specifier) & _FROM_BELOW]
    expect(
        not unbounded,
        f"{', '.join(unbounded)}: nothing says from which version on it works; write one, like {_example(unbounded)!r}",
    )
    core = [each for each in needed if each.name.lower().replace("_", "-") == "mt-core"]
    expect(bool(core), "mt-core is not among the requirements: write one like 'mt-core>=0.1,<0.2'")
    expect(
        any(each.url is not None or _operators(each.specifier) & _FROM_ABOVE for each in core),
        f"{core[0]} goes on for ever: give it an upper bound, like 'mt-core>=0.1,<0.2'",
    )


@check()
def python_versions_are_declared(subject: PluginFixture) -> None:
    """The metadata say from which Python on the plugin works, so that pip finds the version that suits."""
    said = subject.shipped.distribution.metadata.get("Requires-Python")
    try:
        operators = _operators(SpecifierSet(said or ""))
    except InvalidSpecifier:
        operators = set()
    expect(
        bool(operators & _FROM_BELOW),
        f'requires-python is {said!r}, which has no lower bound: write requires-python = ">=3.11"',
    )


@check()
def the_wheel_holds_one_package(subject: PluginFixture) -> None:
    """Nothing but the plugin's own package and its metadata is installed: a top-level `tests` would be shared with
    every other distribution that ships one."""
    own = (f"{subject.package}/", f"{subject.package}.")
    others = [name for name in subject.shipped.names if not name.startswith(own)]
    foreign = sorted(
        {name.partition("/")[0] for name in others if not name.partition("/")[0].endswith((".dist-info", ".data"))}
    )
    expect(
        not foreign,
        f"the wheel holds {', '.join(foreign)} beside {subject.package}: leave it out, for hatchling by "
        f'[tool.hatch.build.targets.wheel] packages = ["src/{subject.package}"]',
    )


@check()
def importing_the_package_is_light(subject: PluginFixture) -> None:
    """In a new process the top-level package is imported: it brings in the standard library and what is light of the
    core at the most, neither torch nor pydantic nor a library of the modality."""
    done = in_new_process("-c", _IMPORT, subject.package, folder=subject.folder("import"))
    said = done.stderr.strip().splitlines()[-1:]
    expect(done.returncode == 0, f"import {subject.package} fails in a new process: {' '.join(said)}")
    light = {*sys.stdlib_module_names, subject.package, "mt_core"}
    imported = dict.fromkeys(name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1]))
    heavy = [name for name in imported if name not in light and not name.startswith("_")]  # as _sysconfigdata_… is
    expect(
        not heavy,
        f"import {subject.package} imports {', '.join(heavy[:8])}{' and more' if heavy[8:] else ''}: leave "
        f"{subject.package}/__init__.py empty of imports",
    )


@check()
def the_contract_is_a_published_version(subject: PluginFixture) -> None:
    """plugin.toml names a version of the contract that there has been, as it is written."""
    said = subject.manifest.contract
    expect(
        said in CONTRACT_VERSIONS,
        f'plugin.toml says contract = "{said}", and there are {", ".join(CONTRACT_VERSIONS)}: name the one that the '
        "plugin was written for",
    )


@check(waivable=False)
def deviations_name_checks_that_exist_and_may_be_waived(subject: PluginFixture) -> None:
    """Every deviation in plugin.toml is from another check of the suite, one that holds for this plugin's capabilities
    and may be waived."""
    from mt_core.conformance.suite import CHECKS  # which is made of this file

    checks = {each.name: each for each in CHECKS}
    seen: set[str] = set()
    for name in (deviation.check for deviation in subject.manifest.deviations):
        near = get_close_matches(name, checks, n=1)
        expect(
            name in checks,
            f"there is no check {name!r}: {f'is {near[0]} meant?' if near else 'take the deviation out'}",
        )
        expect(checks[name].waivable, f"{name} holds for every plugin and cannot be waived: mend the plugin")
        expect(name not in seen, f"plugin.toml declares two deviations from {name}: give one, with both reasons")
        needs = checks[name].needs
        expect(
            needs is None or needs in subject.manifest.capabilities,
            f"{name} is skipped, because plugin.toml does not declare {needs}: take the deviation out",
        )
        seen.add(name)


@check()
def only_public_names_of_the_core_are_imported(subject: PluginFixture) -> None:
    """No file of the wheel imports from inside the core, which changes without notice, nor from another plugin. What
    stands under `if TYPE_CHECKING:` is not looked at."""
    modules = list(subject.shipped.modules())
    expect(bool(modules), "the wheel holds no Python file")
    private = [
        f"{name}:{line} imports {imported}"
        for name, tree in modules
        for line, imported in imports(tree)
        if not is_public(imported, subject.package)
    ]
    expect(
        not private,
        f"{'; '.join(private[:5])}: use what {', '.join(PUBLIC)} and mt_core.hooks.hookimpl offer, or a copy of your "
        "own",
    )


def _nearest(key: str) -> str:
    near = get_close_matches(key, Manifest.model_fields, n=1)
    return f"is {near[0]} meant?" if near else f"there are {', '.join(Manifest.model_fields)}"


def _references(manifest: Manifest) -> Iterator[str]:
    given = (manifest.tokenizer, manifest.dataset, manifest.head, manifest.hooks, manifest.pictures)
    return (reference for reference in given if reference is not None)


def _requirements(subject: PluginFixture) -> Iterator[Requirement]:
    """Those that are installed with the plugin, and not only with an extra of its."""
    for text in subject.shipped.distribution.metadata.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # no installer takes such a wheel
        if "extra" not in str(requirement.marker or ""):
            yield requirement


def _operators(specifiers: SpecifierSet) -> set[str]:
    return {each.operator for each in specifiers}


def _example(requirements: list[str]) -> str:
    return f"{Requirement(requirements[0]).name}>=1.2" if requirements else ""
