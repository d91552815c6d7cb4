import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError
from mt_core.sdk import Mask, MaskOptions, find_masks

SUFFIXES = (".png", ".jpg")


def picture(path: Path, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 10, 10)).save(path)


def mask(path: Path, rows: object, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Image.fromarray(np.array(rows, np.uint16 if mode == "I;16" else np.uint8))
    if mode == "P":
        made.putpalette([number for index in range(256) for number in (index, 0, 255 - index)])
    made.save(path)


def found(root: Path, split: str = "train", **options: object):
    listing = find_masks(root, split, SUFFIXES, MaskOptions(**options))
    assert listing is not None
    return listing


def test_a_folder_of_pictures_beside_one_of_masks(tmp_path):
    picture(tmp_path / "images/a.jpg")
    mask(tmp_path / "masks/a.png", [[0, 1], [2, 255]])
    listing = found(tmp_path)
    assert listing.task == Segmentation(classes=("0", "1", "2"), of="pixels", numbers=(0, 1, 2), void=(255,))
    assert np.asarray(listing.labels[0]).tolist() == [[0, 1], [2, -1]]
    assert listing.samples == [str(tmp_path / "images/a.jpg")]


@pytest.mark.parametrize(
    ("pictures", "masks"),
    [
        ("train/{}.png", "trainannot/{}.png"),
        ("train/images/{}.png", "train/labels/{}.png"),
        ("images/training/{}.jpg", "annotations/training/{}.png"),
        ("train_images/{}.jpg", "train_masks/{}_mask.png"),
        ("leftImg8bit/train/ulm/{}_leftImg8bit.png", "gtFine/train/ulm/{}_gtFine_labelIds.png"),
    ],
)
def test_splits_in_folders(tmp_path, pictures, masks):
    picture(tmp_path / pictures.format("ulm_1"))
    mask(tmp_path / masks.format("ulm_1"), [[7, 7], [8, 0]])
    listing = found(tmp_path)
    assert len(listing.samples) == 1
    assert len({*np.asarray(listing.labels[0])[0].tolist()}) == 1
    with pytest.raises(MissingSplitError):
        found(tmp_path, "val")


def test_0_is_of_no_class_in_ade20k(tmp_path):
    picture(tmp_path / "images/training/a.jpg")
    mask(tmp_path / "annotations/training/a.png", [[0, 1], [150, 1]])
    assert np.asarray(found(tmp_path).labels[0]).tolist() == [[-1, 0], [1, 0]]


def test_cityscapes_has_its_nineteen_classes_and_leaves_out_colours_and_instances(tmp_path):
    stem = "aachen_000000_000019"
    picture(tmp_path / f"leftImg8bit/val/aachen/{stem}_leftImg8bit.png")
    mask(tmp_path / f"gtFine/val/aachen/{stem}_gtFine_labelIds.png", [[7, 26], [0, 33]])
    mask(tmp_path / f"gtFine/val/aachen/{stem}_gtFine_color.png", np.zeros((2, 2, 3)))
    mask(tmp_path / f"gtFine/val/aachen/{stem}_gtFine_instanceIds.png", [[7, 26000], [0, 33]], "I;16")
    listing = found(tmp_path, "val")
    assert len(listing.task.classes) == 19
    named = [listing.task.classes[index] for index in np.asarray(listing.labels[0])[[0, 0, 1], [0, 1, 1]]]
    assert named == ["road", "car", "bicycle"]
    assert np.asarray(listing.labels[0])[1, 0] == -1


def test_voc_takes_the_numbers_of_the_palette_and_the_lists_of_its_splits(tmp_path):
    for stem in ("2007_000032", "2007_000033"):
        picture(tmp_path / f"JPEGImages/{stem}.jpg")
    picture(tmp_path / "JPEGImages/2008_000001.jpg")  # of detection alone
    mask(tmp_path / "SegmentationClass/2007_000032.png", [[0, 1], [255, 20]], "P")
    mask(tmp_path / "SegmentationClass/2007_000033.png", [[0, 2], [0, 0]], "P")
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000032\n")
    (lists / "val.txt").write_text("2007_000033\n")
    with pytest.warns(DataWarning, match="which have no mask: 2008_000001.jpg"):
        listing = found(tmp_path)
    assert [Path(sample).stem for sample in listing.samples] == ["2007_000032"]
    assert listing.task.classes[1] == "aeroplane"
    assert np.asarray(listing.labels[0]).tolist() == [[0, 1], [-1, 20]]


def test_paths_of_lists_are_looked_for_by_their_end_and_camvid_has_its_names(tmp_path):
    picture(tmp_path / "train/0001TP_007290.png")
    mask(tmp_path / "trainannot/0001TP_007290.png", [[0, 11], [3, 3]])
    line = "/SegNet/CamVid/train/0001TP_007290.png /SegNet/CamVid/trainannot/0001TP_007290.png\n"
    (tmp_path / "train.txt").write_text(line)
    listing = found(tmp_path)
    assert (listing.layout, listing.task.classes[3]) == ("listed masks", "Road")
    assert np.asarray(listing.labels[0]).tolist() == [[0, -1], [3, 3]]


def test_3_is_of_no_class_in_trimaps_of_pets(tmp_path):
    picture(tmp_path / "images/Bengal_1.jpg")
    mask(tmp_path / "annotations/trimaps/Bengal_1.png", [[1, 2], [3, 1]])
    (tmp_path / "annotations/trainval.txt").write_text("Bengal_1 6 1 2\n")
    listing = found(tmp_path)
    assert listing.task.classes == ("pet", "background")
    assert np.asarray(listing.labels[0]).tolist() == [[0, 1], [-1, 0]]


def coco(folder: Path, annotations: list[dict[str, object]], size: int = 4) -> None:
    picture(folder / "train2017/1.jpg", (size, size))
    record = {
        "images": [{"id": 5, "file_name": "1.jpg", "height": size, "width": size}],
        "annotations": [{"image_id": 5, **each} for each in annotations],
        "categories": [{"id": 3, "name": "cat"}, {"id": 90, "name": "ball"}],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations/instances_train2017.json").write_text(json.dumps(record))


def test_coco_polygons_are_drawn_with_the_smaller_object_before_the_larger(tmp_path):
    square = [[0, 0, 4, 0, 4, 3, 0, 3]]
    corner = [[0, 0, 2, 0, 2, 1, 0, 1]]
    objects = [{"category_id": 90, "segmentation": corner}, {"category_id": 3, "segmentation": square}]
    coco(tmp_path, objects)
    listing = found(tmp_path)
    assert listing.task.classes == ("background", "cat", "ball")
    assert np.asarray(listing.labels[0])[0].tolist() == [2, 2, 1, 1]
    assert (np.asarray(listing.labels[0])[1] == 1).all()


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools
def test_polygons_of_coco_cover_what_pycocotools_says(tmp_path):
    from pycocotools import mask as oracle

    size, generator = 64, np.random.default_rng(0)
    square = [20.0, 10, 40, 10, 40, 30, 20, 30]
    angles = np.sort(generator.uniform(0, 2 * np.pi, (20, 12)), axis=1)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * generator.uniform(4, 16, (20, 1, 1))
    outlines = [square, *(around + generator.uniform(10, 54, (20, 1, 2))).reshape(20, -1).tolist()]
    areas = []
    for number, outline in enumerate(outlines):
        coco(folder := tmp_path / str(number), [{"category_id": 3, "segmentation": [outline]}], size=size)
        own = np.asarray(found(folder).labels[0]) == 1
        expected = oracle.decode(oracle.merge(oracle.frPyObjects([outline], size, size))).astype(bool)
        assert (own != expected).sum() <= 0.06 * expected.sum() + 2
        areas.append((own.sum(), expected.sum()))
    assert areas[0] == (400, 400)
    assert np.sum(areas, axis=0)[0] == pytest.approx(np.sum(areas, axis=0)[1], rel=0.01)


def test_ids_of_pictures_are_compared_as_text(tmp_path):
    coco(tmp_path, [{"image_id": "5", "category_id": 3, "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]}])
    assert (np.asarray(found(tmp_path).labels[0]) == 1).all()


def test_objects_of_no_picture_are_refused(tmp_path):
    coco(tmp_path, [{"image_id": 77, "category_id": 3, "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]}])
    with pytest.raises(DatasetError, match="is of a picture that it lists"):
        found(tmp_path)


def test_the_box_of_an_object_without_an_outline_has_no_class(tmp_path):
    drawn = {"category_id": 3, "segmentation": [[0, 0, 2, 0, 2, 4, 0, 4]]}
    coco(tmp_path, [drawn, {"category_id": 90, "segmentation": [], "bbox": [3, 1, 1, 2]}])
    with pytest.warns(UserWarning, match="1 objects? without an outline"):
        listing = found(tmp_path)
    assert np.asarray(listing.labels[0]).tolist() == [[1, 1, 0, 0], [1, 1, 0, -1], [1, 1, 0, -1], [1, 1, 0, 0]]


def test_transparent_pixels_are_background(tmp_path):
    for name, alpha in (("a", [[255, 0], [200, 0]]), ("b", [[0, 0], [0, 0]])):
        picture(tmp_path / f"images/{name}.png")
        (tmp_path / "masks").mkdir(exist_ok=True)
        white = np.full((2, 2, 4), 255, np.uint8)
        white[..., 3] = alpha
        Image.fromarray(white, "RGBA").save(tmp_path / f"masks/{name}.png")
    with pytest.warns(UserWarning, match="transparent"):
        listing = found(tmp_path)
        labels = [np.asarray(each).tolist() for each in listing.labels]
    assert listing.task.classes == ("background", "foreground")
    assert labels == [[[1, 0], [1, 0]], [[0, 0], [0, 0]]]


def compressed(counts: list[int]) -> str:
    """As pycocotools writes run lengths: rleToString of maskApi.c, step by step."""
    text = ""
    for index, count in enumerate(counts):
        left = count - counts[index - 2] if index > 2 else count
        while True:
            bits, left = left & 31, left >> 5
            more = left != (-1 if bits & 16 else 0)
            text += chr(48 + (bits | 32 if more else bits))
            if not more:
                break
    return text


def test_run_lengths_of_coco_go_down_the_columns(tmp_path):
    counts = [1, 2, 40, 3, 1, 9, 8]  # pixels outside and inside by turns
    assert compressed([0, 6, 1, 40]) == "061R1"
    outline = {"size": [8, 8], "counts": compressed(counts)}
    crowd = {"category_id": 3, "iscrowd": 1, "segmentation": {"size": [8, 8], "counts": [63, 1]}}
    coco(tmp_path, [{"category_id": 90, "segmentation": outline}, crowd], size=8)
    expected = np.repeat([0, 2, 0, 2, 0, 2, 0], counts).reshape(8, 8).T.copy()
    expected[7, 7] = -1
    assert np.asarray(found(tmp_path).labels[0]).tolist() == expected.tolist()


def test_masks_of_16_bits_and_of_floats_that_are_whole(tmp_path):
    picture(tmp_path / "images/a.png")
    picture(tmp_path / "images/b.png")
    mask(tmp_path / "masks/a.png", [[0, 1000], [500, 0]], "I;16")
    np.save(tmp_path / "masks/b.npy", np.array([[0.0, 500.0]]))
    listing = found(tmp_path)
    assert listing.task.numbers == (0, 500, 1000)
    assert [np.asarray(each).tolist() for each in listing.labels] == [[[0, 2], [1, 0]], [[0, 1]]]


def test_colours_are_classes_that_a_list_names(tmp_path):
    picture(tmp_path / "images/a.png")
    mask(tmp_path / "masks/a.png", [[[128, 0, 0], [0, 0, 64]]])
    with pytest.warns(DataWarning, match="called after them"):
        assert found(tmp_path).task.classes == ("#000040", "#800000")
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nHouse,128,0,0\nSea,0,0,64\nSky,1,1,1\n")
    listing = found(tmp_path)
    assert listing.task.classes == ("House", "Sea", "Sky")
    assert np.asarray(listing.labels[0]).tolist() == [[0, 1]]


def test_0_and_255_are_two_classes_and_a_jpeg_of_them_is_sharpened(tmp_path):
    picture(tmp_path / "images/a.png")
    rows = np.zeros((16, 16), np.uint8)
    rows[:, 8:] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(rows).save(tmp_path / "masks/a.jpg", quality=60)
    listing = found(tmp_path)
    assert listing.task.classes == ("background", "foreground")
    assert (np.asarray(listing.labels[0]) == rows // 255).all()


def test_names_are_given_or_lie_beside_and_have_to_fit(tmp_path):
    picture(tmp_path / "images/a.png")
    mask(tmp_path / "masks/a.png", [[1, 3]])
    assert found(tmp_path, classes=("road", "sky", "sea")).task.numbers == (1, 2, 3)
    assert found(tmp_path, void=(3,)).task.classes == ("1",)
    (tmp_path / "classes.txt").write_text("none\nroad\nsky\nsea\n")
    assert found(tmp_path).task.numbers == (0, 1, 2, 3)
    with pytest.raises(DatasetError, match="hold the numbers 1, 3, and -D classes has 1 names"):
        found(tmp_path, classes=("road",))


def test_a_number_of_no_class_names_the_file(tmp_path):
    mask(tmp_path / "late.png", [[0, 7]])
    task = Segmentation(classes=("a", "b"), of="pixels", numbers=(0, 1))
    with pytest.raises(InputError, match=r"late\.png has pixels of 7, and the 2 classes do not have that"):
        Mask(str(tmp_path / "late.png"), task).read()


def test_pictures_as_masks_and_numbers_of_objects_are_refused(tmp_path):
    picture(tmp_path / "images/a.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save(tmp_path / "masks/a.png")
    with pytest.raises(DatasetError, match="4,096 different values: they are pictures, or numbers of objects"):
        found(tmp_path)


def test_two_masks_of_a_picture_are_refused(tmp_path):
    picture(tmp_path / "images/a.png")
    mask(tmp_path / "masks/a.png", [[0, 1]])
    mask(tmp_path / "masks/a_mask.png", [[0, 1]])
    with pytest.raises(DatasetError, match="masks of the same picture"):
        found(tmp_path)


def test_folders_without_masks_are_left_to_other_layouts(tmp_path):
    picture(tmp_path / "cat/a.png")
    assert find_masks(tmp_path, "train", SUFFIXES, MaskOptions()) is None
    assert find_masks(tmp_path, "train", SUFFIXES, MaskOptions(labels="pictures")) is None
    with pytest.raises(DatasetError, match="no masks that belong to pictures"):
        find_masks(tmp_path, "train", SUFFIXES, MaskOptions(labels="pixels"))
