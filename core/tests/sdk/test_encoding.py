"""Bytes to text: which encodings are read, which are said aloud, and what is refused."""

import gzip
import io
import warnings

import pytest

from mt_core.errors import DataWarning, InputError
from mt_core.sdk import text_chunks, text_lines
from mt_core.sdk.encoding import LONGEST_LINE


def lines(content: bytes, **options) -> list[str]:
    return list(text_lines(io.BytesIO(content), "notes.csv", **options))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_without_its_mark(encoding):
    assert lines("größe\n1\n".encode(encoding)) == ["größe\n", "1\n"]


def test_windows_1252_is_read_and_said():
    with pytest.warns(DataWarning, match=r"notes\.csv: reinterpreted: text that is not UTF-8, as Windows-1252"):
        assert lines("preis\n5 €\n".encode("cp1252")) == ["preis\n", "5 €\n"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\0", "zero bytes"),
        (b"PK\x03\x04\0\0", r"is a spreadsheet[\s\S]*CSV"),
        ("a".encode("utf-32"), "zero bytes"),
        ("a".encode("utf-16") + b"b", "not UTF-16"),
        (b"\x89PNG\r\n\x1a\n", "line 1: the byte 0x89 is not UTF-8"),
        ("größe\n".encode() + "größe\n".encode("latin-1"), "line 2: the byte 0xf6 is not UTF-8"),
        (b"a\nb\x81\n", "line 2: the byte 0x81"),
        ("名前,年\n太郎,3\n".encode("shift-jis"), "line 1: the byte 0x96 is not UTF-8"),
        ("姓名,年龄\n".encode("gb18030"), "line 1: the byte 0xd0 is not UTF-8"),
        ("имя,возраст\n".encode("cp1251"), "line 1: the byte 0xe8 is not UTF-8"),
    ],
)
def test_what_is_no_text_or_of_two_encodings_is_refused_with_the_line(content, message):
    with warnings.catch_warnings(), pytest.raises(InputError, match=message) as caught:
        warnings.simplefilter("error")
        lines(content)
    assert "notes.csv" in caught.value.problem and caught.value.fix


def test_other_encodings_are_refused_where_they_are_not_wanted():
    with pytest.raises(InputError, match=r"line 2: the byte 0xf6[\s\S]*iconv"):
        lines("a\nschön\n".encode("latin-1"), legacy=False)


def test_lines_keep_whatever_ends_them():
    assert lines(b"a\r\nb\rc\n\nd\x0be\x85".decode("latin-1").encode()) == ["a\r\n", "b\r", "c\n", "\n", "d\x0be\x85"]


def test_characters_and_ends_of_lines_across_pieces_stay_whole(monkeypatch):
    monkeypatch.setattr("mt_core.sdk.encoding._CHUNK_BYTES", 3)
    assert lines("aö\r\nb\r\nöö\n".encode()) == ["aö\r\n", "b\r\n", "öö\n"]


def test_packed_text_is_unpacked_and_a_truncated_one_is_refused():
    packed = gzip.compress(b"a\n") + gzip.compress(b"b\n")
    assert lines(packed) == ["a\n", "b\n"]
    with pytest.raises(InputError, match="truncated"):
        lines(packed[:-9])
    with pytest.raises(InputError, match="gzip"):
        lines(packed[:10] + b"\xff" * 20)


def test_endless_lines_and_packed_bombs_stay_out_of_memory():
    with pytest.raises(InputError, match="line of more than"):
        lines(b"7" * (LONGEST_LINE + 1))
    with pytest.raises(InputError, match="more than 2 MiB"):
        lines(gzip.compress(b"7\n" * (1 << 22)), largest=1 << 21)


def test_pieces_come_before_the_file_has_been_read():
    file = io.BytesIO(b"a\n" * (1 << 21))
    assert next(text_chunks(file, "notes.csv")).startswith("a\n")
    assert file.tell() < 1 << 22


foreign_file = pytest.mark.foreign_file


@pytest.mark.parametrize(
    ("start", "message"),
    [
        pytest.param(
            b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file",
            marks=foreign_file("a MATLAB file where text is read", "MATLAB, scipy", "refused: how to convert it"),
        ),
        pytest.param(
            b"SQLite format 3\0", "an SQLite database",
            marks=foreign_file("a database where text is read", "phones, loggers", "refused: how to convert it"),
        ),
        pytest.param(
            b"\x89HDF\r\n\x1a\n", "an HDF5 file",
            marks=foreign_file("an HDF5 file where text is read", "h5py, MATLAB 7.3", "refused: how to convert it"),
        ),
        pytest.param(
            b"%PDF-1.4\n%text", "a PDF document",
            marks=foreign_file("a PDF called .txt", "scanners, web sites", "refused: how to convert it"),
        ),
        pytest.param(
            rb"{\rtf1\ansi Hello}", "RTF",
            marks=foreign_file("RTF called .txt", "WordPad", "refused: how to convert it"),
        ),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"RDX3\nX\n", "a data file of R"),
    ],
)  # fmt: skip
def test_what_is_known_to_be_no_text_is_refused_by_name(start, message):
    with pytest.raises(InputError, match=f"a.csv is {message}.*no text|a.csv is .*{message}") as caught:
        list(text_chunks(io.BytesIO(start + b" " * 50), "a.csv"))
    assert "save" in caught.value.fix or "export" in caught.value.fix
