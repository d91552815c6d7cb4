"""Every reader, whatever the bytes: a sample, or an error of ours that names the file and says what to try."""

import warnings
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt_core.contract.sources import or_raise
from mt_core.errors import MtError
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL

SUFFIXES = [(name, suffix) for name in OFFICIAL for suffix in get(name).manifest.suffixes]
NATIVE = {".laz"}
"""Formats whose library may end its process: read by worker processes, whose tests are with the workers."""

TEXT = st.text(st.sampled_from("0123456789.,;:+-eE \t\n\"'#%$nNaA{}[]()<>=/\\|é\0"), max_size=200)


@cache
def tokenizer_of(modality: str):
    return get(modality).tokenizer(16)


@pytest.fixture(scope="module")
def valid(tmp_path_factory) -> dict[tuple[str, str], bytes]:
    """A valid file of each suffix that its plugin writes, by modality and suffix."""
    found = {}
    for name in OFFICIAL:
        folder = tmp_path_factory.mktemp(name)
        for path in get(name).dataset.example_files(folder):
            for suffix in get(name).manifest.suffixes:
                if path.is_file() and path.name.lower().endswith(suffix):
                    found[name, suffix] = path.read_bytes()[:200_000]
    return found


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """The content cut off, or with some bytes replaced, doubled or left out."""
    place = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, 40))
    what = data.draw(st.sampled_from(["cut", "replace", "double", "leave out"]))
    if what == "cut":
        return content[:place]
    if what == "replace":
        return content[:place] + data.draw(st.binary(max_size=40)) + content[place + length :]
    return (
        content[:place] + (content[place : place + length] * 2 if what == "double" else b"") + content[place + length :]
    )


@pytest.mark.parametrize(("modality", "suffix"), SUFFIXES)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_a_sample_or_an_error_of_ours(modality, suffix, valid, tmp_path, data):
    if suffix in NATIVE:
        pytest.skip(f"{suffix} is read by worker processes alone")
    kinds = ["bytes", "text", "damaged"] if (modality, suffix) in valid else ["bytes", "text"]
    kind = data.draw(st.sampled_from(kinds))
    if kind == "damaged":
        content = damaged(data, valid[modality, suffix])
    else:
        content = data.draw(st.binary(max_size=200)) if kind == "bytes" else data.draw(TEXT).encode()
    path = Path(tmp_path) / f"file{suffix}"
    path.write_bytes(content)
    tokenizer = tokenizer_of(modality)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for number, sample in enumerate(or_raise(tokenizer.stream(path))):
                if modality != "tabular":  # whose columns are known after calibration alone
                    tokenizer.prepare(sample)
                if number == 3:
                    break
        except MtError as error:
            assert error.problem and error.fix
