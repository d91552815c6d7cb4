"""Video for mt-core: files, folders of frames and arrays to tubelet tokens. See plugin.toml for what is where."""
