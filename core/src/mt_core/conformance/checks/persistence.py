"""A tokenizer is restored from what a run saves of it, and nothing is unpickled."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin
from unittest.mock import patch

import torch
from torch import Tensor

from mt_core.conformance.check import check, expect
from mt_core.conformance.checks.source import unpicklings
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.perturbations import bits
from mt_core.conformance.reload_process import BATCH, read_tensors, save, tensors_of, tokens_in_new_process
from mt_core.contract import Options, Tokenizer
from mt_core.errors import OptionError
from mt_core.model import seeded


@check()
def options_survive_json(plugin: PluginFixture) -> None:
    """The options of tokenizer, dataset and head are written as JSON and parsed: they stay equal. So do the demo's, and
    these with each number, flag and choice in turn changed to another value."""
    for options_class in plugin.options_classes:
        demo = plugin.tokenizer_options if options_class is plugin.tokenizer_class.Options else {}
        for options in _various_options(options_class, demo):
            text = json.dumps(options.model_dump(mode="json"))
            parsed = options_class.parse(json.loads(text))
            lost = [name for name in options_class.model_fields if getattr(parsed, name) != getattr(options, name)]
            expect(
                parsed == options,
                f"{', '.join(f'{name}={getattr(options, name)!r}' for name in lost) or options!r} is not the same "
                f"after JSON ({text[:200]}): give the field a type that JSON preserves, and do not exclude it",
            )


@check(waivable=False)
def state_survives_a_save_in_a_new_process(plugin: PluginFixture) -> None:
    """A tokenizer whose weights were changed is saved as a run saves it: options and calibration as JSON, its state as
    safetensors. A new process restores it without an encoder, without calibrating and with another seed: it gives the
    same tokens for the same batch, bit for bit."""
    tokenizer = plugin.make_tokenizer()
    batch = plugin.batch(tokenizer)
    _change_weights(tokenizer, batch)
    state: dict[str, Any] = tokenizer.state_dict()
    other_values = [name for name, value in state.items() if not isinstance(value, Tensor)]
    expect(
        not other_values,
        f"the state holds {', '.join(other_values)}, which is not a tensor: keep it in a buffer, or in calibration()",
    )
    folder = plugin.folder("saved")
    save(folder, plugin.manifest.tokenizer, tokenizer, batch)
    with torch.no_grad():
        here = tensors_of(tokenizer(read_tensors(folder / BATCH)))
    there, problem = tokens_in_new_process(folder)
    last_lines = "\n".join(problem.strip().splitlines()[-4:])
    expect(not problem, f"the saved tokenizer cannot be restored in a new process:\n{last_lines}")
    changed = differences(here, there)
    expect(
        not changed,
        f"in a new process the tokens differ: {'; '.join(changed)}. Keep all that is learned, drawn, calibrated or "
        "taken from the encoder in parameters and persistent buffers, or in calibration()",
    )


@check()
def a_calibration_restores_the_same_tokenizer(plugin: PluginFixture) -> None:
    """What `calibrate` learned from the demo is written as JSON and given to `restore` of a new tokenizer: it has the
    same state and the same calibration, and gives the same tokens, bit for bit."""
    calibrated = plugin.make_tokenizer(calibrated=False)
    restore = calibrated.restore

    def restore_with_seed(calibration: Mapping[str, Any]) -> None:
        torch.manual_seed(0)  # random numbers in it do not depend on those drawn before
        restore(calibration)

    with seeded(0), patch.object(calibrated, "restore", restore_with_seed):
        calibrated.calibrate(iter(plugin.train_examples))
    learned = calibrated.calibration()
    if not learned:
        needed = "needs_calibration" in plugin.manifest.capabilities
        expect(not needed, "calibration() is empty after calibrate, and plugin.toml declares needs_calibration")
        return
    saved = json.dumps(learned, sort_keys=True)
    restored = plugin.make_tokenizer(calibrated=False)
    with seeded(0):
        restored.restore(json.loads(saved))
    restored.eval()
    calibrated.eval()
    returned = json.dumps(restored.calibration(), sort_keys=True)
    expect(
        returned == saved,
        f"restored from {saved[:200]}, calibration() returns {returned[:200]}: return what restore was given",
    )
    changed = differences(calibrated.state_dict(), restored.state_dict())
    with torch.no_grad():
        changed += differences(tensors_of(plugin.tokens(calibrated)), tensors_of(plugin.tokens(restored)))
    expect(
        not changed,
        f"a restored tokenizer differs from the calibrated one: {'; '.join(changed)}. Let calibrate call restore, and "
        "calibration() return every number in full precision",
    )


@check()
def a_tokenizer_survives_pickling(plugin: PluginFixture) -> None:
    """A tokenizer that has read samples is pickled, as for a data worker: the copy reads, prepares and collates the
    same, and gives the same tokens."""
    tokenizer = plugin.make_tokenizer()
    sources = [plugin.test[index].sample for index in range(min(4, len(plugin.test)))]
    batch = plugin.batch(tokenizer, [tokenizer.read(source) for source in sources])
    try:
        copy: Tokenizer = pickle.loads(pickle.dumps(tokenizer))
    except Exception as error:
        expect(False, f"it cannot be pickled ({error}): hold no open file, lambda or lock; open what is needed in read")
        raise
    copied = plugin.batch(copy, [copy.read(source) for source in sources])
    changed = differences(batch, copied)
    with torch.no_grad():
        changed += differences(tensors_of(tokenizer(batch)), tensors_of(copy(copied)))
    expect(not changed, f"the pickled copy gives other tensors: {'; '.join(changed)}. Pickle all that they depend on")


@check()
def nothing_is_unpickled(plugin: PluginFixture) -> None:
    """No file of the wheel imports pickle or its like, calls torch.load without `weights_only=True` or allows pickles
    in NumPy's files: unpickling a file runs the code in it."""
    modules = plugin.wheel.modules
    expect(bool(modules), "the wheel holds no Python file")
    found = [f"{name}:{line} {what}" for name, tree in modules for line, what in sorted(unpicklings(tree))]
    expect(
        not found,
        f"{'; '.join(found[:5])}: keep data in arrays, JSON or safetensors, and load with weights_only=True or "
        "allow_pickle=False",
    )


def differences(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    """How tensors of the same names differ bit for bit, in words; [] if they do not."""
    found = [f"only one has {name}" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        first, second = one[name].detach(), other[name].detach()
        if first.dtype != second.dtype or first.shape != second.shape:
            found.append(f"{name} is {tuple(first.shape)} {first.dtype} and {tuple(second.shape)} {second.dtype}")
        elif not torch.equal(bits(first), bits(second)):
            unlike = first != second
            found.append(f"{name} differs in {int(unlike.sum())} of {first.numel()} numbers")
    return found


def _change_weights(tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> None:
    """Change every weight that training would change, and the buffers that a pass in training mode changes."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        tokenizer.train()
        tokenizer(batch)
        for parameter in tokenizer.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=draw, dtype=torch.float32)
                parameter.add_((0.05 * noise).to(parameter.dtype))
    tokenizer.eval()


def _various_options(options_class: type[Options], demo: Mapping[str, Any]) -> Iterator[Options]:
    """The defaults, the demo's, and the demo's with one of them changed to another valid value."""
    yield options_class()
    yield options_class.parse(demo)
    for name, field in options_class.model_fields.items():
        value = getattr(options_class.parse(demo), name)
        for other in _other_values(value, field.annotation):
            try:
                yield options_class.parse({**demo, name: other})
            except OptionError:
                continue
            break


def _other_values(value: Any, annotation: Any) -> list[Any]:
    choices = [
        choice
        for each in (annotation, *get_args(annotation))
        if get_origin(each) is Literal
        for choice in get_args(each)
    ]
    if choices:
        return [choice for choice in choices if choice != value]
    if isinstance(value, bool):
        return [not value]
    return [value * 2, value / 2, value + 1] if isinstance(value, int | float) else []
