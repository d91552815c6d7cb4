"""Time series for mt-core. See `tokenizer`, `dataset` and `reading`."""
