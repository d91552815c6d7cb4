"""Texts, and pairs of texts, to byte-pair tokens."""
