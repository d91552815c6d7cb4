"""Training within Ray Train: its workers are the processes of one training."""

import numpy as np
import pytest
from PIL import Image

import mt_core as mt

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]


@pytest.fixture
def data(tmp_path):
    """Dark and bright pictures."""
    random = np.random.default_rng(0)
    for name, (low, high) in {"dark": (0, 150), "bright": (100, 255)}.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(21):
            picture = random.integers(low, high, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"


def make_train():
    """What each worker runs; `fit` finds out by itself that there are two. A function in a function, so that workers
    need no file of tests."""

    def train(config):
        import mt_core as mt

        model = mt.load("image", encoder="none/vit_tiny_patch16_224", purpose="train", size=16, patch=8)
        mt.fit(model, config["data"], out=config["out"], **config["settings"])

    return train


@pytest.fixture
def by_ray(tmp_path, monkeypatch):
    """Run that in two workers of Ray Train on this machine."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_TRAIN_V2_ENABLED", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    ray = pytest.importorskip("ray")
    trainers = pytest.importorskip("ray.train.torch")
    from ray.train import RunConfig, ScalingConfig

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")

    def run(config):
        trainers.TorchTrainer(
            make_train(),
            train_loop_config=config,
            scaling_config=ScalingConfig(num_workers=2),
            torch_config=trainers.TorchConfig(backend="gloo"),
            run_config=RunConfig(storage_path=str(tmp_path / "ray")),
        ).fit()

    yield run
    ray.shutdown()


def test_two_workers_of_ray_train_give_what_one_process_gives(by_ray, data, tmp_path):
    settings = {"epochs": 2, "batch_size": 8, "num_workers": 0}
    make_train()({"data": str(data), "out": str(tmp_path / "alone"), "settings": settings})
    by_ray({"data": str(data), "out": str(tmp_path / "together"), "settings": settings})
    from mt_core.training.run_record import read_history, read_record

    alone, together = tmp_path / "alone", tmp_path / "together"
    assert read_record(together)["status"] == "complete" and read_record(together)["recipe"]["devices"] == 2
    for one, two in zip(read_history(alone), read_history(together), strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-3)
        assert two["val_accuracy"] == one["val_accuracy"]
    assert mt.load_run(together).head.classes == mt.load_run(alone).head.classes
