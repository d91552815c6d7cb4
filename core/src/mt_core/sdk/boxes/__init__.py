"""Boxes: where the objects of a picture are, as files beside the pictures say it.

`objects` holds those of one picture and puts them right; `coco`, `voc` and `yolo` read a layout each; `finding` puts
all together; `moving` brings them to the classes of an earlier run; `written` writes boxes that were predicted.
"""
