"""Vectors are computed once, and again whenever one bit of what they depend on is another."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.data import pooled_vectors
from mt_core.data.cache_folder import cache_contents, cache_limit, clear_cache, features_folder, without_cache
from mt_core.data.feature_cache import FeatureCache
from mt_core.data.pooled_vectors import PooledVectors, sample_key
from mt_core.errors import MtWarning, OptionError

pytestmark = pytest.mark.usefixtures("feature_cache")


def key(number):
    return number.to_bytes(16, "little")


def vectors(*numbers):
    return np.array([[number, number / 7, -number] for number in numbers], np.float32)


def filled(*numbers, identity=None, **settings):
    """A cache with the vectors of some numbers on disk."""
    cache = FeatureCache(identity or {"encoder": "a"}, **settings)
    cache.put([key(number) for number in numbers], vectors(*numbers))
    cache.flush()
    return cache


def found(*numbers, identity=None):
    """Those of the numbers that a new cache object has, each checked against what was put in."""
    got = FeatureCache(identity or {"encoder": "a"}).get([key(number) for number in numbers])
    for number, vector in zip(numbers, got, strict=True):
        assert vector is None or (vector == vectors(number)[0]).all()
    return [number for number, vector in zip(numbers, got, strict=True) if vector is not None]


def files():
    return sorted(features_folder().glob("*/*.parquet"))


def test_what_was_put_is_got_to_the_bit_by_another_cache_of_the_identity_and_by_no_other():
    filled(1, 2, 3)
    assert found(1, 2, 3, 4) == [1, 2, 3]
    assert found(1, 2, 3, identity={"encoder": "b"}) == []


def test_a_file_is_never_changed():
    filled(1)
    before = files()[0].read_bytes()
    filled(2)
    assert files()[0].read_bytes() == before
    assert found(1, 2) == [1, 2]


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"", lambda whole: b"x" * 90])
def test_a_torn_file_is_left_out_and_removed(damage):
    filled(1)
    filled(2)
    torn = files()[0]
    torn.write_bytes(damage(torn.read_bytes()))
    assert found(1, 2) == [2]
    assert torn not in files()


def test_a_flipped_bit_within_a_vector_is_noticed():
    filled(*range(500))
    path = files()[0]
    content = bytearray(path.read_bytes())
    at = content.find(vectors(250).tobytes())
    content[at + 1] ^= 1
    path.write_bytes(content)
    assert FeatureCache({"encoder": "a"}).get([key(250)]) == [None]


def test_what_a_kill_leaves_unfinished_is_not_read_and_goes_in_time():
    filled(1)
    left = files()[0].with_suffix(".parquet.unfinished")
    left.write_bytes(b"half")
    assert found(1) == [1] and left.exists()
    other = features_folder() / ("0" * 32) / "1.parquet.unfinished"
    other.parent.mkdir()
    other.write_bytes(b"half")
    os.utime(other, (0, 0))
    filled(2)
    assert not other.exists()


def test_two_processes_that_write_at_once_lose_nothing():
    code = """
import sys
import numpy as np
from mt_core.data.feature_cache import FeatureCache
for number in range(int(sys.argv[1]), int(sys.argv[1]) + 10):
    cache = FeatureCache({"encoder": "a"})
    cache.get([number.to_bytes(16, "little")])
    cache.put([number.to_bytes(16, "little")], np.array([[number, number / 7, -number]], np.float32))
    cache.flush()
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(first)]) for first in (0, 10)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert found(*range(20)) == list(range(20))


def test_many_small_files_become_one():
    for number in range(70):
        filled(number)
    assert found(*range(70)) == list(range(70))
    assert len(files()) == 1


def test_beyond_the_limit_the_files_unused_for_longest_go():
    for number in range(3):
        filled(number)
    for used, path in enumerate(files()):
        os.utime(path, (used, used))
    assert found(0) == [0]  # used now
    filled(3, limit=sum(path.stat().st_size for path in files()))
    assert found(0, 1, 2, 3) == [0, 2, 3]


def test_with_a_limit_of_nothing_nothing_is_kept(monkeypatch):
    filled(1, limit=0)
    assert files() == []
    with without_cache():
        filled(2)
    assert files() == [] and "MT_CACHE_BYTES" not in os.environ


def test_a_cache_that_cannot_be_written_is_a_warning_and_no_error(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.warns(MtWarning, match="not kept"):
        cache = filled(1)
    assert cache.get([key(1)]) == [None]


@pytest.mark.parametrize(("text", "limit"), [("2G", 2 << 30), ("1.5 k", 1536), ("10", 10), ("0", 0), ("3MiB", 3 << 20)])
def test_the_limit_is_a_number_of_bytes(monkeypatch, text, limit):
    monkeypatch.setenv("MT_CACHE_BYTES", text)
    assert cache_limit() == limit


@pytest.mark.parametrize("text", ["much", "-1", "G", "nan", "b", "ib", "-"])
def test_another_limit_is_refused(monkeypatch, text):
    monkeypatch.setenv("MT_CACHE_BYTES", text)
    with pytest.raises(OptionError, match="MT_CACHE_BYTES"):
        cache_limit()


def test_the_contents_are_counted_and_can_be_cleared():
    filled(1, 2)
    filled(3, identity={"encoder": "b"})
    assert {row["encoder"]: row["vectors"] for row in cache_contents()} == {"a": 2, "b": 1}
    assert clear_cache() > 0
    assert cache_contents() == [] and files() == []


def test_what_is_not_the_caches_in_a_folder_that_was_named_stays():
    mine = features_folder() / "mine" / "1.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"x" * 1000)
    filled(1, limit=1)
    filled(2)
    assert cache_contents()[0]["vectors"] == 1
    clear_cache()
    assert mine.read_bytes() == b"x" * 1000 and files() == [mine]


def test_an_identity_that_is_no_table_is_not_told_and_no_error():
    filled(1)
    (files()[0].parent / "identity.json").write_text("[1]")
    assert [(row["vectors"], "encoder" in row) for row in cache_contents()] == [(1, False)]


def test_what_cannot_be_removed_is_an_error_and_not_counted_as_removed(monkeypatch):
    filled(1)
    monkeypatch.setattr("shutil.rmtree", lambda folder, ignore_errors: None)
    with pytest.raises(OptionError, match="cannot be emptied"):
        clear_cache()


def test_a_torn_file_that_cannot_be_removed_is_left_out(monkeypatch):
    filled(1)
    filled(2)
    files()[0].write_bytes(b"")

    def refused(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.unlink", refused)
    assert found(1, 2) == [2]


def test_files_that_another_process_merges_meanwhile_are_left_out(monkeypatch):
    for number in range(70):
        filled(number)
    cache, listed = FeatureCache({"encoder": "a"}), files()
    monkeypatch.setattr("pathlib.Path.glob", lambda *_: list(listed))
    for path in listed[:10]:
        path.unlink()
    got = cache.get([key(number) for number in range(70)])
    assert [vector is not None for vector in got] == [False] * 10 + [True] * 60


# what vectors depend on


@pytest.fixture
def model(toy, small_encoder):
    return mt.load("toy", encoder=small_encoder)


def items_of(model, *series):
    return [model.tokenizer.prepare(model.tokenizer.read(np.asarray(one, np.float32))) for one in series]


SERIES = ([1, 2, 3, 4, 5, 6, 7, 8], [4, 3, 2, 1])


def num_computed(model, items, pool="mean", precision="32"):
    with PooledVectors(model, pool, precision) as pooled:
        pooled.of(items)
        return pooled.num_computed


def test_vectors_from_the_cache_are_those_that_were_computed(model):
    items = items_of(model, *SERIES)
    with PooledVectors(model, "mean", "32") as pooled:
        first = pooled.of(items)
    with PooledVectors(model, "mean", "32") as pooled:
        assert (pooled.of(items[::-1])[::-1] == first).all()
        assert pooled.num_computed == 0
    with torch.inference_mode():
        alone = [model.encode(model.tokenizer.collate([item])).pool("mean")[0].numpy() for item in items]
    np.testing.assert_allclose(first, alone, atol=1e-5)


def test_only_what_is_new_is_computed(model):
    num_computed(model, items_of(model, SERIES[0]))
    assert num_computed(model, items_of(model, *SERIES)) == 1


def change_a_weight(part):
    with torch.no_grad():
        next(part.parameters()).view(-1)[0] += 1e-7


def test_one_changed_weight_of_the_tokenizer_is_a_miss(model):
    items = items_of(model, *SERIES)
    num_computed(model, items)
    change_a_weight(model.tokenizer)
    assert num_computed(model, items) == 2


def test_one_changed_weight_of_the_encoder_is_a_miss(model):
    items = items_of(model, *SERIES)
    num_computed(model, items)
    change_a_weight(model.encoder.blocks)
    model.encoder.freeze(description="changed")
    assert num_computed(model, items) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"pool": "max"}),
        ({}, {"pool": "cls"}),
        ({"options": {"noise": 0.05}}, {"options": {"noise": 0.06}}),
        ({}, {"layers": (1, 2)}),
    ],
)
def test_one_changed_option_is_a_miss(toy, small_encoder, first, second):
    def computed(pool="mean", layers=None, options=None):
        model = mt.load("toy", encoder=small_encoder, layers=layers, **(options or {}))
        return num_computed(model, items_of(model, *SERIES), pool)

    assert [computed(**settings) for settings in (first, second, first, second)] == [2, 2, 0, 0]


@pytest.mark.parametrize("distribution", ["mt-core", "torch", "timm"])
def test_another_version_of_what_computes_is_a_miss(model, monkeypatch, distribution):
    items = items_of(model, *SERIES)
    num_computed(model, items)
    installed = pooled_vectors.version
    monkeypatch.setattr(pooled_vectors, "version", lambda name: "9.9" if name == distribution else installed(name))
    assert num_computed(model, items) == 2


def test_another_calibration_is_a_miss(model, monkeypatch):
    items = items_of(model, *SERIES)
    num_computed(model, items)
    monkeypatch.setattr(type(model.tokenizer), "calibration", lambda self: {"scale": 2.0})
    assert num_computed(model, items) == 2


def test_one_changed_number_of_a_sample_is_a_miss(model):
    num_computed(model, items_of(model, *SERIES))
    nearly = np.nextafter(np.float32(1), np.float32(2))
    assert num_computed(model, items_of(model, [nearly, *SERIES[0][1:]], SERIES[1])) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"x": torch.tensor([1.0, 2.0]).view(torch.int32)},
        {"x": torch.tensor([[1.0, 2.0]])},
        {"y": torch.tensor([1.0, 2.0])},
        {"x": torch.tensor([1.0, 2.0]), "y": torch.empty(0)},
        {"x": torch.tensor([2.0, 1.0])},
    ],
)
def test_names_types_and_shapes_are_in_the_key(other):
    assert sample_key({"x": torch.tensor([1.0, 2.0])}) != sample_key(other)


def test_a_key_does_not_depend_on_how_tensors_lie_in_memory():
    grid = torch.arange(6.0).reshape(2, 3)
    assert sample_key({"x": grid, "n": torch.tensor(3)}) == sample_key(
        {"n": torch.tensor(3), "x": grid.T.contiguous().T}
    )
