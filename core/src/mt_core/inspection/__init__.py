"""What data are, before an hour is spent on training: samples as they were read, and folders of them (`mt show`)."""
