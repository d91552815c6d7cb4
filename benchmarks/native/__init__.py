"""Plain models of each field, for the baseline column of docs/evidence.md; a file a family of modalities."""

SEED = 0
