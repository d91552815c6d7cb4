"""What `make demo` shows, with seconds of training a modality."""

import pytest

from mt_core.demo import run_demo
from mt_core.plugins.official import OFFICIAL


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_modality_has_a_row_and_one_encoder_serves_them_all(encoder, tmp_path):
    before = encoder.fingerprint
    rows, errors = run_demo(encoder, tmp_path, seconds_each=6, tell=print)
    assert not errors
    assert {row.modality for row in rows} == set(OFFICIAL)
    assert all("(real)" in row.source or "(synthetic)" in row.source for row in rows)
    assert all(row.tokens > 1 and row.frozen == rows[0].frozen and row.trainable < row.frozen for row in rows)
    page = (tmp_path / "report.html").read_text()
    assert all(f"<h2>{name}</h2>" in page for name in OFFICIAL) and before in page
    encoder.verify()
