"""What is to be predicted is found from the labels: where it is given as an option, the refusal says so."""

import pytest

import mt_core as mt
from mt_core.errors import OptionError
from mt_core.plugins import get

MODALITIES = "audio graph hyperspectral image imu infrared pointcloud tabular text timeseries video xray".split()


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_task_given_as_a_word_is_refused(modality, tmp_path):
    with pytest.raises(OptionError, match=r"the task is 'classification'.*\n.*found from the labels"):
        get(modality).dataset.open(tmp_path, task="classification")


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_task_given_as_an_option_of_the_data_is_refused(modality, tmp_path, encoder):
    model = mt.load(modality, encoder=encoder)
    with pytest.raises(OptionError, match=r"no option 'task' of the data.*\n.*found from the labels"):
        mt.fit(model, tmp_path, data_options={"task": "classification"})
