"""Official plugins, each broken by one line, and whether the conformance suite names what is broken.

    python benchmarks/deliberate_breakage.py [--seed N] [--only CHECK ...]     # five checks of each family, whole suite
    python benchmarks/deliberate_breakage.py --quick [--only CHECK ...]        # every check, that check alone

A plugin is copied, one line of it is changed (`breakages.py` says which), and `mt check` examines the copy in a new
process, where it stands before the installed plugin. The page docs/breakage.md is written by the first command without
`--only`. The exit code is 1 if a breakage is not named.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from breakages import BREAKAGES, Breakage

from mt_core.conformance import CHECKS, Check

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/breakage.md"
OWN_HEAD = Path(__file__).with_name("focal_head.py")

A_FAMILY = 5
"""Checks that are picked of each."""

_LONGEST_S = 1200.0
_LONGEST_MESSAGE = 170
_HOLDS = ("passed", "skipped")

_ONE_CHECK = """
import json, sys
from mt_core.conformance import CHECKS, Examination
(check,) = (check for check in CHECKS if check.name == sys.argv[2])
report = Examination(sys.argv[1])
print(report.report((report.run(check),)).to_json())
"""

Results = dict[str, dict[str, Any]]
"""By name of the check, what a report says of it."""


class Seen(NamedTuple):
    """What the suite said of one breakage.

    Attributes:
        message: Of the check that was to name it; else why it did not.
        others: Checks that failed as well, and do not where the plugin is whole.
    """

    check: Check
    breakage: Breakage
    is_named: bool
    message: str
    others: tuple[str, ...]


# breaking


def install(modality: str, folder: Path, breakage: Breakage | None = None, *, own_head: bool = False) -> Path:
    """Copy an official plugin and install the copy as `pip install -e` does.

    Args:
        folder: Empty.
        breakage: None: the plugin stays whole.
        own_head: Give it first a head of its own, which is the core's with another loss.

    Returns:
        The folder that holds its metadata.
    """
    copy = folder / f"mt-plugin-{modality}"
    shutil.copytree(ROOT / "plugins" / modality, copy, ignore=shutil.ignore_patterns("__pycache__"))
    package = copy / f"src/mt_plugin_{modality}"
    if own_head:
        shutil.copy(OWN_HEAD, package / "head.py")
        replace_once(
            package / "plugin.toml", "mt_core.heads:ClassificationHead", f"mt_plugin_{modality}.head:FocalHead"
        )
    if breakage is not None:
        replace_once(copy / breakage.file, breakage.old, breakage.new)
    project = tomllib.loads((copy / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = folder / "site" / f"mt_plugin_{modality}-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    points = [f"{name} = {value}" for name, value in project["entry-points"]["mt.plugins"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[mt.plugins]", *points, ""]), "utf-8")
    (metadata / "direct_url.json").write_text(json.dumps({"url": copy.as_uri(), "dir_info": {"editable": True}}))
    return metadata.parent


def replace_once(path: Path, old: str, new: str) -> None:
    """Replace what stands in a file exactly once."""
    text = path.read_text("utf-8")
    if text.count(old) != 1:
        sys.exit(f"{old!r} stands {text.count(old)} times in {path}, not once: correct breakages.py")
    path.write_text(text.replace(old, new), "utf-8")


def changed_lines(breakage: Breakage) -> tuple[list[str], list[str]]:
    """The lines that a breakage takes away, and those that it puts in their place."""
    path = OWN_HEAD if breakage.own_head else ROOT / "plugins" / breakage.modality / breakage.file
    text = path.read_text("utf-8")
    before, after = text.splitlines(), text.replace(breakage.old, breakage.new).splitlines()
    changed = list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]
    return [line[1:] for line in changed if line[0] == "-"], [line[1:] for line in changed if line[0] == "+"]


# examining


def examine(modality: str, site: Path, check: Check | None = None) -> Results:
    """What the suite, or one check of it, says of the plugin that is installed there; {} where it cannot be loaded."""
    folder = site.parent
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MT_PLUGINS", "MT_NO_PLUGINS", "MT_CONFIG", "MT_DATA")
    }
    temporary, report = folder / "temporary", folder / "report.json"
    temporary.mkdir()
    environment = {
        **kept,
        "PYTHONPATH": f"{folder / f'mt-plugin-{modality}' / 'src'}{os.pathsep}{site}",
        "XDG_CONFIG_HOME": str(folder),
        "TMPDIR": str(temporary),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if check is None:
        arguments = ["-m", "mt_core.cli", "check", modality, "--json", str(report)]
    else:
        arguments = ["-c", _ONE_CHECK, modality, check.name]
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=_LONGEST_S
    )
    said = report.read_text("utf-8") if report.exists() else done.stdout if done.returncode == 0 else ""
    if not said:
        print(done.stderr.strip()[-1000:])
        return {}
    return {each["check"]: each for each in json.loads(said)["results"]}


@cache
def whole(modality: str, own_head: bool) -> Results:
    """What the suite says of the plugin as it is."""
    with tempfile.TemporaryDirectory() as folder:
        return examine(modality, install(modality, Path(folder), own_head=own_head))


def see(check: Check, *, quick: bool) -> Seen:
    """Break the plugin that is to be broken for a check, and examine it."""
    breakage = BREAKAGES[check.name]
    modality = breakage.modality
    with tempfile.TemporaryDirectory() as folder:
        site = install(modality, Path(folder), breakage, own_head=breakage.own_head)
        results = examine(modality, site, check if quick else None)
    if check.name not in results:
        return Seen(check, breakage, False, "the plugin could not be examined", ())
    result = results[check.name]
    is_named = result["outcome"] == ("advisory" if check.advisory else "failed")
    message = result["message"] or f"nothing: {result['outcome']}"
    if quick:
        return Seen(check, breakage, is_named, message, ())
    before = whole(modality, breakage.own_head)
    if before[check.name]["outcome"] not in _HOLDS:
        return Seen(check, breakage, False, f"it fails for the whole plugin: {before[check.name]['message']}", ())
    others = tuple(
        name
        for name, each in results.items()
        if name != check.name and each["outcome"] not in _HOLDS and before[name]["outcome"] in _HOLDS
    )
    return Seen(check, breakage, is_named, message, others)


def picked(seed: int) -> list[Check]:
    """Five checks of each family, or all where there are fewer, drawn at random."""
    families: dict[str, list[str]] = {}
    for check in CHECKS:
        families.setdefault(check.family, []).append(check.name)
    drawn = (random.Random(seed).sample(sorted(names), min(A_FAMILY, len(names))) for names in families.values())
    chosen = {name for names in drawn for name in names}
    return [check for check in CHECKS if check.name in chosen]


# telling


def page(seen: Sequence[Seen], seed: int) -> Iterator[str]:
    """The table with what is to be known of it, in Markdown."""
    named = [each for each in seen if each.is_named]
    alone = [each for each in named if not each.others]
    plugins = {each.breakage.modality for each in seen}
    yield "# Deliberate breakage"
    yield ""
    yield (
        f"Up to {A_FAMILY} checks of each family of the conformance suite, picked at random. For each of them one line "
        "of an official plugin is changed, in a copy, so that the promise is broken, and `mt check` examines the copy. "
        "*Also failed* are other checks that saw the same: a token that is not a number spoils more than one promise. "
        "No official plugin has a head of its own: where `head.py` is broken, the plugin was given "
        "`benchmarks/focal_head.py` first, with which it keeps every promise."
    )
    yield ""
    yield (
        f"`python benchmarks/deliberate_breakage.py --seed {seed}` wrote this page: **{len(named)} of {len(seen)} are "
        f"named**, {len(alone)} of them by the picked check alone; {len(plugins)} plugins were broken."
    )
    yield ""
    yield from table(seen)


def table(seen: Iterable[Seen]) -> Iterator[str]:
    """One row a breakage."""
    yield "| family | check | plugin | changed line | what the suite said | also failed |"
    yield "|---|---|---|---|---|---|"
    for each in seen:
        gone, new = changed_lines(each.breakage)
        lines = [f"- {line.strip()}" for line in gone] + [f"+ {line.strip()}" for line in new]
        place = f"{each.breakage.modality}, {each.breakage.file.rpartition('/')[2]}"
        said = "" if each.is_named else "**not named**: "
        cells = [
            each.check.family,
            each.check.name.replace("_", " "),
            place,
            "<br>".join(f"`` {line} ``" for line in lines),
            said + _plain(each.message),
            "; ".join(name.replace("_", " ") for name in each.others),
        ]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(message: str) -> str:
    """In one line, and not too long."""
    text = re.sub(r"[^\s,;:'\"(]*/temporary/[^\s,;:'\"]*/", "…/", " ".join(message.split()))
    text = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE].rsplit(' ', 1)[0]} …"
    return text.replace("<", "&lt;").replace("*", "&#42;").replace("`", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="what the checks are picked by")
    parser.add_argument("--only", nargs="+", choices=[check.name for check in CHECKS], metavar="CHECK")
    parser.add_argument("--quick", action="store_true", help="every check, and nothing but that check is run")
    chosen = parser.parse_args()
    if lacking := [check.name for check in CHECKS if check.name not in BREAKAGES]:
        sys.exit(f"breakages.py breaks nothing for {', '.join(lacking)}: write a line for each")
    checks = list(CHECKS) if chosen.quick or chosen.only else picked(chosen.seed)
    checks = [check for check in checks if not chosen.only or check.name in chosen.only]
    seen = []
    for number, check in enumerate(checks, start=1):
        seen.append(see(check, quick=chosen.quick))
        told = "named" if seen[-1].is_named else "NOT NAMED"
        print(f"{number:>3}/{len(checks)} {check.name} ({seen[-1].breakage.modality}): {told}", flush=True)
        print(f"        {_plain(seen[-1].message)}" + "".join(f"\n        also {name}" for name in seen[-1].others))
    if not chosen.quick and not chosen.only:
        PAGE.write_text("\n".join([*page(seen, chosen.seed), ""]), "utf-8")
    print(*table(seen), sep="\n")
    sys.exit(not all(each.is_named for each in seen))


if __name__ == "__main__":
    main()
