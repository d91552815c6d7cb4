"""Files that are given as text or as a table and are neither: what they are, and what to do with them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mt_core.errors import InputError

_BY_START = {
    b"MATLAB 5.0 MAT-file": ("a MATLAB file", "save the variable as .npy or CSV, for instance after scipy.io.loadmat"),
    b"MATLAB 7.3 MAT-file": ("a MATLAB file", "save the variable as .npy or CSV, for instance by h5py"),
    b"SQLite format 3": ("an SQLite database", "export a table as CSV"),
    b"\x89HDF\r\n": ("an HDF5 file", "save the data set as .npy or CSV, for instance by h5py"),
    b"\xd0\xcf\x11\xe0": ("a document of Office in the old format", "save it as CSV or as text"),
    b"PK\x03\x04": ("a spreadsheet, a document or another zip", "export the table as CSV, or the document as text"),
    b"%PDF-": ("a PDF document", "save its text, for instance by pdftotext"),
    b"{\\rtf": ("a document of the kind RTF", "save it as text"),
    b"ARROW1": ("an Arrow or Feather file", "save it as Parquet or CSV"),
    b"PAR1": ("a Parquet file", "save it as CSV"),
    b"\x93NUMPY": ("a NumPy array", "give it the suffix .npy, or save it as CSV"),
    b"$FL2@(#)": ("a data file of SPSS", "save it as CSV"),
    b"<stata_dta>": ("a data file of Stata", "save it as CSV"),
    b"RDX": ("a data file of R", "save it by write.csv"),
}

_BY_LINE = (
    (re.compile(r"\s*(\{\s*\"|\[\s*[\[{\"])"), "JSON text", "write a table, for instance by pandas: read_json, to_csv"),
    (re.compile(r"\s*@frequency\b", re.I), "a .tsf file of the Monash archive", "save each series as CSV"),
    (re.compile(r"\s*@relation\b", re.I), "an ARFF file", "save it as CSV, for instance in Weka or by scipy.io.arff"),
    (
        re.compile(r"\s*(INSERT INTO|CREATE TABLE|DROP TABLE)\b|-- (MySQL|MariaDB|PostgreSQL database) dump", re.I),
        "a dump of SQL statements",
        "export the table as CSV",
    ),
    (re.compile(r"\s*(<!doctype html|<html[\s>]|<\?xml)", re.I), "HTML or XML", "download or export the data as CSV"),
)


def refuse_binary(start: bytes, name: str) -> None:
    """Refuse a file that is known to be no text by its first bytes.

    Raises:
        InputError: names the format and how to convert it.
    """
    for mark, (what, fix) in _BY_START.items():
        if start.startswith(mark):
            raise InputError(f"{name} is {what}, and no text", fix=fix)


def refuse_no_table(lines: Sequence[str], name: str) -> None:
    """Refuse text of another kind than a table, which one of its first lines tells.

    Raises:
        InputError: names the format and how to convert it.
    """
    known = [line for line in lines if line.strip() and not line.startswith(("%", "#"))]
    for pattern, what, fix in _BY_LINE:
        at_most = 1 if what in ("JSON text", "HTML or XML") else 20
        if any(pattern.match(line) for line in known[:at_most]):
            raise InputError(f"{name} is {what}, and no table", fix=fix)
