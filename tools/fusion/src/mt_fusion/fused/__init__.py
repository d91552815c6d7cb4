"""One model for items of several inputs: their tokens in one sequence through the frozen encoder."""
