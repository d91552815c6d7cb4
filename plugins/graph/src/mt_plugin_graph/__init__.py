"""mt-plugin-graph."""
