"""Each fault of the original project's released code has a test here that would have caught it."""

import hashlib
from typing import Any

import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.data.batches import encoding, features_of
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get
from mt_core.plugins.official import OFFICIAL

MODALITIES = tuple(OFFICIAL)


@pytest.fixture(scope="module")
def calibrations() -> dict[str, Any]:
    """What each modality has learned from its demonstration."""
    return {}


@pytest.fixture(params=MODALITIES)
def model(request, encoder, calibrations) -> MetaTransformer:
    """An untrained model of a modality, calibrated where it has to be."""
    plugin = get(request.param)
    tokenizer = make_tokenizer(plugin.tokenizer, encoder, plugin.dataset.demo_options, seed=0)
    if request.param not in calibrations:
        train = plugin.dataset.demo("train", size=64)
        tokenizer.calibrate(train[index] for index in range(len(train)))
        calibrations[request.param] = tokenizer.calibration()
    elif calibrations[request.param]:
        tokenizer.restore(calibrations[request.param])
    return MetaTransformer(request.param, tokenizer, encoder)


def samples(model, number=6):
    test = get(model.modality).dataset.demo("test", size=24)
    return [test[index].sample for index in range(number)]


def items(model, number=6):
    return [model.tokenizer.prepare(model.tokenizer.read(sample)) for sample in samples(model, number)]


def bytes_of(module) -> str:
    digest = hashlib.sha256()
    for tensor in module.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def test_output_depends_on_input(model):
    """Its readout of a constant token gave every graph the same output."""
    vectors = torch.from_numpy(mt.embed(model, samples(model)))
    distances = torch.cdist(vectors, vectors) + torch.eye(len(vectors)) * 1e9
    assert distances.min() > 1e-3


def test_the_batchs_other_members_change_nothing(model):
    """Its attention ran over the batch axis; with it, a sample alone differs from the same sample in company."""
    prepared = items(model)
    with encoding(model, "32"):
        together = features_of(model, prepared).pool("mean+max")
        alone = torch.cat([features_of(model, [item]).pool("mean+max") for item in prepared])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-4)


def test_padding_changes_nothing(model):
    """Its padding mask was dropped on the way to the encoder."""
    with torch.inference_mode():
        tokens = model.tokenizer.eval()(model.tokenizer.collate(items(model, 3)))
        garbage = torch.full((tokens.values.shape[0], 5, tokens.values.shape[2]), torch.nan)
        padded = mt.Tokens(
            torch.cat([tokens.values, garbage], dim=1),
            mask=torch.cat([tokens.real(), torch.zeros(garbage.shape[:2], dtype=torch.bool)], dim=1),
            views=tokens.views,
        )
        torch.testing.assert_close(
            model.encoder(padded).pool("cls+mean+max"), model.encoder(tokens).pool("cls+mean+max"), atol=1e-5, rtol=1e-5
        )


def test_training_changes_the_tokenizer_and_not_a_byte_of_the_encoder(model):
    """Its pretrained weights were overwritten after loading, and its tokenizer was frozen by mistake."""
    encoder_before, tokenizer_before = bytes_of(model.encoder), bytes_of(model.tokenizer)
    train = get(model.modality).dataset.demo("train", size=32)
    mt.fit(model, train, epochs=1, batch_size=16, num_workers=0)
    assert bytes_of(model.encoder) == encoder_before
    assert bytes_of(model.tokenizer) != tokenizer_before


def test_gradients_reach_every_parameter_of_the_tokenizer(model):
    train = get(model.modality).dataset.demo("train", size=64)
    model.attach_head(train.task)
    prepared = [model.tokenizer.prepare(model.tokenizer.read(train[i].sample)) for i in range(16)]
    model.train()
    output = model(model.tokenizer.collate(prepared))
    model.head.loss(output, train.task.stack([train[i].target for i in range(16)])).backward()
    missing = [name for name, parameter in model.tokenizer.named_parameters() if parameter.grad is None]
    assert not missing


def test_parameters_are_those_of_the_assembled_model(model):
    """It counted its trainable parameters before its decoder was built: 19K told, 7.9M true."""
    train = get(model.modality).dataset.demo("train", size=32)
    model.attach_head(train.task)
    counts = model.parameter_counts()
    assert counts.trainable == sum(p.numel() for part in (model.tokenizer, model.head) for p in part.parameters())
    assert counts.frozen == counts.encoder == 12 * (4 * 192 * 192 + 2 * 4 * 192 * 192 + 13 * 192) + 4 * 192


def test_one_encoder_serves_every_modality(encoder):
    """Its ten codebases each loaded their own."""
    fingerprints = {mt.load(name, encoder=encoder).encoder.fingerprint for name in MODALITIES}
    assert fingerprints == {encoder.fingerprint}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_of_any_number_of_channels_are_taken(encoder, channels):
    """It refused pictures of one channel."""
    pixels = torch.randint(0, 256, (20, 30, channels), dtype=torch.uint8).numpy()
    assert mt.embed(mt.load("image", encoder=encoder, size=32), [pixels]).shape == (1, 1536)


@pytest.mark.parametrize("axes", [1, 3, 6, 9])
def test_motion_along_any_number_of_axes_is_taken(encoder, axes):
    """It refused the six axes of a gyroscope beside an accelerometer."""
    recording = np.random.default_rng(0).normal(size=(120, axes))
    assert mt.embed(mt.load("imu", encoder=encoder), [recording]).shape == (1, 1536)


@pytest.mark.parametrize("modality", ["infrared", "xray"])
def test_grey_pictures_are_taken(encoder, modality):
    """It refused pictures of one channel."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    assert mt.embed(mt.load(modality, encoder=encoder, size=32), [pixels]).shape == (1, 1536)


def test_text_becomes_vectors_and_words_matter(encoder):
    """Its text tokenizer gave the numbers of the words."""
    vectors = mt.embed(mt.load("text", encoder=encoder), ["a good film", "a bad film", "a good film"])
    assert vectors.shape == (3, 1536) and vectors.dtype == np.float32
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)


@pytest.mark.parametrize("part", range(4))
def test_every_part_of_a_recording_counts(encoder, part):
    """It pooled sound from its first two patches."""
    random = np.random.default_rng(0)
    wave = 0.1 * random.normal(size=16_000).astype(np.float32)
    other = wave.copy()
    other[part * 4000 : (part + 1) * 4000] = 0.1 * random.normal(size=4000)
    first, second = mt.embed(mt.load("audio", encoder=encoder), [(wave, 16_000), (other, 16_000)])
    assert np.abs(first - second).max() > 1e-3


def renamed(graph, seed):
    """The same graph, its nodes called and ordered otherwise."""
    import networkx

    nodes = list(graph.nodes)
    order = np.random.default_rng(seed).permutation(len(nodes))
    other = networkx.Graph()
    other.add_nodes_from(
        (int(order[position]), graph.nodes[node])
        for position, node in sorted(enumerate(nodes), key=lambda at: order[at[0]])
    )
    place = {node: int(order[position]) for position, node in enumerate(nodes)}
    other.add_edges_from((place[b], place[a], graph.edges[a, b]) for a, b in reversed(list(graph.edges)))
    return other


@pytest.mark.parametrize("kind", ["karate", "hexagon", "star", "complete"])
def test_the_order_of_a_graphs_nodes_means_nothing(encoder, kind):
    import networkx

    make = {
        "karate": networkx.karate_club_graph,
        "hexagon": lambda: networkx.cycle_graph(6),
        "star": lambda: networkx.star_graph(5),
        "complete": lambda: networkx.complete_graph(5),
    }
    graph = make[kind]()
    vectors = mt.embed(mt.load("graph", encoder=encoder), [graph, *(renamed(graph, seed) for seed in range(3))])
    assert np.abs(vectors[1:] - vectors[0]).max() < 1e-4


def test_graphs_of_the_same_size_and_degrees_differ(encoder):
    """Its readout gave every graph the same output."""
    import networkx

    triangles = networkx.disjoint_union(networkx.cycle_graph(3), networkx.cycle_graph(3))
    first, second = mt.embed(mt.load("graph", encoder=encoder), [networkx.cycle_graph(6), triangles])
    assert np.abs(first - second).max() > 1e-3
