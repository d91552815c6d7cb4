"""What a request brings: files in a folder of its own that goes with it, or samples as JSON."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from mt_serve.limits import MIB, Limits
from mt_serve.reading import too_many
from mt_serve.refusals import Refusal

_FORM, _JSON = "multipart/form-data", "application/json"
_LONGEST_NAME = 120
_HOW = 'send files as a form (curl -F file=@photo.jpg), or {"samples": [...]} as JSON'


@asynccontextmanager
async def sources_of(request: Request, folder: Path, limits: Limits) -> AsyncIterator[tuple[Path, dict[str, Any]]]:
    """The folder of a request's uploads, within `folder`, and its sources by name: paths in it, or objects. At the end
    of the `with` the folder is gone.

    Raises:
        Refusal: 415, neither a form nor JSON; 400, a form or JSON that is none; 413, too many of them.
    """
    own = Path(tempfile.mkdtemp(dir=folder))
    try:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == _FORM:
            sources = await _files(request, own, limits)
        elif kind == _JSON:
            sources = _samples(await request.body(), limits)
        else:
            raise Refusal(f"the request is of the type {kind or 'none'}", fix=_HOW, status=415)
        yield own, sources
    finally:
        try:
            own.rmdir()  # as it is after a request that brought no file
        except OSError:
            shutil.rmtree(own, ignore_errors=True)


async def _files(request: Request, folder: Path, limits: Limits) -> dict[str, Any]:
    """The names of the files of a form, which are then in the folder: each `file` is a source, each `beside` belongs to
    one; and the objects of its field `samples`."""
    try:
        async with request.form(max_files=limits.files, max_fields=limits.files, max_part_size=MIB) as form:
            sources: dict[str, Any] = {}
            for field, value in form.multi_items():
                if isinstance(value, UploadFile) and field in ("file", "beside"):
                    path = await _kept(value, folder)
                    if field == "file":
                        sources[path.name] = Path(path.name)
                elif field == "samples" and isinstance(value, str):
                    sources |= _samples(value.encode(errors="surrogatepass"), limits)
                else:
                    raise Refusal(
                        f"the form has a field {field!r} that is not known",
                        fix="send files as file or beside, and JSON as samples",
                    )
    except (HTTPException, MultiPartException) as error:
        said = getattr(error, "detail", None) or str(error)
        status = 413 if said.startswith("Too many") or "exceeded maximum size" in said else 400
        raise Refusal(f"the form cannot be read ({said})", fix=_HOW, status=status) from None
    if not sources:
        raise Refusal("the form holds no file", fix=_HOW)
    return sources


async def _kept(upload: UploadFile, folder: Path) -> Path:
    path = folder / file_name(upload.filename or "")
    if path.exists():
        raise Refusal(f"two files are called {path.name}", fix="give each its own name")
    if (upload.size or MIB) < MIB:  # in memory: a thread would take longer than the file
        path.write_bytes(await upload.read())
        return path
    async with await anyio.open_file(path, "xb") as file:
        while chunk := await upload.read(MIB):
            await file.write(chunk)
    return path


def file_name(given: str) -> str:
    """What an upload is called in its folder: the last part of its name, printable, and no longer than a name may be;
    its suffixes, by which readers know files, stay."""
    last = given.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter if letter.isprintable() else "_" for letter in last).lstrip(".")
    stem, dot, suffixes = name.partition(".")
    kept = (dot + suffixes)[-_LONGEST_NAME // 2 :]
    return stem[: _LONGEST_NAME // 2] + kept or "upload"


def _samples(content: bytes, limits: Limits) -> dict[str, Any]:
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"the JSON cannot be read ({str(error)[:200]})", fix=_HOW) from None
    samples = given.get("samples") if isinstance(given, dict) else given
    if not isinstance(samples, list) or not samples:
        raise Refusal("the JSON holds no samples", fix=_HOW)
    if len(samples) > limits.samples:
        raise too_many(limits.samples)
    return {f"samples[{number}]": _source(sample) for number, sample in enumerate(samples)}


def _source(sample: Any) -> Any:
    """What a tokenizer reads of a sample in JSON. A text is the content of a file, and never the name of one."""
    if isinstance(sample, str):
        return sample.encode(errors="surrogatepass")
    if isinstance(sample, list):
        return _array(sample)
    if not isinstance(sample, dict):
        raise Refusal(
            f"a sample is {json.dumps(sample)}", fix="a sample is a text, an object, or a list of numbers or of objects"
        )
    return sample


def _array(sample: list[Any]) -> Any:
    """Numbers as an array, a row a list; anything else as it is."""
    try:
        array = np.asarray(sample)
    except ValueError:  # rows of different lengths
        return sample
    return array if array.dtype.kind in "fiu" else sample
