"""Hyperspectral scenes for mt-core: pixels to tokens of neighbouring bands. See plugin.toml for what is where."""
