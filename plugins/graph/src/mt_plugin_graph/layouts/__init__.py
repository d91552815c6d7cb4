"""How public sets of graphs lie on disk, beside folders and tables of paths; one file a layout."""
