"""Texts to tokens: the ids are CLIP's, and each token says what stands there."""

from __future__ import annotations

import copy
import importlib.util
import json
import pickle
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import normalize

from mt_core.contract import Example
from mt_core.errors import DataWarning, FingerprintError, MissingDependencyError, OptionError
from mt_plugin_text import byte_pairs, token_vectors
from mt_plugin_text.byte_pairs import NUM_IDS, id_texts, token_ids
from mt_plugin_text.text import Text
from mt_plugin_text.token_vectors import NO_WORD
from mt_plugin_text.tokenizer import EMPTY, SEPARATOR, UNKNOWN, TextOptions, TextTokenizer
from mt_plugin_text.truncation import share_length

CAT = [320, 1125, 539, 320, 2368]  # "a photo of a cat", as CLIP's own documentation encodes it

AWKWARD = [
    "a photo of a cat", "", "   ", "Hello, WORLD!!! 12345", "don't I'll we've they're I'd I'm it's 'S 'LL", "'sup 'tis",
    "naïve café über ÅNGSTRÖM İstanbul ẞ \u017f '\u017f", "cafe\u0301 e\u0301", "schÃ¶n â€œquotedâ€\x9d",
    "it&amp;#39;s &lt;b&gt;", "&amp;amp;amp;", "<br />good<br/>", "日本語のテキスト 한국어 العربية עברית ไทย",
    "😀👍🏽👨\u200d👩\u200d👧 :-) ;)", "tab\tnew\nline\r\nend", "a\u00a0b\u2003c\u200bd\ufeffe", "x²+y³=½ ⅷ ٣ ①",
    "snake_case camelCase kebab-case", "http://a.b/c?d=e&f=g#h", "!!!!!!!!!!!!!!!!", "a" * 300, "1" * 50, "ab" * 100,
    "$5.00 50% #tag @user", "\x1b[31mred\x1b[0m", "\x00\x07bell", "\ud83d\ude00 paired, \ud83d alone",
    "ﬁne ﬀ \uff46\uff55\uff4c\uff4c", "“smart” \u2018quotes\u2019 \u2013 — …", "K \u212a Å \u212b", "<|endoftext|>",
    "it 's a charming and often affecting journey . ", "antidisestablishmentarianism supercalifragilistic",
]  # fmt: skip


def made(width: int = 8, **options: Any) -> TextTokenizer:
    torch.manual_seed(0)
    return TextTokenizer(width, TextOptions.parse({"embedding_width": 4, "vectors": "none", **options}))  # type: ignore[arg-type]


def with_vectors(width: int = 192, **options: Any) -> TextTokenizer:
    return made(width, vectors="distilled", **options)


def prepared(tokenizer: TextTokenizer, *sources: Any) -> dict[str, Tensor]:
    return tokenizer.collate([tokenizer.prepare(tokenizer.read(source)) for source in sources])


def tokens(tokenizer: TextTokenizer, source: Any) -> Tensor:
    values: Tensor = tokenizer(prepared(tokenizer, source)).values[0]
    return values.detach()


def ids(tokenizer: TextTokenizer, source: Any) -> list[int]:
    listed: list[int] = tokenizer.prepare(tokenizer.read(source))["ids"].tolist()
    return listed


def calibrated(*sources: Any, **options: Any) -> TextTokenizer:
    tokenizer = made(**options)
    tokenizer.calibrate(Example(source) for source in sources)
    return tokenizer


# the vocabulary


def test_ids_are_those_of_clip():
    assert token_ids("A photo  of a cat") == CAT


def test_ids_equal_open_clips_on_awkward_texts(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")  # its module sets this
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations or importlib.util.find_spec("regex") is None:
        pytest.skip("open_clip is not installed")
    # its tokenizer alone: the package would import torchvision and timm
    alone = importlib.util.spec_from_file_location(
        "reference", Path(spec.submodule_search_locations[0], "tokenizer.py")
    )
    reference = importlib.util.module_from_spec(alone)
    alone.loader.exec_module(reference)
    encode = reference.SimpleTokenizer().encode
    assert {text: token_ids(text) for text in AWKWARD} == {text: encode(text) for text in AWKWARD}


def test_ids_stand_for_texts():
    texts = id_texts()
    assert len(texts) == NUM_IDS and [texts[index] for index in CAT] == ["a", "photo", "of", "a", "cat"]


def test_control_tokens_cannot_be_written():
    assert max(token_ids("<start_of_text> <end_of_text> <|startoftext|>")) < NUM_IDS


def test_open_clip_is_never_imported():
    code = (
        "import sys; from mt_plugin_text.byte_pairs import token_ids; token_ids('a'); print('open_clip' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_missing_vocabulary_is_told(monkeypatch):
    monkeypatch.setattr(byte_pairs, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"not installed[\s\S]*pip install 'open-clip-torch"):
        byte_pairs._merges()


def test_another_vocabulary_is_refused(monkeypatch):
    monkeypatch.setattr(byte_pairs, "_SHA256", "0" * 64)
    with pytest.raises(MissingDependencyError, match="holds another vocabulary"):
        byte_pairs._merges()


# tokens


def test_tokens_are_embeddings_and_not_ids():
    batch = prepared(made(), "a photo of a cat", "a cat")
    found = made()(batch)
    assert found.values.shape == (2, 5, 8) and found.values.is_floating_point()
    assert found.mask.tolist() == [[True] * 5, [True] * 2 + [False] * 3]


def test_padding_and_the_others_in_the_batch_change_no_token():
    tokenizer = made()
    together = tokenizer(prepared(tokenizer, "a cat", "a photo of a cat", ("a", "photo of a cat"))).values
    for row, source in enumerate(["a cat", "a photo of a cat", ("a", "photo of a cat")]):
        alone = tokens(tokenizer, source)
        torch.testing.assert_close(together[row, : len(alone)], alone)


def test_token_sees_its_two_neighbours_and_no_other():
    tokenizer = made()
    changed = (tokens(tokenizer, "a photo of a cat") != tokens(tokenizer, "a photo of a dog")).any(-1)
    assert changed.tolist() == [False, False, False, True, True]


def test_same_word_elsewhere_is_another_token():
    found = tokens(made(), "the the the the the")
    assert not torch.allclose(found[1], found[2])


def test_order_matters():
    tokenizer = made()
    assert not torch.allclose(
        tokens(tokenizer, "not good but bad").mean(0), tokens(tokenizer, "not bad but good").mean(0)
    )


def test_case_and_spaces_do_not_matter():
    tokenizer = made()
    torch.testing.assert_close(tokens(tokenizer, "A  Cat\n"), tokens(tokenizer, "a cat"))


def test_pair_is_separated_and_its_second_text_marked():
    tokenizer = made()
    assert ids(tokenizer, ("a cat", "a cat"))[2] == SEPARATOR
    assert [index for index in ids(tokenizer, ("a", "b")) if index == SEPARATOR] == [SEPARATOR]
    with torch.no_grad():
        tokenizer.second.fill_(100.0)
    found = tokens(tokenizer, ("cat dog", "cat dog cat"))
    assert (found.abs().amax(-1) > 1000).tolist() == [False, False, True, True, True, True]


def test_pair_differs_from_its_reverse_and_from_its_sum():
    tokenizer = made()
    pair, reverse = tokens(tokenizer, ("a cat", "a dog")), tokens(tokenizer, ("a dog", "a cat"))
    assert not torch.allclose(pair.mean(0), reverse.mean(0))
    assert len(pair) == len(tokens(tokenizer, "a cat a dog")) + 1


@pytest.mark.parametrize("nothing", ["", " \n\t", "\u00a0"])
def test_text_without_a_token_is_one_token_of_its_own(nothing):
    tokenizer = made()
    assert ids(tokenizer, nothing) == [EMPTY]
    assert ids(tokenizer, (nothing, "a")) == [SEPARATOR, *ids(tokenizer, "a")]
    assert tokens(tokenizer, nothing).isfinite().all()


def test_every_part_learns():
    tokenizer = made()
    tokenizer(prepared(tokenizer, ("a cat", "a dog"))).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in tokenizer.parameters())


# pretrained vectors


def direction(tokenizer: TextTokenizer, source: Any) -> Tensor:
    return normalize(tokens(tokenizer, source).mean(0), dim=0)


def cosine(tokenizer: TextTokenizer, one: Any, other: Any) -> float:
    return float(direction(tokenizer, one) @ direction(tokenizer, other))


def test_untrained_tokens_of_texts_of_one_meaning_are_alike():
    tokenizer = with_vectors()
    near = cosine(tokenizer, "A man is playing a guitar.", "Someone performs music on an instrument.")
    far = cosine(tokenizer, "A man is playing a guitar.", "The bank raised its interest rates.")
    assert near > far + 0.2


@pytest.mark.parametrize("width", [192, 384])
def test_untrained_tokens_keep_the_angles_of_the_pretrained_vectors_at_any_greater_width(width):
    tokenizer = with_vectors(width)
    table = load_file(token_vectors.FILE)
    for one, other in [("a lovely film", "a dull book"), ("rain", "it is snowing in the mountains")]:
        means = [
            (table["vectors"].float() * table["scales"].float()[:, None])[token_ids(text)].mean(0)
            for text in (one, other)
        ]
        expected = float(torch.cosine_similarity(*means, dim=0))
        assert cosine(tokenizer, one, other) == pytest.approx(expected, abs=0.02)


def test_every_token_of_a_text_tells_of_the_whole_text_and_of_no_other():
    tokenizer = with_vectors()
    alone = tokens(tokenizer, "the film")[0]
    assert not torch.allclose(alone, tokens(tokenizer, "the cat")[0], atol=1.0)
    pair, other = tokens(tokenizer, ("the film", "was dull")), tokens(tokenizer, ("the film", "my cat sleeps"))
    torch.testing.assert_close(pair[:1], other[:1])
    assert not torch.allclose(pair[3:], other[3:5], atol=1.0)


def test_words_that_training_never_saw_keep_their_vectors():
    tokenizer = with_vectors()
    tokenizer.calibrate([Example("a photo of a cat")])
    assert ids(tokenizer, "zebra") == ids(tokenizer, "banana")
    assert cosine(tokenizer, "zebra", "horse") > cosine(tokenizer, "banana", "horse") + 0.1


def test_hidden_words_hide_their_vectors():
    tokenizer, text = with_vectors(drop=0.5), Text("a photo of a cat " * 20)
    hidden = tokenizer.prepare(text, torch.Generator().manual_seed(5))
    assert torch.equal(hidden["ids"] == UNKNOWN, hidden["words"] == NO_WORD)


def test_padding_and_the_others_in_the_batch_change_no_token_of_pretrained_vectors():
    tokenizer = with_vectors()
    sources = ["a cat", "a photo of a cat", ("a", "photo of a cat"), ""]
    together = tokenizer(prepared(tokenizer, *sources)).values
    for row, source in enumerate(sources):
        alone = tokens(tokenizer, source)
        torch.testing.assert_close(together[row, : len(alone)], alone, atol=1e-4, rtol=1e-4)


def test_every_part_beside_the_pretrained_vectors_learns_and_they_do_not():
    tokenizer = with_vectors()
    tokenizer(prepared(tokenizer, ("a cat", "a dog"))).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in tokenizer.parameters())
    assert not any("scales" in name or "steps" in name for name in tokenizer.state_dict())


def test_a_damaged_file_of_vectors_is_refused(monkeypatch, tmp_path):
    content = bytearray(token_vectors.FILE.read_bytes())
    content[-1] ^= 1
    (tmp_path / "vectors.safetensors").write_bytes(content)
    token_vectors._load.cache_clear()
    for file, found in [(tmp_path / "vectors.safetensors", "[0-9a-f]{64}"), (tmp_path / "none", "none")]:
        monkeypatch.setattr(token_vectors, "FILE", file)
        with pytest.raises(FingerprintError, match=rf"not the file that was released \(its SHA-256 is {found}"):
            with_vectors()
    token_vectors._load.cache_clear()


def test_calibration_on_other_vectors_is_refused():
    tokenizer = with_vectors()
    tokenizer.restore(tokenizer.calibration())
    for other in ({"vectors": "0" * 64, "vocabulary": CAT}, {"vocabulary": CAT}):
        with pytest.raises(FingerprintError, match="trained on other vectors"):
            tokenizer.restore(other)


# long texts


def test_long_text_is_cut_and_told_with_its_name_and_counts():
    tokenizer = made(max_tokens=4)
    text = Text("one two three four five six", file="reviews.csv", place="line 7")
    with pytest.warns(DataWarning, match=r"reviews\.csv, line 7: left out: the end of a text, 2 tokens behind 4"):
        cut = tokenizer.prepare(text)["ids"]
    assert cut.tolist() == ids(tokenizer, "one two three four")


def test_each_table_folder_and_the_memory_is_told_of_once():
    tokenizer = made(max_tokens=3)
    long = "one two three four"
    places = [("a.csv", "line 2"), ("a.csv", "line 3"), ("b.csv", "line 2")]
    files = ["neg/1.txt", "neg/2.txt", "pos/1.txt"]
    sources = [*(Text(long, None, *place) for place in places), *(Text(long, file=file) for file in files)]
    sources += [Text(long), Text(long)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for source in sources:
            assert len(tokenizer.prepare(source)["ids"]) == 3
    told = [str(warning.message).split(": left out")[0] for warning in caught]
    assert told == ["a.csv, line 2", "b.csv, line 2", "neg/1.txt", "pos/1.txt", "a text"]


def test_text_that_just_fits_is_not_told_of():
    assert len(ids(made(max_tokens=4), "one two three four")) == 4
    assert len(ids(made(max_tokens=4), ("one two", "three"))) == 4


@pytest.mark.parametrize(
    ("lengths", "room", "kept"),
    [
        ([3, 9], 6, [3, 3]),
        ([9, 1], 6, [5, 1]),
        ([9, 9], 7, [4, 3]),
        ([2, 3], 6, [2, 3]),
        ([8], 5, [5]),
        ([0, 9], 4, [0, 4]),
    ],
)
def test_longer_text_of_a_pair_gives_way_first(lengths, room, kept):
    assert share_length(lengths, room) == kept


def test_pair_is_cut_to_the_length_with_its_separator():
    tokenizer = made(max_tokens=5)
    with pytest.warns(DataWarning, match="4 tokens behind 4"):
        cut = ids(tokenizer, ("one two", "three four five six seven eight"))
    assert cut == ids(made(max_tokens=5), ("one two", "three four"))
    assert len(cut) == 5


def test_book_costs_little_more_than_what_is_used_of_it():
    tokenizer = made()
    started = time.process_time()
    with pytest.warns(DataWarning, match="at least .* tokens behind 512"):
        assert len(ids(tokenizer, "word " * 2_000_000)) == 512
    assert time.process_time() - started < 2


# training


def test_words_are_hidden_in_training_only_and_by_the_generator_alone():
    tokenizer, text = made(drop=0.5), Text("a photo of a cat " * 20)
    whole = tokenizer.prepare(text)["ids"]
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, second = (tokenizer.prepare(text, torch.Generator().manual_seed(5))["ids"] for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, second) and torch.equal(tokenizer.prepare(text)["ids"], whole)
    is_hidden = first == UNKNOWN
    assert 0.3 < is_hidden.float().mean() < 0.7 and torch.equal(first[~is_hidden], whole[~is_hidden])
    assert torch.equal(made(drop=0).prepare(text, torch.Generator())["ids"], whole)


def test_calibration_keeps_the_words_that_occur_and_makes_the_others_unknown():
    tokenizer = calibrated("a photo of a cat", ("a dog", "a cat"))
    assert tokenizer.calibration() == {"vocabulary": sorted({*CAT, *token_ids("dog")})}
    assert tokenizer.table.num_embeddings == 3 + 5
    known, unknown = ids(tokenizer, "cat"), ids(tokenizer, "zebra")
    assert unknown == [UNKNOWN] and known != unknown
    assert tokens(tokenizer, "zebra").isfinite().all()


def test_without_calibration_every_word_is_known():
    tokenizer = made()
    assert tokenizer.calibration() == {}
    assert tokenizer.table.num_embeddings == 3 + NUM_IDS
    assert len({*ids(tokenizer, "cat zebra xylophone")} - {UNKNOWN}) >= 3


def test_restored_tokenizer_gives_the_same_tokens():
    tokenizer = calibrated("a photo of a cat")
    restored = made()
    restored.restore(json.loads(json.dumps(tokenizer.calibration())))
    restored.load_state_dict(tokenizer.state_dict())
    torch.testing.assert_close(tokens(restored, "a cat, a zebra"), tokens(tokenizer, "a cat, a zebra"))


def test_second_calibration_starts_anew():
    tokenizer = calibrated("a photo of a cat")
    tokenizer.calibrate([Example("dog")])
    assert tokenizer.calibration() == {"vocabulary": token_ids("dog")}
    tokenizer.restore({})
    assert tokenizer.calibration() == {}


def test_tokenizer_survives_pickling_and_copying():
    tokenizer = calibrated("a photo of a cat")
    for other in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        torch.testing.assert_close(tokens(other, "a cat"), tokens(tokenizer, "a cat"))


def test_options_from_a_command_line_are_understood():
    assert TextOptions.parse({"text": "premise,hypothesis"}).text == ("premise", "hypothesis")  # type: ignore[attr-defined]
    assert TextOptions.parse({"text": ["a", 2]}).text == ("a", "2")  # type: ignore[attr-defined]
    assert TextOptions.parse({"text": 2}).text == ("2",)  # type: ignore[attr-defined]
    for wrong in ({"text": "a,b,c"}, {"max_tokens": 2}, {"drop": 1}, {"embedding_width": 0}, {"size": 3}):
        with pytest.raises(OptionError):
            TextOptions.parse(wrong)


def test_people_read_a_text_as_it_is_and_a_pair_below_each_other():
    tokenizer = TextTokenizer(8)
    read = [tokenizer.as_text(tokenizer.read(source)) for source in ("a dog", ("one", "other"))]
    assert read == ["a dog", "one\nother"]
