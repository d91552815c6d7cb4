"""What plugins implement and use changes only together with the version of the contract.

`tests/contract/<version>.txt` holds the signatures of `mt_core.contract` as that version has them, a line a name, and
`tests/contract/sdk-<version>.txt` those of `mt_core.sdk` and `mt_core.sdk.blocks`. What is in the sources must be what
the files of `CONTRACT_VERSION` say, and must break nothing that a file of the same major number says. Once mt-core is
released with a version, its files are not edited any more.
"""

import ast
import re
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

import mt_core.contract
import mt_core.sdk.blocks
from mt_core.version import CONTRACT_VERSION

RECORDS = Path(__file__).parent / "contract"
ABSTRACT = "  # abstract"

PACKAGES = {"": [mt_core.contract], "sdk-": [mt_core.sdk, mt_core.sdk.blocks]}
"""By the beginning of their record's name."""


def sources_of(packages: list[ModuleType]) -> dict[str, str]:
    """Each file by its path, once, though one package may lie in another."""
    folders = {package.__name__.rpartition(".")[2]: Path(package.__file__).parent for package in packages}
    return {
        f"{name}/{path.relative_to(folder)}": path.read_text()
        for name, folder in folders.items()
        for path in folder.rglob("*.py")
        if not any(other in path.parents and folder in other.parents for other in folders.values())
    }


SOURCES = sources_of(PACKAGES[""])


def described(sources: dict[str, str], prefix: str = "") -> dict[str, str]:
    """Public name to declaration: classes, their fields and methods, functions and constants. Read from the sources, so
    that it is the same under every version of Python and pydantic."""
    nodes = {name: node for text in sources.values() for node in ast.parse(text).body for name in _names(node)}
    public = [name for package in PACKAGES[prefix] for name in package.__all__ if name != "CONTRACT_VERSION"]
    assert len(public) == len(set(public)), "a name that two packages have"
    lines: dict[str, str] = {}
    for name in sorted(public):
        node = nodes[name]
        lines[name] = _declared(node)
        if isinstance(node, ast.ClassDef):
            private = [nodes[ast.unparse(base)].body for base in node.bases if ast.unparse(base).startswith("_")]
            for member in chain(*private, node.body):
                lines |= {f"{name}.{own}": _declared(member) for own in _names(member) if _is_public(own)}
    return lines


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return [ast.unparse(target) for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]
    return []


def _is_public(member: str) -> bool:
    return member in ("__init__", "__len__", "__getitem__", "__iter__") or not member.startswith(("_", "model_config"))


def _declared(node: ast.AST) -> str:
    if isinstance(node, ast.ClassDef):
        return f" class ({', '.join(map(ast.unparse, node.bases))})"
    if isinstance(node, ast.FunctionDef):
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        last = ast.unparse(node.body[-1])
        is_abstract = "abstractmethod" in decorators or last.startswith("raise NotImplementedError")
        kind = "".join(f" @{each}" for each in decorators if each in ("property", "classmethod", "staticmethod"))
        returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{kind} def ({ast.unparse(node.args)}){returned}{ABSTRACT if is_abstract else ''}"
    if isinstance(node.value, ast.Dict):  # what stands behind its keys is described there
        return f" = {', '.join(map(ast.unparse, node.value.keys))}"
    annotation = f": {ast.unparse(node.annotation)}" if isinstance(node, ast.AnnAssign) else ""
    if isinstance(node.value, ast.Call):  # the words of a description are not part of it
        node.value.keywords = [each for each in node.value.keywords if each.arg != "description"]
    return f"{annotation} = {ast.unparse(node.value)}" if node.value else annotation


def as_text(lines: dict[str, str]) -> str:
    return "".join(f"{name}{declaration}\n" for name, declaration in lines.items())


def recorded(record: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.]+)(.*)$", record.read_text(), re.MULTILINE))


def broken_by(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """What a plugin written for the old contract would trip over in the new one."""
    # of these plugins write subclasses: their methods are called by the core, too
    implemented = {name.partition(".")[0] for name, declaration in old.items() if declaration.endswith(ABSTRACT)}
    broken = []
    for name, before in old.items():
        owner, _, member = name.partition(".")
        now = new.get(name)
        is_call = "def (" in before and not (owner in implemented and member and member != "__init__")
        if now is None:
            broken.append(f"{name} is gone")
        elif now != before and not (_takes_what_it_took(before, now) if is_call else _only_adds_choices(before, now)):
            broken.append(f"{name} was{before} and is{now}")
    for name in new.keys() - old.keys():
        owner, _, member = name.partition(".")
        is_required = new[name].startswith(":") and " = " not in new[name] and "ClassVar" not in new[name]
        if member and owner in old and (new[name].endswith(ABSTRACT) or is_required):
            broken.append(f"{name} is new and required")
    for owner, fields in _fields(old).items():
        kept = [name for name in _fields(new).get(owner, []) if name in fields or name not in old]
        if kept[: len(fields)] != fields and not any(entry.startswith(f"{owner}.") for entry in broken):
            broken.append(f"{owner} has its fields in another order")
    return broken


def _fields(lines: dict[str, str]) -> dict[str, list[str]]:
    """The fields of each class in their order, which is that of its arguments."""
    fields: dict[str, list[str]] = {}
    for name, declaration in lines.items():
        if declaration.startswith(":") and "ClassVar" not in declaration:
            fields.setdefault(name.partition(".")[0], []).append(name)
    return fields


def _takes_what_it_took(before: str, now: str) -> bool:
    """Whether every call that fitted a function still does: parameters were added, each with a default."""
    old, new = _parameters(before), _parameters(now)
    by_place = [name for name, (kind, _, _) in old.items() if kind == "by place"]
    return (
        re.sub(r"\(.*\)", "", before) == re.sub(r"\(.*\)", "", now)
        and old.items() <= new.items()
        and list(new)[: len(by_place)] == by_place
        and all(default is not None or kind == "rest" for name, (kind, _, default) in new.items() if name not in old)
    )


def _parameters(declaration: str) -> dict[str, tuple[str, str, str | None]]:
    """Kind, annotation and default of each, by name."""
    text = "def f" + declaration.removesuffix(ABSTRACT).partition("def ")[2] + ": ..."
    given = ast.parse(text).body[0].args
    by_place = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(by_place) - len(given.defaults)) + given.defaults
    everything = [
        *((each, "by place", default) for each, default in zip(by_place, defaults, strict=True)),
        *((each, "by name", default) for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)),
        *((each, "rest", None) for each in (given.vararg, given.kwarg) if each),
    ]
    return {
        each.arg: (kind, ast.unparse(each.annotation) if each.annotation else "", default and ast.unparse(default))
        for each, kind, default in everything
    }


def _only_adds_choices(before: str, now: str) -> bool:
    """Whether a constant that is a choice of several (a Literal, a union, a tuple) has the same and more."""
    if not before.startswith(" = ") or not now.startswith(" = "):
        return False
    old, new = ([ast.unparse(leaf) for leaf in _leaves(constant)] for constant in (before, now))
    return len(new) > len(old) and set(old) <= set(new)


def _leaves(constant: str) -> list[ast.AST]:
    return [node for node in ast.walk(ast.parse(f"_{constant}")) if isinstance(node, ast.Name | ast.Constant)]


@pytest.mark.parametrize("prefix", PACKAGES)
def test_the_contract_is_what_the_file_of_its_version_says(prefix, tmp_path):
    now = described(sources_of(PACKAGES[prefix]), prefix)
    wanted = tmp_path / f"{prefix}{CONTRACT_VERSION}.txt"
    wanted.write_text(as_text(now))
    record = RECORDS / wanted.name
    assert record.is_file() and recorded(record) == now, (
        f"the public contract is not what {record} says. Raise CONTRACT_VERSION (the minor number for an addition, the "
        f"major one otherwise) unless this version was never released, and copy {wanted} to {RECORDS}"
    )


@pytest.mark.parametrize("record", sorted(RECORDS.glob(f"*{CONTRACT_VERSION[0]}.*.txt")), ids=lambda path: path.stem)
def test_the_contract_breaks_no_plugin_of_its_major_version(record):
    prefix = record.stem.rstrip("0123456789.")
    now = described(sources_of(PACKAGES[prefix]), prefix)
    assert broken_by(recorded(record), now) == [], "this needs a new major number"


@pytest.mark.parametrize("prefix", PACKAGES)
def test_a_public_name_is_defined_once(prefix):
    files = [ast.parse(text).body for text in sources_of(PACKAGES[prefix]).values()]
    defined = [name for body in files for node in body for name in _names(node)]
    public = [name for package in PACKAGES[prefix] for name in package.__all__ if name != "CONTRACT_VERSION"]
    assert {name: defined.count(name) for name in public} == dict.fromkeys(public, 1)


def changed(file: str, before: str, after: str) -> dict[str, str]:
    """The contract, were one thing in its sources otherwise."""
    file = f"contract/{file}"
    assert SOURCES[file].count(before) == 1
    return described({**SOURCES, file: SOURCES[file].replace(before, after)})


BREAKING = {
    "a required parameter of a function": (
        "padding.py", "def pad_and_stack(items:", "def pad_and_stack(fill: float, items:", "pad_and_stack was",
    ),
    "a required parameter at the end": (
        "sources.py", 'formats: str, fix: str = ""', "formats: str, limit: int", "reading was",
    ),
    "a default taken away": ("sources.py", 'fix: str = ""', "fix: str", "reading was"),
    "a parameter renamed": ("sources.py", "def name_of(source: Any)", "def name_of(of: Any)", "name_of was"),
    "parameters in another order": (
        "tokens.py", "pooled_width(width: int, how: Pool,", "pooled_width(how: Pool, width: int,", "pooled_width was",
    ),
    "a parameter of a method that plugins write": (
        "tokenizer.py", "def read(self, source: Any)", "def read(self, source: Any, hint: str = '')", "Tokenizer.read",
    ),
    "a parameter of a tokenizer's making": (
        "tokenizer.py", "options: AnyOptions | None = None", "options: AnyOptions", "Tokenizer.__init__",
    ),
    "a method that must be written": (
        "head.py", "    def loss(", "    def extra(self) -> None:\n        raise NotImplementedError\n\n    def loss(",
        "Head.extra is new and required",
    ),
    "a method that had a default": (
        "tokenizer.py", "        yield self.read(source)", "        raise NotImplementedError", "Tokenizer.stream was",
    ),
    "a required field": (
        "tokens.py", "    values: Tensor\n", "    values: Tensor\n    rate: float\n", "Tokens.rate is new and required",
    ),
    "a field between others": (
        "tokens.py", "    values: Tensor\n", "    values: Tensor\n    rate: float = 0.0\n", "Tokens has its fields",
    ),
    "a field gone": ("dataset.py", "    target: Any = None", "", "Example.target is gone"),
    "a property gone": ("tokens.py", "    @property\n    def pooled(", "    def pooled(", "Features.pooled was"),
    "another base": ("task.py", "class Regression(_Task)", "class Regression(BaseModel)", "Regression was"),
    "a choice gone": ("tokens.py", ', "mean+max"', "", "Pool was"),
    "a constant of another value": ("task.py", "MISSING_CLASS = -1", "MISSING_CLASS = -100", "MISSING_CLASS was"),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAKING)
def test_what_would_break_a_plugin_is_caught(what):
    file, before, after, said = BREAKING[what]
    broken = broken_by(described(SOURCES), changed(file, before, after))
    assert len(broken) == 1 and broken[0].startswith(said)


ADDITIONS = {
    "a parameter with a default": ("sources.py", 'fix: str = "")', 'fix: str = "", limit: int = 0)'),
    "a parameter by name with a default": ("padding.py", "Tensor]])", "Tensor]], *, fill: float = 0)"),
    "a field with a default": ("dataset.py", "target: Any = None", "target: Any = None\n    weight: float = 1.0"),
    "a method with a default": ("head.py", "    def loss(", "    def extra(self) -> None: ...\n\n    def loss("),
    "a choice": ("tokens.py", '"cls+mean+max"]', '"cls+mean+max", "min"]'),
}  # fmt: skip


@pytest.mark.parametrize("what", ADDITIONS)
def test_what_only_adds_changes_the_description_and_breaks_nothing(what):
    now = described(SOURCES)
    added = changed(*ADDITIONS[what])
    assert added != now and broken_by(now, added) == []


def test_words_of_a_description_are_no_part_of_the_contract():
    assert changed("task.py", "Unit of the quantities, for", "The unit, for") == described(SOURCES)
