import json

import pytest
import torch
from safetensors.torch import load_file

import mt_core as mt
from mt_core.contract import Example
from mt_core.data.precision import has_bf16
from mt_core.errors import FingerprintError, InputError, OptionError, RunError
from mt_core.plugins import get

pytestmark = pytest.mark.usefixtures("toy")
QUICK = {"epochs": 2, "batch_size": 8, "num_workers": 0, "lr": 1e-2}


@pytest.fixture
def model(small_encoder):
    return mt.load("toy", encoder=small_encoder)


def demo(split="train", size=48):
    return get("toy").dataset.demo(split, size=size)


def weights_of(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


class Interrupting:
    """A dataset that is interrupted at its nth sample."""

    def __init__(self, dataset, at):
        self.dataset, self.left = dataset, at
        self.make = type("Dataset", (type(dataset),), {"__getitem__": self._get})

    def _get(self, index):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.dataset[index]

    def __call__(self):
        made = object.__new__(self.make)
        made.__dict__.update(self.dataset.__dict__)
        self.make.__getitem__ = lambda _, index: self._get(index)
        return made


def test_the_tokenizer_and_the_head_learn_and_the_encoder_does_not(model):
    before = {part: weights_of(getattr(model, part)) for part in ("tokenizer", "encoder")}
    result = mt.fit(model, demo(), **QUICK)
    assert not same(before["tokenizer"], weights_of(model.tokenizer))
    assert same(before["encoder"], weights_of(model.encoder))
    assert result.metrics["accuracy"] > result.baseline["accuracy"]


def test_every_parameter_of_the_tokenizer_gets_a_gradient(model):
    data = demo(size=4)
    model.attach_head(data.task)
    model.train()
    items = [model.tokenizer.prepare(model.tokenizer.read(data[i].sample)) for i in range(4)]
    model.head.loss(model(model.tokenizer.collate(items)), torch.tensor([0, 1, 0, 1])).backward()
    assert all(parameter.grad is not None for parameter in model.tokenizer.parameters())
    assert all(parameter.grad is None for parameter in model.encoder.parameters())


def test_a_probe_trains_the_head_alone(model):
    before = weights_of(model.tokenizer)
    result = mt.fit(model, demo(), tune="probe", head={"hidden": 8}, **QUICK)
    assert same(before, weights_of(model.tokenizer))
    counts = model.parameter_counts()
    assert counts.trainable == counts.head
    assert len(result.history) == 2


@pytest.mark.usefixtures("feature_cache")
def test_a_probe_reads_features_from_the_cache_the_second_time(model, monkeypatch, small_encoder):
    mt.fit(model, demo(), tune="probe", **QUICK)
    again = mt.load("toy", encoder=small_encoder)
    monkeypatch.setattr(type(again), "encode", lambda *_: pytest.fail("a feature was computed twice"))
    mt.fit(again, demo(), tune="probe", **QUICK)


def test_full_tuning_trains_the_encoder_and_keeps_its_weights_in_the_run(model, tmp_path, small_encoder_file):
    before = weights_of(model.encoder)
    mt.fit(model, demo(), tune="full", out=tmp_path / "run", encoder_lr=1e-3, **QUICK)
    assert not same(before, weights_of(model.encoder))
    loaded = mt.load_run(tmp_path / "run", encoder=small_encoder_file)
    assert same(weights_of(loaded.encoder), weights_of(model.encoder))
    assert loaded.encoder.is_frozen


def test_a_run_holds_tokenizer_and_head_only(model, tmp_path):
    mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    names = load_file(tmp_path / "run" / "weights.safetensors").keys()
    assert {name.split(".")[0] for name in names} == {"tokenizer", "head"}
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {"run.json", "weights.safetensors", "metrics.csv", "report.html"}


def test_a_loaded_run_predicts_what_the_trained_model_predicted(model, tmp_path, small_encoder):
    mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    samples = [demo("test", size=5)[i].sample for i in range(5)]
    assert mt.predict(mt.load_run(tmp_path / "run", encoder=small_encoder), samples) == mt.predict(model, samples)


def test_parameters_are_counted_on_the_assembled_model(model, tmp_path):
    mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    written = json.loads((tmp_path / "run" / "run.json").read_text())["parameters"]
    counted = load_file(tmp_path / "run" / "weights.safetensors")
    buffers = {f"head.{name}" for name, _ in model.head.named_buffers()}
    assert written["trainable"] == sum(t.numel() for name, t in counted.items() if name not in buffers)
    assert written["frozen"] == written["encoder"] == sum(p.numel() for p in model.encoder.parameters())


def test_a_run_refuses_another_encoder(model, tmp_path):
    mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    altered = mt.load_encoder(model.encoder.name)
    with torch.no_grad():
        next(altered.blocks.parameters()).add_(1e-3)
    altered.freeze(description="altered")
    with pytest.raises(FingerprintError, match=r"trained on the encoder"):
        mt.load_run(tmp_path / "run", encoder=altered)


def test_an_encoder_that_changed_during_training_is_found_out(model, tmp_path, monkeypatch):
    tokenizer_class = type(model.tokenizer)
    forward = tokenizer_class.forward

    def meddling(self, batch):
        with torch.no_grad():
            next(model.encoder.blocks.parameters()).add_(1e-3)
        return forward(self, batch)

    monkeypatch.setattr(tokenizer_class, "forward", meddling)
    with pytest.raises(FingerprintError, match="changed"):
        mt.fit(model, demo(), out=tmp_path / "run", **QUICK)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small_encoder):
    def trained(seed):
        model = mt.load("toy", encoder=small_encoder)
        mt.fit(model, demo(), seed=seed, **QUICK)
        return weights_of(model.tokenizer)

    first = trained(0)
    assert same(first, trained(0))
    assert not same(first, trained(1))


@pytest.mark.parametrize("interrupted_at", [50, 100])
def test_an_interrupted_run_goes_on_to_the_same_result(small_encoder, tmp_path, interrupted_at):
    settings = {**QUICK, "epochs": 3}
    train, val = demo(size=40), demo("val", size=16)
    whole = mt.load("toy", encoder=small_encoder)
    expected = mt.fit(whole, train, val, out=tmp_path / "whole", **settings)

    model = mt.load("toy", encoder=small_encoder)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        mt.fit(model, Interrupting(train, interrupted_at)(), val, out=tmp_path / "run", **settings)
    resumed = mt.load("toy", encoder=small_encoder)
    result = mt.fit(resumed, train, val, out=tmp_path / "run", resume=True, **settings)
    assert same(weights_of(resumed.tokenizer), weights_of(whole.tokenizer))
    assert same(weights_of(resumed.head), weights_of(whole.head))
    assert result.metrics == expected.metrics
    assert [row["train_loss"] for row in result.history] == [row["train_loss"] for row in expected.history]


def test_a_run_is_not_resumed_with_other_settings(model, small_encoder, tmp_path):
    train = demo(size=40)
    with pytest.raises(KeyboardInterrupt):
        mt.fit(model, Interrupting(train, 60)(), demo("val", size=8), out=tmp_path / "run", **QUICK)
    with pytest.raises(RunError, match=r"other settings \(recipe\)"):
        other = {**QUICK, "lr": 1e-3}
        mt.fit(
            mt.load("toy", encoder=small_encoder),
            train,
            demo("val", size=8),
            out=tmp_path / "run",
            resume=True,
            **other,
        )


def test_a_complete_run_is_not_trained_again_nor_written_over(model, small_encoder, tmp_path):
    first = mt.fit(model, demo(), out=tmp_path / "run", **QUICK)
    other = mt.load("toy", encoder=small_encoder)
    again = mt.fit(other, demo(), out=tmp_path / "run", resume=True, **QUICK)
    assert again.was_complete and not first.was_complete
    assert (again.metrics, again.baseline) == (first.metrics, first.baseline)
    assert [row["val_loss"] for row in again.history] == [row["val_loss"] for row in first.history]
    assert same(weights_of(other.tokenizer), weights_of(model.tokenizer))
    with pytest.raises(RunError, match="other settings"):
        mt.fit(model, demo(), out=tmp_path / "run", resume=True, **{**QUICK, "lr": 1e-3})
    with pytest.raises(RunError, match="holds a run already"):
        mt.fit(model, demo(), out=tmp_path / "run", **QUICK)


def test_a_folder_with_something_else_in_it_is_left_alone(model, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="holds no run"):
        mt.fit(model, demo(), out=tmp_path, overwrite=True, **QUICK)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_early_stopping_ends_before_the_last_epoch(model):
    result = mt.fit(model, demo(), epochs=30, patience=1, batch_size=48, num_workers=0, lr=1e-6)
    assert len(result.history) < 30


def test_the_best_epoch_is_what_is_kept(model, tmp_path):
    result = mt.fit(
        model, demo(), demo("val", size=16), out=tmp_path / "run", epochs=4, batch_size=8, num_workers=0, lr=3e-2
    )
    best = max(row["val_accuracy"] for row in result.history)
    assert result.metrics["accuracy"] == best
    assert mt.evaluate(model, demo("val", size=16))["accuracy"] == pytest.approx(best)


def test_of_equally_accurate_epochs_the_one_of_the_lowest_loss_is_kept(model):
    result = mt.fit(model, demo(), demo("val", size=8), epochs=6, batch_size=8, num_workers=0, lr=3e-3)
    best = max(row["val_accuracy"] for row in result.history)
    equals = [row["val_loss"] for row in result.history if row["val_accuracy"] == best]
    assert len(equals) > 1
    assert result.metrics["loss"] == min(equals)


def test_the_last_epoch_can_be_kept_whatever_it_reached(model):
    result = mt.fit(model, demo(), demo("val", size=8), keep="last", epochs=4, batch_size=8, num_workers=0, lr=3e-2)
    assert result.metrics["loss"] == result.history[-1]["val_loss"]
    assert mt.evaluate(model, demo("val", size=8))["loss"] == pytest.approx(result.history[-1]["val_loss"])


def test_a_resumed_run_begins_after_the_last_epoch_and_not_after_the_best(model, small_encoder, tmp_path):
    train, val = demo(size=16), demo("val", size=8)
    settings = {"epochs": 6, "batch_size": 8, "num_workers": 0, "lr": 1e-9}  # nothing gets better after the first epoch
    with pytest.raises(KeyboardInterrupt):
        mt.fit(model, Interrupting(train, 5 * 16 + 3)(), val, out=tmp_path / "run", **settings)
    resumed, counting = mt.load("toy", encoder=small_encoder), Interrupting(train, 10**9)
    mt.fit(resumed, counting(), val, out=tmp_path / "run", resume=True, **settings)
    assert 10**9 - counting.left == 16  # the samples of one epoch


@pytest.mark.parametrize("is_resumed", [False, True])
def test_energy_is_told_of_a_whole_training_alone(model, small_encoder, tmp_path, monkeypatch, is_resumed):
    class Meter:
        def __init__(self, device):
            self.joules = {"gpu": 5.0}

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("mt_core.training.fitting.Energy", Meter)
    train, val = demo(size=16), demo("val", size=8)
    settings = {"epochs": 2, "batch_size": 8, "num_workers": 0, "out": tmp_path / "run"}
    if is_resumed:
        with pytest.raises(KeyboardInterrupt):
            mt.fit(model, Interrupting(train, 16 + 3)(), val, **settings)
        model = mt.load("toy", encoder=small_encoder)
    mt.fit(model, train, val, resume=is_resumed, **settings)
    told = json.loads((tmp_path / "run" / "run.json").read_text())["energy"]
    assert told == ({} if is_resumed else {"gpu": 5.0})


def test_an_unreadable_sample_ends_training_with_its_own_error(model):
    data = demo(size=16)
    data.samples[3] = "missing.npy"
    with pytest.raises(InputError, match=r"missing\.npy"):
        mt.fit(model, data, demo("val", size=8), **QUICK)


@pytest.mark.filterwarnings("ignore::mt_core.errors.MtWarning")
@pytest.mark.parametrize("part", ["training", "validation"])
def test_where_none_can_be_read_that_is_what_is_said(model, part):
    train, val = demo(size=16), demo("val", size=8)
    broken = train if part == "training" else val
    broken.samples[:] = ["missing.npy"] * len(broken)
    with pytest.raises(InputError, match=rf"none of the {part} samples can be read; missing\.npy"):
        mt.fit(model, train, val, skip_unreadable=True, **QUICK)


def test_a_run_is_resumed_with_another_number_of_workers(model, small_encoder, tmp_path):
    train, val = demo(size=40), demo("val", size=8)
    with pytest.raises(KeyboardInterrupt):
        mt.fit(model, Interrupting(train, 60)(), val, out=tmp_path / "run", **QUICK)
    other = mt.load("toy", encoder=small_encoder)
    result = mt.fit(other, train, val, out=tmp_path / "run", resume=True, **{**QUICK, "num_workers": 1})
    assert len(result.history) == QUICK["epochs"]


def test_an_unreadable_sample_can_be_left_out_with_a_warning(model):
    data = demo(size=16)
    data.samples[3] = "missing.npy"
    with pytest.warns(UserWarning, match=r"missing\.npy: skipped: does not exist"):
        mt.fit(model, data, demo("val", size=8), skip_unreadable=True, **QUICK)


def test_reader_processes_give_the_same_training_as_none(small_encoder):
    def trained(num_workers):
        model = mt.load("toy", encoder=small_encoder)
        mt.fit(model, demo(), demo("val", size=16), **{**QUICK, "num_workers": num_workers})
        return weights_of(model.tokenizer)

    assert same(trained(0), trained(2))


def test_missing_targets_are_trained_around(model):
    data = demo(size=24)
    data.labels[5] = None
    assert mt.fit(model, data, demo("val", size=8), **QUICK).history[-1]["train_loss"] > 0


def test_examples_are_prepared_alike_for_the_same_seed_epoch_and_position(model):
    from mt_core.data.loader import Loader

    def prepared(epoch):
        loader = Loader(demo(), model.tokenizer, batch_size=1, num_workers=0, train_seed=3)
        return loader._order.positions(epoch), [batch["inputs"]["patches"] for batch in loader.epoch(epoch)]

    def at(position, epoch):
        order, patches = prepared(epoch)
        return patches[order.index(position)]

    assert torch.equal(at(5, epoch=0), at(5, epoch=0))
    assert not torch.equal(at(5, epoch=0), at(5, epoch=1))


def test_held_out_parts_are_disjoint_and_keep_the_classes():
    from mt_core.data.subsets import hold_out

    data = demo(size=50)
    train, val = hold_out(data, 0.2, seed=0)
    assert sorted(train.indices + val.indices) == list(range(50))
    assert set(val.targets()) == {0, 1}
    assert isinstance(val[0], Example)


def test_bfloat16_is_refused_where_the_machine_would_only_emulate_it(model, monkeypatch):
    monkeypatch.setattr("mt_core.data.precision.has_bf16", lambda device: False)
    with pytest.raises(OptionError, match="use precision 32"):
        mt.fit(model, demo(), precision="bf16")


def test_bfloat16_trains_where_the_machine_has_it(model):
    if not has_bf16(torch.device("cpu")):
        pytest.skip("this processor has no bfloat16 arithmetic")
    result = mt.fit(model, demo(), precision="bf16", **QUICK)
    assert result.metrics["accuracy"] > result.baseline["accuracy"]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("step", ["fit", "evaluate", "embed"])
def test_samples_are_prepared_in_full_precision_whatever_the_encoder_computes_in(model, monkeypatch, tmp_path, step):
    if not has_bf16(torch.device("cpu")):
        pytest.skip("this processor has no bfloat16 arithmetic")
    collate, seen = type(model.tokenizer).collate, []

    def watched(tokenizer, items):
        seen.append(torch.is_autocast_enabled("cpu"))
        return collate(tokenizer, items)

    monkeypatch.setattr(type(model.tokenizer), "collate", watched)
    mt.fit(model, demo(), tune="probe" if step == "fit" else "frozen", precision="bf16", **QUICK)
    if step == "evaluate":
        mt.evaluate(model, demo("test"), precision="bf16", num_workers=0)
    elif step == "embed":
        samples = [example.sample for example in (demo("test")[index] for index in range(4))]
        mt.embed_files(model, samples, tmp_path / "v.parquet", precision="bf16", num_workers=0)
    assert seen and not any(seen)
