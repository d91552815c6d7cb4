"""Objects in pictures, in the layouts that benchmarks and tools write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mt_core.contract import Boxes, Detection
from mt_core.errors import DatasetError, DataWarning, MissingSplitError, OptionError
from mt_core.sdk import Listing, MaskOptions, coco_results, find_boxes, find_masks
from mt_core.sdk.boxes.moving import boxes_with_classes_of
from mt_core.sdk.boxes.written import with_boxes, write_boxes

SUFFIXES = (".png", ".jpg")


def picture(path: Path, width: int = 40, height: int = 20, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height)).save(path, **options)
    return path


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def found(root: Path, split: str = "all", **options: Any) -> Listing:
    listing = find_boxes(root, split, SUFFIXES, MaskOptions(**options))
    assert listing is not None
    return listing


def boxes_of(listing: Listing, name: str) -> Boxes:
    (at,) = [index for index, path in enumerate(listing.samples) if Path(path).name == name]
    return listing.labels[at]


# COCO


def coco(root: Path, name: str = "annotations/instances_train2017.json", **changes: Any) -> Path:
    record: dict[str, Any] = {
        "images": [
            {"id": 7, "file_name": "a.jpg", "width": 40, "height": 20},
            {"id": 9, "file_name": "b.jpg", "width": 40, "height": 20},
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1.5, 2, 10.25, 5], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 40, 20], "iscrowd": 1},
        ],
        **changes,
    }
    text(root / name, json.dumps(record))
    for each in record["images"]:
        picture(root / "train2017" / each["file_name"])
    return root


def test_boxes_of_coco_keep_their_fractions_and_crowds_and_gaps_between_numbers(tmp_path: Path):
    listing = found(coco(tmp_path), "train")
    assert listing.task == Detection(classes=("cat", "dog"), numbers=(3, 90))
    boxes = boxes_of(listing, "a.jpg")
    assert boxes.xyxy.tolist() == [[1.5, 2, 11.75, 7], [0, 0, 40, 20]]
    assert boxes.classes.tolist() == [1, 0] and boxes.ignored.tolist() == [False, True]
    assert boxes.size == (20, 40)
    assert len(boxes_of(listing, "b.jpg").xyxy) == 0
    assert not listing.task.stack(listing.labels).isnan().any()  # none of them is unknown


def test_boxes_are_preferred_where_they_are_asked_for_and_outlines_elsewhere(tmp_path: Path):
    outline = [[1, 2, 11, 2, 11, 7]]
    changed = {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 10, 5], "segmentation": outline}
    coco(tmp_path, annotations=[changed])
    assert find_masks(tmp_path, "train", SUFFIXES, MaskOptions()) is not None
    assert find_masks(tmp_path, "train", SUFFIXES, MaskOptions(labels="boxes")) is None
    assert boxes_of(found(tmp_path, labels="boxes"), "a.jpg").xyxy.tolist() == [[1, 2, 11, 7]]
    assert find_boxes(tmp_path, "train", SUFFIXES, MaskOptions(labels="pixels")) is None


def test_keypoints_and_captions_beside_coco_s_objects_are_passed_over(tmp_path: Path):
    coco(tmp_path)
    coco(
        tmp_path,
        "annotations/person_keypoints_train2017.json",
        categories=[{"id": 90, "name": "x"}, {"id": 3, "name": "y"}],
    )
    text(tmp_path / "annotations" / "captions_train2017.json", "{}")
    assert found(tmp_path).task.classes == ("cat", "dog")


def test_a_json_file_beside_the_pictures_of_each_split(tmp_path: Path):
    for split in ("train", "valid"):
        coco(tmp_path / "other")
        record = (tmp_path / "other" / "annotations" / "instances_train2017.json").read_text()
        text(tmp_path / "set" / split / "_annotations.coco.json", record)
        for name in ("a.jpg", "b.jpg"):
            picture(tmp_path / "set" / split / name)
    assert [len(found(tmp_path / "set", split).samples) for split in ("train", "val", "all")] == [2, 2, 4]
    with pytest.raises(MissingSplitError, match="it has train, val"):
        found(tmp_path / "set", "test")


@pytest.mark.parametrize(
    ("bbox", "message", "left"),
    [
        ([3, 3, 0, 5], r"a\.jpg: left out: 1 box without an area", []),
        ([50, 3, 5, 5], r"a\.jpg: left out: 1 box outside of the picture", []),
        ([30, 10, 20, 20], r"a\.jpg: reinterpreted: 1 box that reach\w* out of the picture as cut", [[30, 10, 40, 20]]),
    ],
)
def test_boxes_that_do_not_fit_their_picture_are_reported(tmp_path: Path, bbox, message, left):
    coco(tmp_path, annotations=[{"id": 1, "image_id": 7, "category_id": 3, "bbox": bbox}])
    with pytest.warns(DataWarning, match=message):
        assert boxes_of(found(tmp_path), "a.jpg").xyxy.tolist() == left


def test_objects_without_a_box_are_reported(tmp_path: Path):
    boxes = [{"image_id": 7, "category_id": 3, "bbox": each} for each in ([1, 1, 2, 2], [])]
    with pytest.warns(DataWarning, match="left out: 1 objects without a box"):
        assert len(boxes_of(found(coco(tmp_path, annotations=boxes)), "a.jpg").xyxy) == 1


def test_pictures_that_are_absent_are_reported_and_refused_where_all_are(tmp_path: Path):
    coco(tmp_path)
    (tmp_path / "train2017" / "b.jpg").unlink()
    with pytest.warns(DataWarning, match=r"left out: 1 pictures that it lists and that are absent: b\.jpg"):
        assert len(found(tmp_path).samples) == 1
    (tmp_path / "train2017" / "a.jpg").unlink()
    with pytest.raises(DatasetError, match="none of the 2 pictures"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"annotations": [{"image_id": 7, "category_id": 4, "bbox": [1, 1, 2, 2]}]}, "category 4, which it does not"),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": [1, 1, 2]}]}, "not as COCO writes it"),
        ({"categories": [{"id": 3, "name": "cat"}, {"id": 90, "name": "cat"}]}, "two categories of one name"),
    ],
)
def test_json_that_is_not_coco_s_is_refused(tmp_path: Path, changes, problem):
    with pytest.raises(DatasetError, match=problem):
        found(coco(tmp_path, **changes))


# Pascal VOC


def annotation(
    *objects: tuple[str, int, int, int, int], difficult: int = 0, size: str = "40 20", name: str = ""
) -> str:
    width, height = size.split()
    parts = [
        f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for label, left, top, right, bottom in objects
    ]
    shape = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}</filename>{shape}{''.join(parts)}</annotation>"


def voc(root: Path, annotations: dict[str, str]) -> Path:
    for stem, content in annotations.items():
        picture(root / "JPEGImages" / f"{stem}.jpg")
        text(root / "Annotations" / f"{stem}.xml", content)
    return root


def test_corners_of_pascal_voc_count_from_one_and_belong_to_the_object(tmp_path: Path):
    voc(
        tmp_path,
        {"a": annotation(("dog", 1, 1, 40, 20)), "b": annotation(("cat", 5, 6, 9, 8), difficult=1), "c": annotation()},
    )
    text(tmp_path / "ImageSets" / "Main" / "train.txt", "a\nc\n")
    text(tmp_path / "ImageSets" / "Main" / "val.txt", "b\n")
    text(tmp_path / "ImageSets" / "Main" / "dog_train.txt", "a 1\nc -1\n")
    listing = found(tmp_path)
    assert listing.task == Detection(classes=("cat", "dog"))
    assert boxes_of(listing, "a.jpg").xyxy.tolist() == [[0, 0, 40, 20]]
    assert boxes_of(listing, "b.jpg").xyxy.tolist() == [[4, 5, 9, 8]]
    assert boxes_of(listing, "b.jpg").ignored.tolist() == [True]
    assert len(boxes_of(listing, "c.jpg").xyxy) == 0
    assert [len(found(tmp_path, split).samples) for split in ("train", "val")] == [2, 1]
    assert found(tmp_path, classes=("dog", "cat")).task.classes == ("dog", "cat")
    with pytest.raises(DatasetError, match="objects of cat, which -D classes does not name"):
        found(tmp_path, classes=("dog",))


def test_corners_that_count_from_zero_are_recognised_and_reported(tmp_path: Path):
    voc(tmp_path, {"a": annotation(("dog", 0, 0, 40, 20)), "b": annotation(("dog", 5, 6, 9, 8))})
    with pytest.warns(DataWarning, match="as counted from 0, because 1 of 2 boxes begin there"):
        listing = found(tmp_path)
    assert boxes_of(listing, "b.jpg").xyxy.tolist() == [[5, 6, 9, 8]]


def test_a_box_whose_corners_are_one_is_left_out(tmp_path: Path):
    voc(tmp_path, {"a": annotation(("dog", 5, 6, 5, 6), ("dog", 5, 6, 9, 8))})
    with pytest.warns(DataWarning, match=r"a\.xml: left out: 1 box without an area"):
        assert boxes_of(found(tmp_path), "a.jpg").xyxy.tolist() == [[4, 5, 9, 8]]


def test_annotations_and_pictures_without_the_other_are_reported(tmp_path: Path):
    voc(tmp_path, {"a": annotation(("dog", 5, 6, 9, 8)), "b": annotation(("dog", 5, 6, 9, 8))})
    (tmp_path / "JPEGImages" / "b.jpg").unlink()
    picture(tmp_path / "JPEGImages" / "c.jpg")
    with pytest.warns(DataWarning) as warned:
        assert len(found(tmp_path).samples) == 1
    messages = " ".join(str(each.message) for each in warned)
    assert "1 annotations whose picture is absent: b.xml" in messages
    assert "1 pictures that have no annotation: c.jpg" in messages


def test_xml_beside_pictures_with_the_name_and_the_size_of_their_pictures(tmp_path: Path):
    picture(tmp_path / "train" / "photo.jpg")
    text(tmp_path / "train" / "other.xml", annotation(("dog", 5, 6, 9, 8), size="0 0", name="photo.jpg"))
    boxes = boxes_of(found(tmp_path, "train"), "photo.jpg")
    assert boxes.xyxy.tolist() == [[4, 5, 9, 8]] and boxes.size == (20, 40)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<annotation>", r"b\.xml cannot be read as XML"),
        ("<annotation><object><name>x</name></object></annotation>", r"b\.xml has an object without a box"),
        (annotation(("", 5, 6, 9, 8)), r"b\.xml has an object without a name"),
    ],
)
def test_xml_that_is_not_pascal_voc_s_is_refused(tmp_path: Path, content, problem):
    voc(tmp_path, {"a": annotation(("dog", 5, 6, 9, 8)), "b": content})
    with pytest.raises(DatasetError, match=problem):
        found(tmp_path)


# YOLO


def yolo(root: Path, lines: dict[str, str | None], names: str | None = "names: [gate, car]\n") -> Path:
    for stem, content in lines.items():
        picture(root / "train" / "images" / f"{stem}.jpg")
        if content is not None:
            text(root / "train" / "labels" / f"{stem}.txt", content)
    if names is not None:
        text(root / "data.yaml", names)
    return root


@pytest.mark.parametrize("names", ["names: [gate, car]\nnc: 2\n", "names:\n  1: car\n  0: gate\n"])
def test_shares_of_the_picture_become_pixels_of_it(tmp_path: Path, names):
    yolo(tmp_path, {"a": "1 0.5 0.5 0.25 0.5\n", "b": ""}, names)
    listing = found(tmp_path, "train")
    assert listing.task == Detection(classes=("gate", "car"))
    boxes = boxes_of(listing, "a.jpg")
    assert boxes.xyxy.tolist() == [[15, 5, 25, 15]] and boxes.classes.tolist() == [1]
    assert len(boxes_of(listing, "b.jpg").xyxy) == 0


def test_a_picture_without_a_text_file_shows_nothing_and_that_is_reported(tmp_path: Path):
    yolo(tmp_path, {"a": "1 0.5 0.5 0.25 0.5\n", "b": None})
    text(tmp_path / "train" / "labels" / "z.txt", "0 0.5 0.5 0.1 0.1\n")
    with pytest.warns(DataWarning) as warned:
        assert len(boxes_of(found(tmp_path), "b.jpg").xyxy) == 0
    messages = " ".join(str(each.message) for each in warned)
    assert "1 of 2 pictures, which have no text file, as showing no object: b.jpg" in messages
    assert "1 text files without a picture: z.txt" in messages


def test_outlines_are_taken_as_the_boxes_around_them(tmp_path: Path):
    yolo(tmp_path, {"a": "0 0.25 0.5 0.5 0.25 0.5 0.75\n"})
    with pytest.warns(DataWarning, match="1 outlines as the boxes around them"):
        assert boxes_of(found(tmp_path), "a.jpg").xyxy.tolist() == [[10, 5, 20, 15]]


def test_the_size_of_a_turned_photograph_is_that_of_the_upright_one(tmp_path: Path):
    yolo(tmp_path, {"a": "0 0.5 0.5 1 1\n"})
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "train" / "images" / "a.jpg", exif=exif)
    assert boxes_of(found(tmp_path), "a.jpg").xyxy.tolist() == [[0, 0, 20, 40]]


def test_folders_of_splits_within_images_and_labels_and_names_that_the_user_gives(tmp_path: Path):
    for split in ("train2017", "val2017"):
        picture(tmp_path / "images" / split / "a.jpg")
        text(tmp_path / "labels" / split / "a.txt", "2 0.5 0.5 0.5 0.5\n")
    assert found(tmp_path, "val").task.classes == ("0", "1", "2")
    assert found(tmp_path, classes=("x", "y", "z")).task.classes == ("x", "y", "z")
    with pytest.raises(DatasetError, match="the class 2, and there are 2 names"):
        found(tmp_path, classes=("x", "y"))


def test_text_files_beside_the_pictures(tmp_path: Path):
    picture(tmp_path / "a.jpg")
    text(tmp_path / "a.txt", "0 0.5 0.5 0.5 0.5\n")
    text(tmp_path / "classes.txt", "gate\n")
    assert found(tmp_path, "train").task.classes == ("gate",)


def test_a_line_that_is_no_box_is_refused_with_its_number_where_boxes_are_asked_for(tmp_path: Path):
    many = {f"a{at:02}": "0 0.5 0.5 0.5 0.5\n" for at in range(21)}
    yolo(tmp_path, {**many, "b": "0 0.5 0.5 0.5 0.5\n0 0.5 0.5\n"})
    with pytest.raises(DatasetError, match=r"b\.txt, line 2: '0 0\.5 0\.5' is no box"):
        found(tmp_path)


@pytest.mark.foreign_file("6 numbers a line, the last a confidence", "YOLO, save_conf=True", "refused: names the line")
@pytest.mark.parametrize(
    ("numbers", "what"),
    [
        ("0.5 0.5 0.2 0.2 0.91", "6 numbers, a class, a box and a confidence: a prediction, no label"),
        ("0.1 0.1 0.9 0.1 0.5 0.9 0.77", "8 numbers, a class, an outline and a confidence: a prediction, no label"),
    ],
)
def test_predictions_with_a_confidence_are_refused_by_name(tmp_path: Path, numbers: str, what: str):
    picture(tmp_path / "images" / "a.jpg")
    text(tmp_path / "labels" / "a.txt", f"0 {numbers}\n")
    with pytest.raises(DatasetError, match=rf"a\.txt, line 1: {what}"):
        find_boxes(tmp_path, "train", SUFFIXES, MaskOptions())


def test_numbers_in_a_text_that_belongs_to_no_picture_are_no_predictions(tmp_path: Path):
    picture(tmp_path / "a.jpg")
    text(tmp_path / "weights.txt", "0 0.5 0.5 0.2 0.2 0.91\n")
    assert find_boxes(tmp_path, "train", SUFFIXES, MaskOptions()) is None


@pytest.mark.foreign_file("keypoints behind the box", "YOLO-pose", "read, told: the boxes")
@pytest.mark.parametrize(
    ("keypoints", "yaml"),
    [
        ("0.4 0.4 2 0.6 0.6 1 0 0 0", "names: [person]\n"),
        ("0.4 0.4 2 0.6 0.6 0", "names: [person]\n"),
        ("0.4 0.4 0.6 0.6", "names: [person]\nkpt_shape: [2, 2]\n"),
    ],
)
def test_of_keypoints_the_boxes_are_read(tmp_path: Path, keypoints: str, yaml: str):
    picture(tmp_path / "images" / "a.jpg")
    text(tmp_path / "labels" / "a.txt", f"0 0.5 0.5 0.5 0.5 {keypoints}\n")
    text(tmp_path / "data.yaml", yaml)
    with pytest.warns(DataWarning, match="left out: the keypoints of 1 box"):
        (boxes,) = found(tmp_path).labels
    assert boxes.xyxy.tolist() == [[10, 5, 30, 15]]  # of 40 x 20


def test_other_text_files_and_other_data_are_left_to_other_readers(tmp_path: Path):
    picture(tmp_path / "images" / "a.jpg")
    text(tmp_path / "labels" / "a.txt", "a photograph of a dog\n")
    assert find_boxes(tmp_path, "train", SUFFIXES, MaskOptions()) is None
    with pytest.raises(DatasetError, match="no boxes that belong to pictures"):
        find_boxes(tmp_path, "train", SUFFIXES, MaskOptions(labels="boxes"))


# what is made of them


def test_objects_get_the_classes_of_an_earlier_run_by_name():
    target, run = Boxes(np.zeros((2, 4)), np.array([0, 1])), Detection(classes=("b", "c", "a"))
    (moved,) = boxes_with_classes_of([target], Detection(classes=("a", "b")), run, "here")
    assert moved.classes.tolist() == [2, 0]
    with pytest.raises(OptionError, match="here has objects of classes that the task does not: d"):
        boxes_with_classes_of([target], Detection(classes=("a", "d")), run, "here")
    unused = Detection(classes=("a", "b", "d"))
    assert boxes_with_classes_of([target], unused, run, "here")[0].classes.tolist() == [2, 0]


def test_coco_s_results_have_the_data_s_own_numbers():
    objects = [{"class": "dog", "score": 0.75, "box": [1.5, 2.0, 11.75, 7.0]}]
    records = [{"source": f"x/{name}", "prediction": objects} for name in ("000000397133.jpg", "cat 1.jpg")]
    one, other = coco_results(records, Detection(classes=("cat", "dog"), numbers=(3, 90)))
    assert one == {"image_id": 397133, "category_id": 90, "bbox": [1.5, 2.0, 10.25, 5.0], "score": 0.75}
    assert other["image_id"] == "cat 1.jpg"


def test_a_frame_is_drawn_around_each_object_at_its_place(tmp_path: Path):
    black = np.zeros((480, 640, 3), np.uint8)
    task = Detection(classes=("cat", "dog"))
    drawn = np.asarray(with_boxes(black, [{"class": "dog", "score": 0.9, "box": [100, 200, 300, 400]}], task))
    assert drawn.shape == black.shape
    is_orange = (drawn == (255, 127, 14)).all(-1)  # of the second class
    rows, columns = np.nonzero(is_orange[200:, :])
    assert (columns.min(), columns.max(), rows.max() + 200) == (100, 299, 399)
    assert not drawn[250:350, 150:250].any()
    record = {"size": [480, 640], "prediction": [{"class": "cat", "score": 0.2, "box": [0, 0, 9, 9]}]}
    (path,) = write_boxes(tmp_path / "a.jpg", [record], task, tmp_path, read=lambda _: black)
    with Image.open(path) as written:
        assert path.name == "a_boxes.png" and not np.asarray(written).any()  # less likely than what is drawn
