"""Which view is taken where the user names none."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from mt_core.contract import Tokenizer
from mt_core.model import default_view
from mt_core.plugins.manifest import Views
from mt_core.sdk.blocks import DrawnTokenizer
from mt_core.training import preparation

TRAINED = SimpleNamespace(native_patch=16, native_size=64, is_trained=True)
RANDOM = SimpleNamespace(native_patch=16, native_size=64, is_trained=False)
WITHOUT_STEM = SimpleNamespace(native_patch=None, is_trained=True)


def plugin(views: Views | None, tokenizer: type[Tokenizer] = DrawnTokenizer) -> Any:
    return SimpleNamespace(manifest=SimpleNamespace(views=views), tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("encoder", "purpose", "expected"),
    [(TRAINED, "embed", "picture"), (TRAINED, "train", "tokens"), (RANDOM, "embed", "picture")],
)
def test_the_manifest_names_a_view_for_each_purpose(encoder: Any, purpose: Any, expected: str) -> None:
    assert default_view(plugin(Views(embed="picture", train="tokens")), encoder, purpose) == {"view": expected}


def test_untrained_encoders_may_have_a_view_of_their_own() -> None:
    views = Views(embed="picture", train="picture", untrained="tokens")
    assert default_view(plugin(views), RANDOM, "train") == {"view": "tokens"}
    assert default_view(plugin(views), TRAINED, "train") == {"view": "picture"}


def test_an_encoder_without_a_patch_embedding_gets_tokens() -> None:
    assert default_view(plugin(Views(embed="picture")), WITHOUT_STEM, "embed") == {}


def test_a_tokenizer_without_views_and_a_manifest_without_them_name_none() -> None:
    assert default_view(plugin(Views(embed="picture"), Tokenizer), TRAINED, "embed") == {}
    assert default_view(plugin(None), TRAINED, "embed") == {}


def test_options_of_another_view_choose_that_view() -> None:
    class Framed(DrawnTokenizer):
        @classmethod
        def suggested_options(cls, encoder: Any) -> dict[str, Any]:
            return {"picture_size": 32}

    own = plugin(Views(embed="picture"), Framed)
    assert default_view(own, TRAINED, "embed", {"picture_patch": 16}) == {"view": "picture"}
    assert default_view(own, TRAINED, "embed", {"picture_patch": 24}) == {}


class _Drawn:
    """A model of a modality that is drawn for vectors and not for training."""

    def __init__(self, view_for: Any) -> None:
        self.modality, self.encoder, self.view_for = "drawn", TRAINED, view_for
        self.tokenizer = SimpleNamespace(options=DrawnTokenizer.Options(view="picture"))


@pytest.mark.parametrize(
    ("view_for", "purpose", "warns"),
    [("embed", "train", True), ("embed", "embed", False), (None, "train", False), ("train", "train", False)],
)
def test_training_on_the_view_that_was_taken_for_vectors_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, view_for: Any, purpose: str, warns: bool
) -> None:
    monkeypatch.setattr(preparation, "get", lambda name: plugin(Views(embed="picture", train="tokens")))
    recipe: Any = SimpleNamespace(purpose=purpose)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        preparation._warn_of_view(_Drawn(view_for), recipe)  # type: ignore[arg-type]
    assert ["purpose='train'" in str(each.message) for each in caught] == [True] * warns
