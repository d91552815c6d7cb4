"""Energy, from files in the layout of Linux' powercap and from a GPU's power."""

import time

import pytest
import torch

from mt_core.training.energy import Energy

CPU = torch.device("cpu")


@pytest.fixture
def zone(tmp_path):
    """Writes a zone of powercap: `zone("intel-rapl:0", "package-0", 5)`."""

    def write(folder, name, microjoules, span=262_143_328_850):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{microjoules}\n")
        (path / "max_energy_range_uj").write_text(f"{span}\n")
        return path

    return write


def test_packages_and_memory_are_added_and_what_they_hold_is_not(zone, tmp_path):
    zone("intel-rapl:0", "package-0", 10_000_000)
    zone("intel-rapl:0:0", "core", 1_000_000)
    zone("intel-rapl:0:1", "dram", 2_000_000)
    zone("intel-rapl:1", "package-1", 0)
    zone("intel-rapl:2", "psys", 0)
    zone("intel-rapl-mmio:0", "package-0", 10_000_000)
    with Energy(CPU, tmp_path) as energy:
        zone("intel-rapl:0", "package-0", 17_000_000)
        zone("intel-rapl:0:0", "core", 6_000_000)
        zone("intel-rapl:0:1", "dram", 2_500_000)
        zone("intel-rapl:1", "package-1", 1_000_000)
        zone("intel-rapl:2", "psys", 50_000_000)
        zone("intel-rapl-mmio:0", "package-0", 17_000_000)
    assert energy.joules == {"processors": 8.5}


def test_a_counter_that_begins_again_goes_on(zone, tmp_path):
    zone("intel-rapl:0", "package-0", 990_000, span=999_999)
    with Energy(CPU, tmp_path) as energy:
        zone("intel-rapl:0", "package-0", 10_000, span=999_999)
    assert energy.joules == {"processors": 0.02}


def test_a_counter_that_goes_around_twice_is_looked_at_in_between(zone, tmp_path):
    zone("intel-rapl:0", "package-0", 0, span=999_999)
    with Energy(CPU, tmp_path, seconds=0.01) as energy:
        for value in (600_000, 200_000, 800_000, 400_000):
            (tmp_path / "intel-rapl:0/energy_uj.new").write_text(str(value))
            (tmp_path / "intel-rapl:0/energy_uj.new").rename(tmp_path / "intel-rapl:0/energy_uj")
            time.sleep(0.1)
    assert energy.joules == {"processors": 2.4}


def test_nothing_is_said_where_nothing_can_be_read(zone, tmp_path):
    with Energy(CPU, tmp_path) as energy:
        pass
    assert energy.joules == {}
    (zone("intel-rapl:0", "package-0", 0) / "energy_uj").unlink()  # as unreadable as it is without root
    with Energy(CPU, tmp_path) as energy:
        pass
    assert energy.joules == {}
    zone("intel-rapl:0", "package-0", "garbage")
    with Energy(CPU, tmp_path) as energy:
        pass
    assert energy.joules == {}


def test_a_counter_that_goes_away_is_not_half_counted(zone, tmp_path):
    path = zone("intel-rapl:0", "package-0", 0)
    zone("intel-rapl:1", "package-1", 0)
    with Energy(CPU, tmp_path) as energy:
        zone("intel-rapl:1", "package-1", 50_000_000)
        (path / "energy_uj").unlink()
    assert energy.joules == {}


def test_the_power_of_a_gpu_is_added_up_over_time(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "power_draw", lambda device: 200_000)  # milliwatts
    started = time.monotonic()
    with Energy(torch.device("cuda"), tmp_path, seconds=0.02) as energy:
        time.sleep(0.2)
    assert 200 * 0.2 <= energy.joules["gpu"] <= 200 * (time.monotonic() - started)


def test_a_gpu_that_does_not_tell_its_power_is_left_out(tmp_path, monkeypatch):
    def missing(device):
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed")

    monkeypatch.setattr(torch.cuda, "power_draw", missing)
    with Energy(torch.device("cuda"), tmp_path) as energy:
        pass
    assert energy.joules == {}
