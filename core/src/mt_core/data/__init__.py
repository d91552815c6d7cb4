"""How samples are read: worker processes, batches, order, subsets, precision."""
