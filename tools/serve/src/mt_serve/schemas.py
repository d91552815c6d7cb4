"""What answers look like, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Problem(BaseModel):
    """What is wrong, and what to try next."""

    problem: str = Field(examples=["photo.jpg cannot be read (UnidentifiedImageError)"])
    fix: str = Field(examples=["check that the file is whole and one of .jpg .png"])


class Unread(Problem):
    """A source, or a sample of it, that could not be read."""

    source: str = Field(examples=["photo.jpg"])


class Refused(BaseModel):
    """The answer to a request that was refused."""

    error: Problem


class Remarks(BaseModel):
    """What every answer says beside what was asked for."""

    run: str = Field(description="The run that answered.", examples=["photos"])
    errors: list[Unread] = Field(description="What could not be read; the rest was.")
    notices: list[str] = Field(description="What was left out of the data, or taken for something else than it says.")


class Prediction(BaseModel):
    """The prediction of one sample. What else it has depends on the task."""

    model_config = ConfigDict(extra="allow")

    source: str = Field(description="The file, or which of the samples: samples[0].", examples=["photo.jpg"])
    row: int = Field(description="Which of the samples, or of the recordings, of its source, from 0.")
    prediction: Any = Field(
        description="A class, a number, labels, segments, a forecast: as the task is.", examples=["cat"]
    )
    probability: float | None = Field(None, description="Of the class.", examples=[0.93])
    probabilities: dict[str, float] | None = Field(None, description="Of every class.", examples=[{"cat": 0.93}])
    text: str = Field(description="The prediction in one line.", examples=["cat (0.93)"])


class Predictions(Remarks):
    """The answer of `/predict`."""

    predictions: list[Prediction]


class Vector(BaseModel):
    """The vector of one sample."""

    source: str
    row: int
    vector: list[float]


class Vectors(Remarks):
    """The answer of `/embed`."""

    pool: str = Field(description="What the vectors were made by.", examples=["mean"])
    width: int = Field(examples=[192])
    vectors: list[Vector]


class Neighbour(BaseModel):
    """A row of an index, with the columns of its table."""

    model_config = ConfigDict(extra="allow")

    rank: int = Field(description="From 1, best first.")
    score: float | None = Field(None, description="Of cosine and dot: higher is nearer.")
    distance: float | None = Field(None, description="Of l2.")
    modality: str
    source: str = Field(examples=["photos/cat-1.jpg"])
    row: int
    text: str | None = Field(None, description="With `show`: of a text, or why there is nothing to see.")
    picture: str | None = Field(None, description="With `show`: a data URI.")


class Result(BaseModel):
    """What is nearest to one sample."""

    source: str
    row: int
    nearest: list[Neighbour]


class Found(Remarks):
    """The answer of `/search`."""

    index: str
    results: list[Result]


class Searched(BaseModel):
    """An index that is served."""

    name: str = Field(examples=["photos"])
    description: str
    runs: list[str] = Field(description="Those that queries can be read by.")


class Served(BaseModel):
    """A run that is served."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(examples=["photos"])
    modality: str = Field(examples=["image"])
    description: str
    task: dict[str, Any] | None = Field(description="None: the run gives vectors alone.")
    suffixes: list[str] = Field(description="Of the files that it reads.", examples=[[".jpg", ".png"]])
    inputs: list[str] = Field(description="Of its items, where samples have several inputs.")


class Models(BaseModel):
    """The answer of `/models`."""

    runs: list[Served]
    indexes: list[Searched]
    encoders: int = Field(description="How many different encoders stay in memory for all of them.", examples=[1])


_FILES = {
    "type": "object",
    "title": "Upload",
    "properties": {
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "The files to be read. Their suffixes count.",
        },
        "beside": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "Files that belong to those, such as the data beside a header, or the photos of a table.",
        },
        "samples": {"type": "string", "description": "Samples as JSON, which may name files of `beside`."},
    },
}

_SAMPLES = {
    "type": "object",
    "title": "Samples",
    "required": ["samples"],
    "properties": {
        "samples": {
            "type": "array",
            "description": "Each a text, a row by the names of its columns, an item by the names of its inputs, or a "
            "list of numbers.",
            "items": {},
        }
    },
}

REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FILES},
            "application/json": {
                "schema": _SAMPLES,
                "examples": {
                    "texts": {"value": {"samples": ["a fine film", "a waste of time"]}},
                    "rows": {"value": {"samples": [{"age": 39, "education": "Bachelors"}]}},
                    "items": {"value": {"samples": [{"about": "a red bicycle", "price": 120}]}},
                    "series": {"value": {"samples": [[0.1, 0.4, 0.2, 0.5]]}},
                },
            },
        },
    }
}

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refused, "description": "A request that says too little, or something that is not known."},
    401: {"model": Refused, "description": "The token is missing or wrong."},
    404: {"model": Refused, "description": "No such run."},
    408: {"model": Refused, "description": "It took too long."},
    413: {"model": Refused, "description": "It is too long, or holds too many samples."},
    415: {"model": Refused, "description": "Neither a form nor JSON."},
    422: {"model": Refused, "description": "What was sent cannot be read as a sample."},
    429: {"model": Refused, "description": "Too many requests are waiting."},
    503: {"model": Refused, "description": "The server is shutting down."},
}
