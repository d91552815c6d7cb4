"""mt-plugin-image."""
