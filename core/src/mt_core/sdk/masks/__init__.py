"""Masks: the class of each pixel of a picture, as files beside the pictures say it.

`files` reads one, `classes` finds out what their numbers or colours mean, `folders` which mask belongs to which
picture, `benchmarks` what is known of public ones, `coco` reads polygons, `finding` puts all together, and `written`
writes masks that were predicted.
"""
