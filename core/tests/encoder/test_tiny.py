"""The encoder that comes with the package: the one that was released, to the bit."""

import hashlib

import pytest
import torch

from mt_core.cli import main
from mt_core.encoder import DEFAULT_ENCODER, load_encoder, tiny
from mt_core.errors import FingerprintError


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """A function: the bundled file with some bytes changed takes its place."""

    def place(change):
        content = bytearray(tiny.FILE.read_bytes())
        change(content)
        path = tmp_path / tiny.FILE.name
        path.write_bytes(content)
        monkeypatch.setattr(tiny, "FILE", path)

    return place


def test_it_is_the_default_and_is_trained_and_frozen():
    encoder = load_encoder()
    assert encoder.name == DEFAULT_ENCODER == "mt-tiny"
    assert encoder.is_trained and encoder.is_frozen
    assert (encoder.depth, encoder.width, encoder.num_heads, encoder.positions_grid) == (12, 192, 3, (14, 14))
    assert "pretrained on formula-drawn pictures" in encoder.description


def test_it_is_not_the_random_control():
    assert load_encoder("mt-tiny").fingerprint != load_encoder("random/vit_tiny_patch16_224").fingerprint


def test_its_file_is_float16_and_about_eleven_megabytes():
    from safetensors.torch import load_file

    assert {tensor.dtype for tensor in load_file(tiny.FILE).values()} == {torch.float16}
    assert 10e6 < tiny.FILE.stat().st_size < 12e6


def test_the_hash_in_code_and_in_the_command_is_that_of_the_file(capsys):
    found = hashlib.sha256(tiny.FILE.read_bytes()).hexdigest()
    assert main(("info", "mt-tiny")) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert tiny.SHA256 == found
    assert f"SHA-256 of the file {found}" in told
    assert f"fingerprint {load_encoder('mt-tiny').fingerprint}" in told


@pytest.mark.parametrize("place", [0, 9, 5000, 5_000_000, -1])
@pytest.mark.parametrize("bit", [0, 7])
def test_one_flipped_bit_is_refused(copied, place, bit):
    def flip(content):
        content[place] ^= 1 << bit

    copied(flip)
    with pytest.raises(FingerprintError, match="not the file that was released") as caught:
        load_encoder("mt-tiny")
    assert "force-reinstall" in caught.value.fix


@pytest.mark.parametrize("keep", [0, 100, 1_000_000])
def test_a_file_that_is_cut_off_is_refused(copied, keep):
    def cut(content):
        del content[keep:]

    copied(cut)
    with pytest.raises(FingerprintError, match="not the file that was released"):
        load_encoder("mt-tiny")


def test_a_missing_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(tiny, "FILE", tmp_path / "none.safetensors")
    with pytest.raises(FingerprintError, match="SHA-256 is none"):
        load_encoder()


def test_a_file_of_this_name_in_the_folder_at_hand_does_not_take_its_place(monkeypatch, tmp_path):
    (tmp_path / "mt-tiny").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert load_encoder("mt-tiny").is_trained
