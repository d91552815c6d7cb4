"""The endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response

from mt_core.errors import MtError
from mt_serve.asking import Desk, remarks
from mt_serve.limits import Limits
from mt_serve.metrics import CONTENT_TYPE
from mt_serve.reading import Samples
from mt_serve.refusals import Refusal, answer_of, finite
from mt_serve.runs import Runs, ServedRun
from mt_serve.schemas import REFUSALS, REQUEST_BODY, Found, Models, Predictions, Vectors
from mt_serve.searching import SearchedIndex, choose_index
from mt_serve.uploads import sources_of

RunName = Annotated[
    str | None, Query(description="The run; may be left out where there is one alone.", examples=["photos"])
]
Pooling = Literal["cls", "mean", "max", "cls+mean", "mean+max", "cls+mean+max"]


PAGE = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js"}
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def add_endpoints(app: FastAPI) -> None:
    """Add all endpoints, and the answers to what fails."""
    how: dict[str, Any] = {"responses": REFUSALS, "openapi_extra": REQUEST_BODY}
    app.post("/predict", summary="Predictions", response_model=Predictions, tags=["ask"], **how)(predict)
    app.post("/embed", summary="Vectors", response_model=Vectors, tags=["ask"], **how)(embed)
    app.post("/search", summary="The nearest rows of an index", response_model=Found, tags=["ask"], **how)(search)
    picture = {"content": {"image/png": {}}, "description": "A PNG, a row a sample; `X-Seen` says what it shows."}
    shown = {**how, "responses": {**REFUSALS, 200: picture}, "response_class": Response}
    app.post("/show", summary="What the encoder sees", tags=["ask"], **shown)(show)
    app.get("/models", summary="The runs that are served", response_model=Models, tags=["see"])(models)
    app.get("/health", summary="Whether the server takes requests", tags=["see"])(health)
    text: dict[str, Any] = {"response_class": PlainTextResponse, "tags": ["see"]}
    app.get("/metrics", summary="Counts and times for Prometheus", **text)(metrics)
    for path, file in PAGE.items():
        app.get(path, include_in_schema=False)(_sent(file))
    for kind in (MtError, RequestValidationError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, _failed)


async def predict(request: Request, run: RunName = None) -> Response:
    """The predictions of a run for files or samples, one a sample, with their confidences."""
    state = request.app.state
    state.runs.choose(run).model.require_head()
    served, samples = await _read(request, run)
    predictions = await state.desk.predict(served, samples)
    return JSONResponse(finite({"run": served.name, "predictions": predictions, **remarks(samples)}))


async def embed(
    request: Request,
    run: RunName = None,
    pool: Annotated[Pooling | None, Query(description="Default: as `mt embed` chooses for this run.")] = None,
) -> Response:
    """One vector a sample, as `mt embed` writes it."""
    served, samples = await _read(request, run)
    vectors = await request.app.state.desk.embed(served, samples, pool=pool)
    rows = [
        {"source": source, "row": row, "vector": vector.tolist()}
        for (source, row), vector in zip(samples.places, vectors, strict=True)
    ]
    answer = {
        "run": served.name,
        "pool": served.vectors_from(pool),
        "width": vectors.shape[1],
        "vectors": rows,
        **remarks(samples),
    }
    return JSONResponse(finite(answer))


async def search(
    request: Request,
    run: RunName = None,
    index: Annotated[str | None, Query(description="May be left out where there is one alone.")] = None,
    k: Annotated[int, Query(ge=1, le=1000, description="How many rows a sample.")] = 10,
    where: Annotated[str | None, Query(description="A condition on the columns.", examples=["price < 20"])] = None,
    show: Annotated[bool, Query(description="Add `text` or `picture` (a data URI) of each row.")] = False,
) -> Response:
    """What is nearest to each sample in an index of `mt index`, as `mt search` finds it."""
    state = request.app.state
    searched = choose_index(state.indexes, index)
    name = searched.run_of(state.runs, run)
    served, samples = await _read(request, name)
    vectors = await state.desk.embed(served, samples, index=searched.name)
    found = await asyncio.to_thread(searched.nearest, vectors, k, where, show)
    results = [
        {"source": source, "row": row, "nearest": nearest}
        for (source, row), nearest in zip(samples.places, found, strict=True)
    ]
    answer = {"run": served.name, "index": searched.name, "results": results, **remarks(samples)}
    return JSONResponse(finite(answer))


async def show(request: Request, run: RunName = None) -> Response:
    """A picture of the first samples as the encoder sees them, as `mt show` draws it."""
    served, samples = await _read(request, run)
    content, what = await request.app.state.desk.show(served, samples)
    return Response(content, media_type="image/png", headers={"X-Seen": quote(what)})


async def _read(request: Request, run: str | None) -> tuple[ServedRun, Samples]:
    """The run that a request asks, and its samples; its uploads are removed again."""
    state = request.app.state
    served: ServedRun = state.runs.choose(run)
    desk: Desk = state.desk
    async with sources_of(request, state.folder, desk.limits) as (folder, sources):
        return served, await desk.read(served, folder, sources)


async def models(request: Request) -> Response:
    """The runs, what they predict, and which files they read."""
    runs: Runs = request.app.state.runs
    indexes: dict[str, SearchedIndex] = request.app.state.indexes
    searched = [
        {"name": index.name, "description": index.index.description, "runs": list(index.runs)}
        for index in indexes.values()
    ]
    served = [run.describe() for run in runs]
    return JSONResponse({"runs": served, "indexes": searched, "encoders": len(runs.fingerprints)})


async def health(request: Request) -> Response:
    """200 while requests are taken; 503 while the server is shutting down. Needs no token."""
    limits: Limits = request.app.state.settings.limits
    return JSONResponse({"status": "ok", "at_work": request.app.state.gate.num_at_work, "most": limits.requests})


async def metrics(request: Request) -> Response:
    """Requests, times, batches, samples and the process, in Prometheus' text format."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)


def _sent(file: str) -> Callable[[], Awaitable[Response]]:
    """An endpoint that gives a file of the page."""

    async def send() -> Response:
        path = Path(__file__).parent / "page" / file
        return Response(path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])

    return send


async def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        error = Refusal(f"{where}: {first['msg']}", fix="see /openapi.json")
    elif isinstance(error, ClientDisconnect):
        error = Refusal("the client went away", fix="send the request again")
    elif isinstance(error, HTTPException):
        error = Refusal(
            f"{request.method} {request.url.path}: {error.detail}", fix="see /openapi.json", status=error.status_code
        )
    return answer_of(error)
