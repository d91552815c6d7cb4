"""An index of vectors, and what is nearest in it to a file, a text or other vectors."""
