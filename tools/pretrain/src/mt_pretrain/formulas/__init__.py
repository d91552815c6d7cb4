"""Pretraining on pictures that formulas draw: from a seed alone, without any data."""
