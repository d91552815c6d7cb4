"""One space for several modalities: projections trained on samples that belong together, around the frozen encoder."""
