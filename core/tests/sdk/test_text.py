from mt_core.sdk import column_names


def test_column_names_are_the_first_line_whatever_separates_and_quotes_them(tmp_path):
    for text in ("Path, No Finding\n1,2\n", '"Path";"No Finding"\r\n', "\ufeffPath\tNo Finding", "Path,No Finding\n"):
        (tmp_path / "a").write_text(text, encoding="utf-8", newline="")
        assert column_names(tmp_path / "a") == ("Path", "No Finding")


def test_what_is_no_table_has_no_known_column_and_raises_nothing(tmp_path):
    for content in (b"", b"\x89PNG\r\n\x1a\n", bytes(range(256)) * 1000, b'"never ends', b"x" * 300_000):
        (tmp_path / "a").write_bytes(content)
        assert "Path" not in column_names(tmp_path / "a")
