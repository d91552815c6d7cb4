"""Items: samples of several named inputs, as rows of a table or as folders of files."""
