"""Text to token ids: CLIP's lower-cased byte-pair vocabulary, without a network and without importing open_clip.

Sources: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 2.4; Sennrich et al. 2016, arXiv:1508.07909, for byte
pairs. The vocabulary and the cleaning are those of open_clip's `SimpleTokenizer`, and so are the ids, with one
exception: its control tokens, `<start_of_text>` and `<end_of_text>`, are ordinary characters here, so that no text can
write them.
"""

from __future__ import annotations

import gzip
import hashlib
import html
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mt_core.errors import MissingDependencyError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NUM_IDS = 49406
"""256 bytes, the same 256 at the end of a word, and 48,894 merges."""

_FILE = "bpe_simple_vocab_16e6.txt.gz"
_SHA256 = "f61f2adf497e6f5357c347aeb4646fabe82f341e946de5bdec5d2858e41bef4a"  # of the merges used, as text
_END_OF_WORD = "</w>"
_VISIBLE = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1))
_PIECES = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def token_ids(text: str) -> list[int]:
    """The ids of a text, each below `NUM_IDS`: repaired, unescaped and in small letters."""
    ids: list[int] = _tokenizer().encode(clean(text)).ids
    return ids


def ends_word() -> list[bool]:
    """Of each id, whether a word ends with it."""
    return [token.endswith(_END_OF_WORD) for token in _tokens()]


def id_texts() -> list[str]:
    """What each id stands for, as text; of parts of a character, U+FFFD."""
    byte_of = dict(zip(_alphabet(), _byte_order(), strict=True))
    return [
        bytes(byte_of[letter] for letter in token.removesuffix(_END_OF_WORD)).decode(errors="replace")
        for token in _tokens()
    ]


def clean(text: str) -> str:
    """Wrongly decoded characters repaired (ftfy), HTML's escapes undone twice, single spaces, small letters."""
    return repaired(text).lower()


def repaired(text: str) -> str:
    """The same with capitals as they are."""
    import ftfy

    return " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split())


@cache
def _tokenizer() -> Tokenizer:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    merges = _merges()
    vocabulary = {token: index for index, token in enumerate(_tokens())}
    assert len(vocabulary) == NUM_IDS
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=_END_OF_WORD))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _tokens() -> list[str]:
    """The vocabulary, in the order of its ids."""
    alphabet = _alphabet()
    return [*alphabet, *(letter + _END_OF_WORD for letter in alphabet), *map("".join, _merges())]


def _merges() -> list[tuple[str, str]]:
    """The pairs in the order in which they are merged.

    Raises:
        MissingDependencyError: the vocabulary file is not there, or holds another vocabulary.
    """
    lines = gzip.decompress(_vocabulary_file().read_bytes()).decode().split("\n")
    used = lines[1 : NUM_IDS - 512 + 1]  # the first line is a heading, and CLIP leaves out the last merges
    if hashlib.sha256("\n".join(used).encode()).hexdigest() != _SHA256:
        raise MissingDependencyError(
            f"{_vocabulary_file()} holds another vocabulary than CLIP's", fix="pip install 'open-clip-torch>=2.20,<4'"
        )
    return [(left, right) for left, right in map(str.split, used)]


def _vocabulary_file() -> Path:
    spec = find_spec("open_clip")  # looks for it without running it: its import takes seconds
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (path := Path(folder) / _FILE).is_file():
            return path
    raise MissingDependencyError(
        f"CLIP's vocabulary, {_FILE}, is not installed", fix="pip install 'open-clip-torch>=2.20,<4'"
    )


def _alphabet() -> list[str]:
    """A visible character for each byte: itself where it is one, else one from U+0100 on; in CLIP's order."""
    return [chr(byte) for byte in _VISIBLE] + [chr(256 + index) for index in range(256 - len(_VISIBLE))]


def _byte_order() -> list[int]:
    """The bytes that the characters of the alphabet stand for."""
    return [*_VISIBLE, *(byte for byte in range(256) if byte not in _VISIBLE)]
