"""What holds for every hook, each in the work where users meet it: it is called, it may fail, it has a name."""

import os

import pytest

from mt_core import hooks
from mt_core.cli import main
from mt_core.errors import ContractError, PluginError
from mt_core.plugins import get

ONE_ANSWER = ("mt_tokenize", "mt_encode", "mt_predict")
BROKEN = {"1 / 0": "(ZeroDivisionError: division by zero)", "return 3.5": "a float, not "}


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_a_hook_is_called_in_its_work(hooked, work, hook):
    module = hooked(f"@hookimpl\ndef {hook}():\n    seen.append(1)")
    work.meeting(hook)
    assert module.seen


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_the_hooks_of_a_plugin_that_nobody_asked_for_stay_silent(hooked, work, hook):
    silent = hooked(f"@hookimpl\ndef {hook}():\n    seen.append(1)", "silent")
    hooked()
    if hook == "mt_doctor_lines":  # `mt doctor` itself asks for every plugin
        get("toy"), hooks.gather(hook)
    else:
        work.meeting(hook)
    assert silent.seen == []


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("hook", ONE_ANSWER)
def test_what_wraps_the_work_and_fails_ends_it_by_its_plugins_name(hooked, work, hook, fault):
    hooked(f"@hookimpl\ndef {hook}():\n    {fault}")
    with pytest.raises(PluginError) as caught:
        work.meeting(hook)
    assert caught.value.problem.startswith(f"toy (mt-plugin-toy 1.0): the hook {hook} ")
    assert BROKEN[fault] in caught.value.problem


@pytest.mark.parametrize("hook", ONE_ANSWER)
def test_a_wrapper_that_gives_nothing_back_ends_the_work_by_its_plugins_name(hooked, work, hook):
    hooked(f"@hookimpl(wrapper=True)\ndef {hook}():\n    yield")
    with pytest.raises(PluginError, match=rf"^toy \(mt-plugin-toy 1\.0\): the hook {hook} gave nothing back"):
        work.meeting(hook)


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("hook", [hook for hook in hooks.HOOKS if hook not in ONE_ANSWER])
def test_any_other_hook_that_fails_is_told_once_by_its_plugins_name_and_ends_nothing(hooked, work, told, hook, fault):
    hooked(f"@hookimpl\ndef {hook}():\n    {fault}")
    work.meeting(hook)
    (once,) = told()
    assert once.startswith(f"warning: toy (mt-plugin-toy 1.0): the hook {hook} failed (")
    assert BROKEN[fault] in once and once.endswith("; the work goes on without it")


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_a_ctrl_c_within_a_hook_goes_through(hooked, work, hook):
    hooked(f"@hookimpl\ndef {hook}():\n    raise KeyboardInterrupt")
    if hook == "mt_doctor_lines":
        assert main(["doctor"]) == 130
    else:
        with pytest.raises(KeyboardInterrupt):
            work.meeting(hook)


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_an_argument_that_the_hook_does_not_have_is_refused_when_the_modality_is_asked_for(hooked, work, hook):
    hooked(f"@hookimpl\ndef {hook}(colour): ...")
    with pytest.raises(ContractError, match=r"^toy .*toy_hooks fits no specification .*colour"):
        work.embed()


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_a_misspelt_hook_is_refused_with_the_names_there_are(hooked, work, hook):
    hooked(f"@hookimpl\ndef {hook}s(): ...")
    with pytest.raises(ContractError, match=f"^toy .*unknown hook '{hook}s'") as caught:
        work.embed()
    assert hook in caught.value.fix.partition(";")[0].removeprefix("the hooks are ").split(", ")


def test_hooks_run_in_the_process_of_the_user_also_where_others_read_the_files(hooked, work):
    names = ("mt_tokenize", "mt_encode", "mt_session_start")
    code = "".join(f"@hookimpl\ndef {hook}():\n    seen.append(os.getpid())\n" for hook in names)
    module = hooked(f"import os\n{code}")
    work.embed_files()
    assert module.seen == [os.getpid()] * 3
