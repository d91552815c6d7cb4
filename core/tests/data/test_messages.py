import multiprocessing
import threading

import numpy as np
import pytest
import torch

from mt_core.data.messages import receive, send
from mt_core.errors import InputError


def across(message):
    """A message as it comes out of a pipe; a pipe holds less than some of them."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with receiver, sender:
        thread = threading.Thread(target=send, args=(sender, message))
        thread.start()
        received = receive(receiver)
        thread.join()
    return received


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32, torch.float16, torch.bfloat16, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (3, 5), (300, 400)])
def test_a_tensor_arrives_as_it_was_and_can_be_written_to(shape, dtype):
    tensor = torch.randint(0, 2, shape).to(dtype)
    received = across({"tensor": tensor})["tensor"]
    assert received.dtype == dtype and torch.equal(received, tensor)
    received.zero_()


def test_a_view_arrives_as_what_is_seen_of_it():
    tensor = torch.arange(240_000).reshape(400, 600)
    for view in (tensor.T, tensor[::2, 1::3], tensor[0].expand(300, -1)):
        assert torch.equal(across(view), view)


def test_what_is_no_tensor_arrives_too():
    message = [np.arange(5), {"name": ("a", None)}, InputError("a.png is empty", fix="copy it again")]
    array, named, error = across(message)
    assert array.tolist() == list(range(5)) and named == {"name": ("a", None)}
    assert (type(error), error.problem, error.fix) == (InputError, "a.png is empty", "copy it again")


def test_gradients_stay_behind():
    assert not across(torch.ones(3, requires_grad=True)).requires_grad


def test_the_end_of_the_sender_is_an_end_of_file():
    receiver, sender = multiprocessing.Pipe(duplex=False)
    sender.close()
    with receiver, pytest.raises(EOFError):
        receive(receiver)
