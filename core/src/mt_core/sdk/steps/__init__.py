"""Steps: the class of each moment of a recording, as tables and lists of events say it.

`windows` cuts a recording, `intervals` is from when to when something was the case, `listing` makes samples and targets
of labelled recordings, `options` and `dataset` are what plugins' own build on, and `segments` puts predictions of
windows together, in the recording's time.
"""
