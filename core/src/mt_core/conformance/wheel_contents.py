"""The files of a distribution's wheel: of the installed one, or of one that is built for the purpose."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname
from zipfile import ZipFile

import importlib_metadata

from mt_core.errors import ContractError, MissingDependencyError
from mt_core.plugins import PluginMetadata

BUILD_TIME_LIMIT_S = 300.0
"""After which a build is ended."""

_EPOCH = "1580601600"  # 2020-02-02, hatchling's own: the same files make the same wheel, whenever it is built
_INSTALLER_FILES = ("INSTALLER", "REQUESTED", "direct_url.json", "provenance_url.json", "uv_")


@dataclass(frozen=True)
class Wheel:
    """The files of a distribution's wheel.

    Attributes:
        root: The folder that holds them as the wheel does: packages, and the `.dist-info` folder.
        names: Their paths below it, in order.
        sha256: Of the wheel, or of the record of what was installed from it.
        origin: What `sha256` is the hash of.
    """

    root: Path
    names: tuple[str, ...]
    sha256: str
    origin: str

    @property
    def info(self) -> tuple[str, ...]:
        """The files of the `.dist-info` folder."""
        return tuple(name for name in self.names if name.partition("/")[0].endswith(".dist-info"))

    @property
    def distribution(self) -> importlib_metadata.Distribution:
        """The metadata and entry points in the `.dist-info` folder."""
        return importlib_metadata.PathDistribution(self.root / self.info[0].partition("/")[0])

    def text(self, name: str) -> str:
        """The content of one of `names`."""
        return (self.root / name).read_text(encoding="utf-8")

    @cached_property
    def modules(self) -> list[tuple[str, ast.Module]]:
        """Each Python file by name, parsed but not run.

        Raises:
            SyntaxError: a file is not Python.
        """
        return [(name, ast.parse(self.text(name), filename=name)) for name in self.names if name.endswith(".py")]


def wheel_of(metadata: PluginMetadata, folder: Path) -> Wheel:
    """The files of a distribution's wheel.

    Args:
        folder: Empty, or not there yet: where the wheel is built if the distribution is an editable installation.

    Raises:
        ContractError: the installation has no record; the wheel cannot be built (with the last lines of the output).
        MissingDependencyError: the package that builds the wheel is not installed and not available.
    """
    try:
        distribution = importlib_metadata.Distribution.from_name(metadata.distribution)
    except importlib_metadata.PackageNotFoundError:
        raise ContractError(f"the metadata of {metadata} is missing", fix=_reinstall(metadata)) from None
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return _built(metadata, Path(url2pathname(urlparse(origin["url"]).path)), folder)
    return _installed(metadata, distribution, origin)


def _installed(
    metadata: PluginMetadata, distribution: importlib_metadata.Distribution, origin: Mapping[str, Any]
) -> Wheel:
    if distribution.files is None or not distribution.read_text("RECORD"):
        raise ContractError(f"{metadata} was installed without a RECORD of its files", fix=_reinstall(metadata))
    ours = {file.as_posix(): file for file in distribution.files if _is_in_wheel(file.parts)}
    names = tuple(sorted(ours))
    archive = origin.get("archive_info", {})
    if sha256 := archive.get("hashes", {}).get("sha256", ""):
        return Wheel(Path(str(distribution.locate_file(""))), names, sha256, "the wheel that was installed")
    record = "".join(f"{name},{ours[name].hash.value}\n" for name in names if ours[name].hash)
    digest = hashlib.sha256(record.encode()).hexdigest()
    return Wheel(Path(str(distribution.locate_file(""))), names, digest, "the record of what was installed")


def _is_in_wheel(parts: Sequence[str]) -> bool:
    """Whether a file of a RECORD was in the wheel: scripts were not, nor compiled modules."""
    in_info = parts[0].endswith(".dist-info")
    return (
        parts[0] != ".." and not parts[-1].endswith(".pyc") and not (in_info and parts[-1].startswith(_INSTALLER_FILES))
    )


def _built(metadata: PluginMetadata, source: Path, folder: Path) -> Wheel:
    """The wheel of a source folder, built and unpacked."""
    out, unpacked = folder / "built", folder / "unpacked"
    out.mkdir(parents=True)
    _build(metadata, source, out)
    wheel = next(out.glob("*.whl"))
    with ZipFile(wheel) as archive:
        archive.extractall(unpacked)
        names = tuple(sorted(name for name in archive.namelist() if not name.endswith("/")))
    return Wheel(unpacked, names, hashlib.sha256(wheel.read_bytes()).hexdigest(), "the wheel built from its source")


def _build(metadata: PluginMetadata, source: Path, out: Path) -> None:
    """Build the wheel of a source folder, with what is installed here if that is all it needs."""
    try:
        from build import BuildBackendException, BuildException, ProjectBuilder, check_dependency
    except ModuleNotFoundError:
        raise MissingDependencyError(
            f"{metadata} is an editable installation: its wheel has to be built to be checked, and the package `build` "
            "is not installed",
            fix="pip install 'mt-core[testing]'",
        ) from None
    run = _Run(metadata)
    try:
        builder = ProjectBuilder(source, runner=run)
        needed = sorted(builder.build_system_requires)
    except BuildException as error:
        raise ContractError(f"{metadata} cannot be built: {error}", fix="correct its pyproject.toml") from None
    unmet = [each for each in needed if next(iter(check_dependency(each)), None) is not None]
    try:
        if unmet:
            run([sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)], cwd=str(out))
        else:
            builder.build("wheel", out)
    except (subprocess.CalledProcessError, BuildBackendException) as error:
        cause = getattr(error, "exception", error)
        if isinstance(cause, ContractError):
            raise cause from None
        last = "\n".join((run.output.strip() or str(cause)).splitlines()[-8:])
        if unmet and "Getting build dependencies" not in run.output:  # it failed before the build
            extra = "'mt-core[testing]'" if any(each.startswith("hatchling") for each in unmet) else f"'{unmet[0]}'"
            raise MissingDependencyError(
                f"building the wheel of {metadata} needs {', '.join(unmet)}, which is not available:\n{last}",
                fix=f"pip install {extra}",
            ) from None
        raise ContractError(
            f"the wheel of {metadata} cannot be built:\n{last}", fix=f"make `python -m build --wheel {source}` work"
        ) from None


class _Run:
    """Runs the commands of a build, each in a process group of its own, and keeps what they print."""

    def __init__(self, metadata: PluginMetadata) -> None:
        self.metadata = metadata
        self.output = ""

    def __call__(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:
        environment = {**os.environ, **(extra_environ or {}), "SOURCE_DATE_EPOCH": _EPOCH, "NO_COLOR": "1"}
        with subprocess.Popen(
            cmd,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=BUILD_TIME_LIMIT_S)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                raise ContractError(
                    f"building the wheel of {self.metadata} takes longer than {BUILD_TIME_LIMIT_S:g} s",
                    fix="run `python -m build --wheel` in its folder to see why",
                ) from None
        self.output += output
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, cmd, output)


def _reinstall(metadata: PluginMetadata) -> str:
    return f"pip install --force-reinstall {metadata.distribution}"
