"""Sound for mt-core: recordings to patches of a log-mel spectrogram. See plugin.toml for what is where."""
