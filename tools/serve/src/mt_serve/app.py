"""The ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager

from fastapi import FastAPI

from mt_core.data.precision import Precision
from mt_serve.asking import Desk
from mt_serve.encoders import Encoders
from mt_serve.endpoints import add_endpoints
from mt_serve.gate import Gate
from mt_serve.metrics import Metrics
from mt_serve.reading import Readers
from mt_serve.runs import Runs, load_runs
from mt_serve.searching import open_indexes
from mt_serve.settings import Settings as Settings
from mt_serve.upload_folder import folder_of_uploads

DESCRIPTION = """Predictions and vectors of trained runs, through one resident encoder.

A request names a run and brings files, as a form, or samples as JSON. What cannot be read is answered with status 4xx
and `{"error": {"problem": …, "fix": …}}`."""


def create_app(
    runs: Sequence[str] | Runs,
    *,
    encoder: str | None = None,
    device: str | None = None,
    precision: Precision = "32",
    indexes: Sequence[str] = (),
    settings: Settings | None = None,
) -> FastAPI:
    """The application of some runs.

    Args:
        runs: Folders, each as it is or as NAME=FOLDER; or runs that are loaded.
        encoder, device, precision: See `load_runs`.
        indexes: Folders of mt index, each as it is or as NAME=FOLDER.
        settings: None: the defaults.

    Raises:
        MtError: a run that cannot be loaded, or an index that none of them makes vectors for.
    """
    settings = settings or Settings()
    loaded = runs if isinstance(runs, Runs) else load_runs(runs, encoder=encoder, device=device, precision=precision)
    app = FastAPI(title="mt serve", description=DESCRIPTION, lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.runs, app.state.settings = loaded, settings
    app.state.make_encodes = encoders_here
    app.state.indexes = open_indexes(indexes, loaded)
    app.state.gate = gate = Gate(settings.limits, settings.token)
    add_endpoints(app)
    app.state.metrics = Metrics(frozenset(app.openapi()["paths"]), lambda: gate.num_at_work)
    gate.observe = app.state.metrics.answered
    app.add_middleware(gate.middleware)
    return app


def encoders_here(app: FastAPI) -> Encoders:
    """The encoders of an application, in its own process."""

    def num_coming() -> int:
        return int(app.state.gate.num_at_work) - len(made)

    settings, observe = app.state.settings, app.state.metrics.encoded
    made = Encoders(app.state.runs, app.state.indexes, settings, num_coming=num_coming, observe=observe)
    return made


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Readers first, for they are forked: before there are threads, and before the first connection."""
    runs: Runs = app.state.runs
    settings: Settings = app.state.settings
    with ExitStack() as stack:
        folder = stack.enter_context(folder_of_uploads())
        tokenizers = {run.name: run.model.tokenizer for run in runs}
        readers = stack.enter_context(Readers(tokenizers, folder, settings.limits, settings.readers))
        encodes = stack.enter_context(app.state.make_encodes(app))
        app.state.folder = folder
        app.state.desk = Desk(readers, encodes, settings.limits, app.state.metrics)
        yield
