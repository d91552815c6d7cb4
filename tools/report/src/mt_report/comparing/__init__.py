"""Runs side by side, one file a concept."""
