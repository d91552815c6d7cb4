"""Radiographs for mt-core: files and arrays to patch tokens. See plugin.toml for what is where."""
