"""Small models: an encoder of two blocks, and heads as they were drawn."""

import pytest
from safetensors.torch import save_file

import mt_core as mt
from mt_core.encoder import load_encoder
from mt_core.encoder.plain_vit import build_vit
from mt_core.encoder.random_weights import draw_weights
from mt_core.plugins import get
from mt_explain.explaining import samples_of
from mt_explain.one_sample import OneSample, explaining


@pytest.fixture(scope="session")
def encoder_file(tmp_path_factory):
    """An encoder of two blocks, 192 wide."""
    vit = build_vit("vit_tiny_patch16_224", depth=2)
    tensors = vit.state_dict()
    draw_weights(tensors, 0)
    path = tmp_path_factory.mktemp("encoder") / "two.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(scope="session")
def model_of(encoder_file):
    """A modality's model, calibrated on its demonstration, with a head as it was drawn: `model_of("text")`."""
    made = {}

    def make(name, **options):
        key = (name, *options.items())
        if key not in made:
            dataset = get(name).dataset
            train = dataset.demo("train", size=12, seed=0)
            chosen = {**dataset.demo_options, **options}
            model = mt.load(name, encoder=load_encoder(encoder_file), purpose="train", **chosen)
            model.tokenizer.calibrate(train[index] for index in range(len(train)))
            model.attach_head(train.task).calibrate(train.targets())
            made[key] = model
        return made[key]

    return make


@pytest.fixture
def sample_of():
    """A sample as a model sees it: `sample_of(model, source)`, with gradients."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def look(model, source):
            stack.enter_context(explaining(model))
            _, _, sample, item = next(samples_of(model, [source]))
            return OneSample(model, sample, item)

        yield look


@pytest.fixture(scope="session")
def text_run(encoder_file, tmp_path_factory):
    """A run on texts of two classes, and a table of two texts."""
    folder = tmp_path_factory.mktemp("texts")
    texts = [f"{word} {filler} day" for word in ("good", "bad") for filler in ("a", "the", "one", "this")]
    labels = ["up"] * 4 + ["down"] * 4
    model = mt.load("text", encoder=load_encoder(encoder_file), purpose="train")
    mt.fit(model, texts, labels, out=folder / "run", epochs=1, num_workers=0, batch_size=4)
    table = folder / "texts.tsv"
    table.write_text("sentence\na good unbelievableness\nthe bad day\n")
    return folder / "run", table
