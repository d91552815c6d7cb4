"""The tokens of an item are those that each modality gives, one after another."""

import json
from itertools import chain, combinations

import pytest
import torch

import mt_core as mt
from mt_core.contract import Example
from mt_core.errors import DataWarning, InputError, OptionError
from mt_core.model import MetaTransformer, make_tokenizer
from mt_core.plugins import get
from mt_fusion.fused.tokenizer import FusedTokenizer
from mt_fusion.items.item import ReadItem

INPUTS = {"photo": "image", "about": "text", "facts": "tabular"}


@pytest.fixture(scope="module")
def encoder():
    return mt.load_encoder()


@pytest.fixture(scope="module")
def items():
    pixels = torch.Generator().manual_seed(0)
    return [
        {
            "photo": torch.randint(0, 255, (32, 32, 3), generator=pixels, dtype=torch.uint8).numpy(),
            "about": f"thing number {at} of many",
            "facts": {"price": float(at), "size": float(at % 3)},
        }
        for at in range(8)
    ]


@pytest.fixture(scope="module")
def model(encoder, items):
    made = mt.load(INPUTS, encoder=encoder)
    made.tokenizer.calibrate([Example(item) for item in items])
    with torch.no_grad():
        made.tokenizer.input_vectors.copy_(torch.randn(3, 192, generator=torch.Generator().manual_seed(1)))
    return made.eval()


def tokens_of(model, items):
    tokenizer = model.tokenizer
    return tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(item)) for item in items]))


SUBSETS = list(chain.from_iterable(combinations(INPUTS, count) for count in (1, 2, 3)))


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
def test_an_item_has_the_tokens_of_the_inputs_that_are_there_and_no_others(model, items, names):
    item = {name: items[3][name] for name in names}
    tokens = tokens_of(model, [item])
    expected = []
    for number, name in enumerate(INPUTS):
        if name in names:
            own = model.tokenizer.tokenizer_of(name)
            alone = own(own.collate([own.prepare(own.read(item[name]))]))
            expected.append(alone.values[0] + model.tokenizer.input_vectors[number])
    torch.testing.assert_close(tokens.values[tokens.mask], torch.cat(expected), rtol=0, atol=1e-6)


def test_a_batch_of_different_subsets_gives_what_each_item_gives_alone(model, items):
    mixed = [{name: item[name] for name in SUBSETS[at % 7]} for at, item in enumerate(items)]
    together = mt.embed(model, mixed, pool="mean")
    alone = torch.cat([torch.from_numpy(mt.embed(model, [item], pool="mean")) for item in mixed])
    torch.testing.assert_close(torch.from_numpy(together), alone, rtol=0, atol=1e-5)


def test_the_mean_of_an_item_weighs_its_inputs_equally_whatever_tokens_they_have(model, items):
    features = model.encode(model.tokenizer.collate([model.tokenizer.prepare(model.tokenizer.read(items[0]))]))
    parts = [features.tokens[0][features.parts[0] == part] for part in range(3)]
    assert len({len(part) for part in parts}) > 1
    torch.testing.assert_close(features.pooled[0], torch.stack([part.mean(0) for part in parts]).mean(0))


def test_inputs_stand_side_by_side_in_a_vector_and_an_absent_one_is_zeros(model, items):
    kept = {name: items[0][name] for name in ("photo", "facts")}
    features = model.encode(model.tokenizer.collate([model.tokenizer.prepare(model.tokenizer.read(kept))]))
    photo, about, facts = features.pool("mean", 3)[0].chunk(3)
    of = {part: features.tokens[0][features.parts[0] == part] for part in (0, 2)}
    torch.testing.assert_close(photo, of[0].mean(0))
    torch.testing.assert_close(facts, of[2].mean(0))
    assert not about.any()
    maxima = [of[0].amax(0), torch.zeros(192), of[2].amax(0)]
    torch.testing.assert_close(features.pool("max", 3)[0], torch.cat(maxima))


def test_late_fusion_encodes_each_input_alone(encoder, items):
    late = mt.load(INPUTS, encoder=encoder, fusion="late")
    late.tokenizer.calibrate([Example(item) for item in items])
    features = late.encode(late.tokenizer.collate([late.tokenizer.prepare(late.tokenizer.read(items[0]))]))
    vectors, is_there = features.pool_views("mean")
    text = MetaTransformer("text", late.tokenizer.tokenizer_of("about"), encoder)
    alone = torch.from_numpy(mt.embed(text, ["thing number 0 of many"], pool="mean"))[0]
    assert is_there.tolist() == [[True, True, True]]
    torch.testing.assert_close(vectors[0, 1], alone, rtol=0, atol=1e-5)


def test_two_inputs_may_be_of_one_modality_and_one_input_may_be_several_files(encoder, tmp_path):
    from PIL import Image

    for name, colour in (("a", 10), ("b", 200)):
        Image.new("RGB", (32, 32), (colour,) * 3).save(tmp_path / f"{name}.png")
    model = mt.load({"front": "image", "back": "image"}, encoder=encoder)
    a, b = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    one = tokens_of(model, [{"front": [a, b]}])
    two = tokens_of(model, [{"front": a, "back": b}])
    torch.testing.assert_close(one.values[one.mask], two.values[two.mask])


def test_inputs_are_left_out_in_training_and_never_all(model, items):
    tokenizer = model.tokenizer
    read = tokenizer.read({name: items[0][name] for name in ("photo", "about")})
    generator = torch.Generator().manual_seed(0)
    sets = [tokenizer.inputs_in(tokenizer.prepare(read, generator)) for _ in range(200)]
    left_out = sum(name not in each for each in sets for name in ("photo", "about")) / 400
    assert () not in sets
    assert 0.05 < left_out < 0.15  # 0.1, less what would have left out all
    assert tokenizer.inputs_in(tokenizer.prepare(read)) == ("photo", "about")


def test_kept_inputs_are_the_item_without_the_others(model, items):
    tokenizer = model.tokenizer
    whole = tokenizer.prepare(tokenizer.read(items[1]))
    kept = tokenizer.keep_inputs(whole, ["about"])
    alone = tokenizer.prepare(tokenizer.read({"about": items[1]["about"]}))
    assert kept.keys() == alone.keys() and all(torch.equal(kept[name], alone[name]) for name in kept)
    assert tokenizer.keep_inputs(alone, ["photo"]) is None


def test_options_of_one_input_are_named_with_a_point(encoder):
    model = mt.load({"photo": "image"}, encoder=encoder, **{"photo.size": 32})
    assert model.tokenizer.tokenizer_of("photo").options.size == 32


def test_each_input_has_the_options_its_modality_would_have(encoder):
    alone = mt.load("image", encoder=encoder).tokenizer.options
    assert mt.load({"photo": "image"}, encoder=encoder).tokenizer.tokenizer_of("photo").options == alone


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"photo": None, "about": None}, "none of its inputs"),
        ({"phto": "a.png", "about": "words"}, "unknown input 'phto'; did you mean photo?"),
        ({"photo": "absent.png"}, "photo: absent.png does not exist"),
        (7, "is no item"),
    ],
)
def test_what_is_no_item_is_refused(model, item, says):
    with pytest.raises(InputError, match=says):
        model.tokenizer.read(item)


def test_without_inputs_it_says_how_to_name_them(encoder):
    empty = make_tokenizer(get("fused").tokenizer, encoder, {}, 0)
    with pytest.raises(OptionError, match="no inputs are named"):
        empty.read({"photo": "a.png"})


def test_a_text_longer_than_a_name_of_a_file_is_a_text(model):
    text = "a word " * 60  # 420 characters
    assert model.tokenizer.inputs_in(model.tokenizer.prepare(model.tokenizer.read({"about": text}))) == ("about",)


@pytest.mark.parametrize("nothing", [None, "", "  ", float("nan"), [], {}], ids=repr)
def test_what_says_that_there_is_nothing_is_a_missing_input(model, nothing):
    assert list(model.tokenizer.read({"photo": nothing, "about": "words"})) == ["about"]


def test_several_files_are_read_alike_in_a_cell_in_a_list_and_in_an_array(model, tmp_path):
    import numpy as np
    from PIL import Image

    paths = [str(tmp_path / f"{name}.png") for name in "ab"]
    for path in paths:
        Image.new("RGB", (16, 16)).save(path)
    for given in (";".join(paths), paths, [*paths, None], np.array(paths)):
        assert len(model.tokenizer.read({"photo": given})["photo"]) == 2


def test_the_rows_of_a_data_frame_are_items(model):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"about": ["a text", None], "photo": [None, "lost.png"]})
    first, second = model.tokenizer.stream(frame)
    assert list(first) == ["about"]
    assert isinstance(second, InputError) and "row 1: photo: lost.png does not exist" in second.problem


def test_a_key_that_is_no_input_is_left_out_with_a_warning(model):
    with pytest.warns(DataWarning, match="weight, which is no input"):
        assert list(model.tokenizer.read({"about": "words", "weight": 3})) == ["about"]


def test_a_row_that_cannot_be_used_is_named_with_its_place(model):
    item = ReadItem({"facts": [{"price": "abc", "size": 1.0}]}, filename="new.csv, line 7")
    with pytest.raises(InputError, match=r"new\.csv, line 7: facts: column 'price' holds 'abc'"):
        model.tokenizer.prepare(item)


def test_no_inputs_are_refused():
    with pytest.raises(OptionError, match="a mapping of no inputs"):
        mt.load({})


def test_the_files_of_a_table_are_those_of_all_rows_and_what_lies_beside_them(tmp_path):
    rows = [{"words": "no scene"}, {"scene": "a.hdr", "words": "a"}, {"scene": "b.mat"}]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, rows)))
    scene = {"modality": "hyperspectral", "columns": ["scene"], "holds": "files"}
    words = {"modality": "text", "columns": ["words"], "holds": "cells"}
    tokenizer = FusedTokenizer(8, FusedTokenizer.Options.parse({"inputs": {"scene": scene, "words": words}}))
    found = tokenizer.files_beside(str(tmp_path / "items.jsonl"))
    assert {str(tmp_path / name) for name in ("a.hdr", "a.img", "b.mat")} <= set(found)
    assert tokenizer.files_beside(str(tmp_path / "absent.csv")) == []
