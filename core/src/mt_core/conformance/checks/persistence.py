"""What a run keeps of a tokenizer is all of it, and holds no code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin
from unittest.mock import patch

import torch
from torch import Tensor

from mt_core.conformance import reload_process
from mt_core.conformance.check import check, expect
from mt_core.conformance.checks.source import unpicklings
from mt_core.conformance.fixture import PluginFixture
from mt_core.conformance.perturbations import bits
from mt_core.contract import Tokenizer, TokenizerOptions
from mt_core.errors import OptionError
from mt_core.model import seeded


@check()
def options_survive_json(subject: PluginFixture) -> None:
    """The tokenizer's options, with the defaults, with those of the demonstration and with each number, switch and
    choice in turn at another value, are written as JSON and parsed again: they come out equal."""
    options_class = subject.plugin.tokenizer.Options
    for options in _some_options(options_class, subject.plugin.dataset.demo_options):
        text = json.dumps(options.model_dump(mode="json"))
        again = options_class.parse(json.loads(text))
        lost = [name for name in options_class.model_fields if getattr(again, name) != getattr(options, name)]
        expect(
            again == options,
            f"{', '.join(f'{name}={getattr(options, name)!r}' for name in lost) or options!r} is not the same after "
            f"JSON ({text[:200]}): give the field a type that JSON keeps, and do not exclude it",
        )


@check(waivable=False)
def state_survives_a_save_in_a_fresh_process(subject: PluginFixture) -> None:
    """A tokenizer whose weights were moved is kept as a run keeps it: options and calibration as JSON, its state in
    safetensors. A new process, which adopts nothing, calibrates nothing and draws from another seed, makes it again:
    it gives the same tokens for the same batch, bit for bit."""
    tokenizer = subject.tokenizer()
    batch = subject.batch(tokenizer)
    _move(tokenizer, batch)
    state: dict[str, Any] = tokenizer.state_dict()
    no_tensors = [name for name, value in state.items() if not isinstance(value, Tensor)]
    expect(
        not no_tensors,
        f"the state holds {', '.join(no_tensors)}, which is no tensor: keep it in a buffer, or in calibration()",
    )
    folder = subject.folder("fresh")
    reload_process.keep(folder, subject.manifest.tokenizer, tokenizer, batch)
    with torch.no_grad():
        here = reload_process.tensors_of(tokenizer(reload_process.read_tensors(folder / reload_process.BATCH)))
    done = reload_process.in_new_process("-m", "mt_core.conformance.reload_process", str(folder), folder=folder)
    said = "\n".join(done.stderr.strip().splitlines()[-4:])
    expect(done.returncode == 0, f"what a run keeps makes no tokenizer in a new process:\n{said}")
    changed = differences(here, reload_process.read_tensors(folder / reload_process.TOKENS))
    expect(
        not changed,
        f"in a new process the tokens are others: {'; '.join(changed)}. Keep all that is learned, drawn, adopted or "
        "calibrated in parameters and persistent buffers, or in calibration()",
    )


@check()
def a_calibration_restores_the_same_tokenizer(subject: PluginFixture) -> None:
    """What `calibrate` learned from the demonstration goes through JSON into `restore` of a new tokenizer: it has the
    same state, says the same calibration and gives the same tokens, bit for bit."""
    calibrated = subject.tokenizer(calibrated=False)
    restore = calibrated.restore

    def restore_from_the_seed(calibration: Mapping[str, Any]) -> None:
        torch.manual_seed(0)  # what is drawn here is drawn alike, however much was drawn before
        restore(calibration)

    with seeded(0), patch.object(calibrated, "restore", restore_from_the_seed):
        calibrated.calibrate([subject.train[index] for index in range(len(subject.train))])
    learned = calibrated.calibration()
    if not learned:
        needed = "needs_calibration" in subject.manifest.capabilities
        expect(not needed, "calibration() says nothing after calibrate, and plugin.toml declares needs_calibration")
        return
    kept = json.dumps(learned, sort_keys=True)
    restored = subject.tokenizer(calibrated=False)
    with seeded(0):
        restored.restore(json.loads(kept))
    restored.eval()
    calibrated.eval()
    said = json.dumps(restored.calibration(), sort_keys=True)
    expect(
        said == kept, f"restored from {kept[:200]}, calibration() says {said[:200]}: give back what restore was given"
    )
    changed = differences(calibrated.state_dict(), restored.state_dict())
    with torch.no_grad():
        changed += differences(
            reload_process.tensors_of(subject.tokens(calibrated)), reload_process.tensors_of(subject.tokens(restored))
        )
    expect(
        not changed,
        f"a restored tokenizer is not the one that was calibrated: {'; '.join(changed)}. End calibrate in restore, and "
        "let calibration() give every number in full",
    )


@check()
def a_tokenizer_survives_pickling(subject: PluginFixture) -> None:
    """A tokenizer that has read goes to a data worker by pickling: the copy reads, prepares and collates the same, and
    gives the same tokens."""
    tokenizer = subject.tokenizer()
    sources = [subject.test[index].sample for index in range(min(4, len(subject.test)))]
    batch = subject.batch(tokenizer, [tokenizer.read(source) for source in sources])
    try:
        copy: Tokenizer = pickle.loads(pickle.dumps(tokenizer))
    except Exception as error:
        expect(False, f"it cannot be pickled ({error}): hold no open file, lambda or lock; open what is needed in read")
        raise
    again = subject.batch(copy, [copy.read(source) for source in sources])
    changed = differences(batch, again)
    with torch.no_grad():
        changed += differences(reload_process.tensors_of(tokenizer(batch)), reload_process.tensors_of(copy(again)))
    expect(not changed, f"the pickled copy gives another batch: {'; '.join(changed)}. Pickle all that it depends on")


@check()
def nothing_is_unpickled(subject: PluginFixture) -> None:
    """No file of the wheel imports a pickler, calls torch.load without `weights_only=True` or allows pickles in NumPy's
    files: a file that is unpickled runs whatever its author wrote into it."""
    modules = list(subject.shipped.modules())
    expect(bool(modules), "the wheel holds no Python file")
    found = [f"{name}:{line} {what}" for name, tree in modules for line, what in sorted(unpicklings(tree))]
    expect(
        not found,
        f"{'; '.join(found[:5])}: keep data in arrays, JSON or safetensors, and load with weights_only=True or "
        "allow_pickle=False",
    )


def differences(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    """How tensors of the same names differ bit for bit, in words; [] where they do not."""
    told = [f"only one has {name}" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        first, second = one[name].detach(), other[name].detach()
        if first.dtype != second.dtype or first.shape != second.shape:
            told.append(f"{name} is {tuple(first.shape)} {first.dtype} and {tuple(second.shape)} {second.dtype}")
        elif not torch.equal(bits(first), bits(second)):
            unlike = first != second
            told.append(f"{name} differs in {int(unlike.sum())} of {first.numel()} numbers")
    return told


def _move(tokenizer: Tokenizer, batch: Mapping[str, Tensor]) -> None:
    """Change every weight that training would change, and what a pass in training mode changes of itself."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        tokenizer.train()
        tokenizer(batch)
        for parameter in tokenizer.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=draw, dtype=torch.float32)
                parameter.add_((0.05 * noise).to(parameter.dtype))
    tokenizer.eval()


def _some_options(options_class: type[TokenizerOptions], demo: Mapping[str, Any]) -> Iterator[TokenizerOptions]:
    """The defaults, those of the demonstration, and these with one at another value that it takes."""
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
