"""Fit a tokenizer to files without labels, around the frozen encoder."""
