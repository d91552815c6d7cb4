"""Files written whole or not at all, progress, HTML pages, paths and URLs."""
