"""A model as one traced program."""

import pytest
import torch
from torch import nn

from mt_core.contract import Tokenizer, Tokens
from mt_core.data.reading import prepare
from mt_export.answers import outputs_of
from mt_export.errors import ExportError
from mt_export.graph import traced
from mt_export.shapes import Shapes
from mt_export.signature import signature_of, signature_of_alike, signature_of_scene


class _Words(Tokenizer):
    """A token a number; their count varies."""

    def __init__(self, width, options=None):
        super().__init__(width, options)
        self.project = nn.Linear(1, width)

    def prepare(self, sample, generator=None):
        return {"numbers": torch.tensor(sample).float(), "unread": torch.zeros(3)}

    def forward(self, batch):
        return Tokens(self.project(batch["numbers"].unsqueeze(-1)), batch.get("numbers_mask"))


class _Counting(_Words):
    """Looks at values to decide how many tokens there are."""

    def forward(self, batch):
        tokens = super().forward(batch)
        kept = int(batch["numbers"].abs().max()) + 1
        return Tokens(tokens.values[:, :kept], None if tokens.mask is None else tokens.mask[:, :kept])


@pytest.fixture
def items():
    return [_Words(8).prepare([float(at)] * length) for at, length in enumerate((3, 5, 2, 5))]


def test_inputs_and_what_varies_of_them_are_found_from_batches(items):
    signature = signature_of(_Words(8), items)
    assert signature.varying == {"numbers": (0, 1), "numbers_mask": (0, 1), "unread": (0,)}
    assert signature.stacked == {"numbers", "numbers_mask", "unread"}
    alone = signature.complete(_Words(8).collate(items[:1]))
    assert alone["numbers_mask"].tolist() == [[True, True, True]]


def test_an_input_that_some_batches_lack_is_refused_unless_it_is_a_mask(items):
    class Sometimes(_Words):
        def collate(self, items):
            batch = super().collate(items)
            return batch if len(items) == 1 else {**batch, "lengths": torch.ones(len(items))}

    with pytest.raises(ExportError, match="puts 'lengths' into some batches only"):
        signature_of(Sometimes(8), items)


def test_views_vary_though_all_samples_have_as_many():
    class Squares(_Words):
        def forward(self, batch):
            return Tokens(self.project(batch["pixels"].flatten(0, 1).unsqueeze(-1)), views=batch["pixels"].shape[1])

    item = {"pixels": torch.zeros(1, 4), "size": torch.tensor([6, 7])}
    signature = signature_of_alike(Squares(8), [item, item], ("size",))
    assert signature.varying == {"pixels": (0, 1), "size": (0,)}
    assert signature.example["pixels"].shape == (2, 2, 4), "an extent of 1 would be taken for one that never changes"
    assert signature.axes == {"pixels": {0: "batch", 1: "views"}, "size": {0: "batch"}}
    assert signature.alike == {"size"}


def test_blocks_their_tokens_and_points_of_scenes_vary_though_a_scene_has_one_of_each():
    class Blocks(_Words):
        def forward(self, batch):
            groups = batch["groups"].flatten(0, 1)
            return Tokens(self.project(groups), views=batch["groups"].shape[1])

    item = {"groups": torch.zeros(1, 1, 1), "places": torch.zeros(1, 3), "counts": torch.tensor([1])}
    signature = signature_of_scene(Blocks(8), {**item, "size": torch.tensor([1])}, ("size",))
    assert signature.varying == {"groups": (1, 2), "places": (1,), "counts": (1,), "size": ()}
    assert signature.axes["groups"] == {1: "blocks", 2: "tokens"} and signature.axes["counts"] == {1: "blocks"}
    assert signature.example["groups"].shape == (1, 2, 2, 1) and signature.example["counts"].tolist() == [[1, 1]]


@pytest.mark.slow
def test_one_program_computes_samples_of_any_number_and_length(make_model):
    """Texts of other lengths than those that were traced, alone and together, as the model itself packs them."""
    model = make_model("text").requires_grad_(False)
    texts = ["good", "a bad film and a long one, which nobody liked", "fine, I liked it"]
    items = [prepare(model.tokenizer, text) for text in texts]
    outputs = outputs_of(model.head)
    program, signature = traced(model, signature_of(model.tokenizer, items), outputs)
    assert "words_mask" not in signature.names, "it says what ids_mask says, and is not read"
    module = program.module()
    other = ["so so", "the best of all that I have ever seen, and I have seen some. " * 2]
    for chosen in (other, other[:1], texts + other):
        batch = model.tokenizer.collate([prepare(model.tokenizer, text) for text in chosen])
        scores, probabilities, vector = module(*signature.complete(batch).values())
        torch.testing.assert_close(scores, model(batch), atol=1e-5, rtol=0)
        torch.testing.assert_close(probabilities, model(batch).softmax(-1), atol=1e-5, rtol=0)
        torch.testing.assert_close(vector, model.encode(batch).pooled, atol=1e-5, rtol=0)
    shapes = Shapes(program, signature, [output.name for output in outputs])
    assert shapes.inputs["ids"] == shapes.inputs["ids_mask"] == ["batch", "ids_1"]
    assert shapes.outputs["scores"] == ["batch", 2]


def test_a_tokenizer_that_depends_on_values_is_refused_by_its_name(tabular, items):
    model = tabular.with_encoder(tabular.encoder)
    model.tokenizer = _Counting(192)
    with pytest.raises(ExportError, match=r"^_Counting of this tabular model cannot be traced") as caught:
        traced(model, signature_of(model.tokenizer, items), outputs_of(model.head))
    assert "mt_core.load_run" in caught.value.fix
