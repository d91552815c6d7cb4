"""Pretraining on pictures with captions, in the manner of CLIP."""
