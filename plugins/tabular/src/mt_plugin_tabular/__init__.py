"""mt-plugin-tabular."""
