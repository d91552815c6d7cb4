"""Records that go to disk behind the first."""

from __future__ import annotations

import tracemalloc

import pytest

from mt_core.errors import RunError
from mt_core.io import kept_records
from mt_core.io.kept_records import KeptRecords

RECORDS = [{"row": row, "prediction": f"class {row % 3}", "source": "s\udce9.npy"} for row in range(7)]


@pytest.mark.parametrize("most", [0, 3, 7, 100])
def test_records_come_back_in_order_wherever_they_are(most):
    with KeptRecords(most) as kept:
        for record in RECORDS:
            kept.append(record)
        assert len(kept) == 7 and list(kept) == RECORDS
        assert (kept[0], kept[-1], kept[2:5]) == (RECORDS[0], RECORDS[-1], RECORDS[2:5])
        kept.append({"row": 7})  # also after some were read
        assert kept[7] == {"row": 7} and kept[5] == RECORDS[5]
        with pytest.raises(IndexError):
            kept[8]


def test_memory_does_not_grow_with_what_a_record_holds():
    with KeptRecords(10) as kept:
        tracemalloc.start()
        for row in range(2000):
            kept.append({"row": row, "text": "x" * 1000})
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(kept) == 2000 and kept[1999]["row"] == 1999
    assert grown < 200_000  # of two million characters


def test_a_full_temporary_folder_is_named(monkeypatch):
    full = open("/dev/full", "w+b", buffering=0)
    monkeypatch.setattr(kept_records.tempfile, "TemporaryFile", lambda **_: full)
    with (
        KeptRecords(0) as kept,
        pytest.raises(RunError, match=r"the temporary folder \S+ cannot be written to \(No space left") as refused,
    ):
        kept.append({"row": 0})
    assert "TMPDIR" in refused.value.fix
