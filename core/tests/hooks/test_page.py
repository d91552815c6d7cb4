"""The examples of the authors' page on hooks, put together to one plugin's module and used."""

import re
from pathlib import Path

import pytest

import mt_core as mt
from mt_core.hooks import calls as hooks

PAGE = Path(__file__).parents[3] / "docs" / "authors" / "hooks.md"


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_the_pages_example_of_a_hook_works(hooked, work, told, hook):
    page = PAGE.read_text(encoding="utf-8").replace('"sonar"', '"toy"')
    hooked("\n".join(re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)))
    called = []

    def watch(name, implementations, arguments):
        called.extend((name, impl.plugin_name) for impl in implementations)

    stop = hooks._in_use().manager.add_hookcall_monitoring(watch, lambda *_: None)
    work.model()
    work.meeting(hook)
    stop()
    assert (hook, "toy (mt-plugin-toy 1.0)") in called
    assert told() == []


def test_the_pages_metric_and_encoder_are_there(hooked, work):
    page = PAGE.read_text(encoding="utf-8")
    hooked("\n".join(re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)))
    assert "kappa" in work.evaluate()
    assert mt.load("toy", encoder="sonar/small").encoder.width == 384
