"""Texts as written pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mt_core.cli import main
from mt_core.encoder import load_encoder
from mt_core.errors import DataWarning, FingerprintError
from mt_core.model import make_tokenizer
from mt_plugin_text.font import drawable, font_digest, letters
from mt_plugin_text.tokenizer import TextOptions, TextTokenizer

SIZE, LINE = 64, 16  # four lines of about eight letters


def made(**options: Any) -> TextTokenizer:
    picture = {"view": "picture", "picture_size": SIZE, "picture_patch": 16, "line": LINE}
    return TextTokenizer(8, TextOptions.parse({**picture, **options}))  # type: ignore[arg-type]


def pages(tokenizer: TextTokenizer, source: Any, seed: int | None = None) -> NDArray[np.uint8]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    drawn: NDArray[np.uint8] = tokenizer.prepare(tokenizer.read(source), generator)["pages"].numpy()
    return drawn


def batch_of(tokenizer: TextTokenizer, *sources: Any) -> Mapping[str, Tensor]:
    return tokenizer.collate([tokenizer.prepare(tokenizer.read(source)) for source in sources])


def ink(page: NDArray[np.uint8]) -> list[bool]:
    """Whether there is ink in each line."""
    return [bool((line < 128).any()) for line in page.reshape(-1, LINE, SIZE)]


def cropped(page: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As far as there is ink."""
    rows, columns = np.nonzero(page < 255)
    return page[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_a_word_is_written_as_pillow_writes_it_and_one_line_below_where_there_is_no_more_room() -> None:
    page = pages(made(), "Rat Rat Rat Rat")[0]
    mask = letters(LINE).getmask("Rat", mode="L")
    width, height = mask.size
    expected = cropped(255 - np.asarray(list(mask), np.uint8).reshape(height, width))
    top, left = (places.min() for places in np.nonzero(page < 255))
    height, width = expected.shape
    np.testing.assert_array_equal(page[top : top + height, left : left + width], expected)
    assert ink(page) == [True, True, False, False] and width * 2 < SIZE < width * 4
    np.testing.assert_array_equal(page[:LINE], page[LINE : 2 * LINE])  # two in each line


def test_a_word_longer_than_a_line_is_broken_and_keeps_its_letters() -> None:
    broken = pages(made(), "m" * 12)[0]
    per_line = int(SIZE // letters(LINE).getlength("m"))
    np.testing.assert_array_equal(broken, pages(made(), " ".join(["m" * per_line] * (12 // per_line)))[0])


def test_capitals_accents_and_other_alphabets_are_told_apart() -> None:
    texts = ["usa", "USA", "uśa", "мир", "ειρ", "שלם"]
    assert len({pages(made(), text).tobytes() for text in texts}) == len(texts)
    np.testing.assert_array_equal(pages(made(), "a  b\n c"), pages(made(), "a b c"))


def test_characters_that_the_font_lacks_are_reported_and_still_told_apart() -> None:
    assert drawable("a你\U000e0061b") == ("a<4f60>b", ["你"])  # the tag between has no looks
    with pytest.warns(DataWarning, match="characters that the font lacks as their numbers"):
        first = pages(made(), "你")
    with pytest.warns(DataWarning):
        second = pages(made(), "好")
    assert not np.array_equal(first, second)


def test_a_longer_text_has_more_pages_and_its_beginning_looks_the_same() -> None:
    tokenizer = made()
    short, long = pages(tokenizer, "word " * 4), pages(tokenizer, "word " * 9)
    assert (len(short), len(long)) == (1, 3)  # a word a line
    np.testing.assert_array_equal(short[0], long[0])
    assert ink(long[2]) == [True, False, False, False]


def test_what_has_no_room_on_the_last_page_is_reported() -> None:
    tokenizer = made(max_tokens=32)  # two pages of 16 patches
    with pytest.warns(DataWarning, match=r"the end of a text, 3 lines behind 8 \(option max_tokens\)"):
        assert len(pages(tokenizer, "word " * 11)) == 2
    with pytest.warns(DataWarning, match=r"at least [\d,]+ lines behind 8"):
        pages(made(max_tokens=32), "word " * 100_000)


def test_a_black_bar_stands_between_the_texts_of_a_pair_and_the_longer_one_gives_way() -> None:
    page = pages(made(), ("one", "two"))[0]
    bar = page[LINE : 2 * LINE]
    assert ink(page) == [True, True, True, False]
    assert (bar == 0).all(axis=1).sum() == LINE // 2 and (bar == 255).all(axis=1).sum() == LINE // 2
    with pytest.warns(DataWarning, match="5 lines behind 3"):
        cut = pages(made(max_tokens=16), ("word " * 7, "two"))[0]
    np.testing.assert_array_equal(cut[3 * LINE :], page[2 * LINE : 3 * LINE])


def test_a_text_of_spaces_is_a_white_page() -> None:
    assert (pages(made(), " ") == 255).all()


def test_words_are_left_out_in_training_only_and_the_others_stay_in_place() -> None:
    tokenizer = made(drop=0.5)
    whole, thinned = pages(tokenizer, "a b c d e f g h"), pages(tokenizer, "a b c d e f g h", seed=1)
    np.testing.assert_array_equal(thinned, pages(tokenizer, "a b c d e f g h", seed=1))
    is_changed = whole != thinned
    assert is_changed.any() and (thinned[is_changed] > whole[is_changed]).all()  # ink is only taken away


def test_a_text_is_drawn_as_if_it_were_alone_in_its_batch() -> None:
    tokenizer = made()
    together = tokenizer.draw(batch_of(tokenizer, "short", "word " * 9))
    alone = tokenizer.draw(batch_of(tokenizer, "short"))
    assert together is not None and alone is not None
    assert together.shape == (2, 3, 3, SIZE, SIZE) and alone.shape == (1, 1, 3, SIZE, SIZE)
    torch.testing.assert_close(together[0, :1], alone[0])
    assert together[0, 1:].isnan().all() and together[1].isfinite().all()


def test_what_is_shown_comes_with_what_could_not_be_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "greeting.txt", tmp_path / "seen.png"
    file.write_text("你好, world", encoding="utf-8")
    assert main(["show", "text", str(file), "--view", "picture", "-o", str(out)]) == 0
    with Image.open(out) as sheet:
        assert np.asarray(sheet.convert("L"))[8:264, 8:264].min() < 64  # ink, within the frame of white
    assert "characters that the font lacks as their numbers (你, 好)" in capsys.readouterr().err


def test_a_run_of_another_font_is_refused() -> None:
    tokenizer = made()
    assert tokenizer.calibration() == {"font": font_digest()}
    tokenizer.restore(tokenizer.calibration())
    with pytest.raises(FingerprintError, match="another font"):
        tokenizer.restore({"font": "0" * 64})


def test_the_view_of_pictures_has_the_encoders_own_stem_and_nothing_else_to_learn() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(TextTokenizer, encoder, {"view": "picture"}, seed=0)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    tokens = tokenizer(batch_of(tokenizer, "one", "two"))
    assert tokens.values.shape == (2, 16, encoder.width) and tokens.grid == (4, 4)
