"""Pairs of pictures and captions: which there are, and who reads which."""

import gzip
import io
import json
import tarfile
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from mt_core.contract import Tokenizer
from mt_core.errors import DatasetError, InputError
from mt_pretrain.pairs import batches as batching
from mt_pretrain.pairs import pair as pairing
from mt_pretrain.pairs import shards
from mt_pretrain.pairs.batches import EpochOfPairs, PairReader, prepare_held_out, survey
from mt_pretrain.pairs.layouts import open_pairs
from mt_pretrain.pairs.pair import ByteRange, Pair, Skipped

SUFFIXES = (".jpg", ".png")


def content(number: int) -> bytes:
    return b"picture %d" % number


def write_folder(folder: Path, numbers=range(6)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"{number:03}.jpg").write_bytes(content(number))
        (folder / f"{number:03}.txt").write_text(f"caption {number}")
    return folder


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def members(numbers) -> dict[str, bytes]:
    return {
        name: data
        for number in numbers
        for name, data in ((f"{number:03}.jpg", content(number)), (f"{number:03}.txt", b"caption %d" % number))
    }


def write_shards(folder: Path, num_shards: int, pairs_a_shard: int) -> Path:
    for shard in range(num_shards):
        numbers = range(shard * pairs_a_shard, (shard + 1) * pairs_a_shard)
        write_tar(folder / f"{shard:05}.tar", members(numbers))
    return folder


def usable(source, *walk) -> list[Pair]:
    return [found for found in source.walk(*walk) if isinstance(found, Pair)]


def skipped(source, *walk) -> dict[str, str]:
    return dict(found for found in source.walk(*walk) if isinstance(found, Skipped))


def read(pair: Pair) -> tuple[bytes, str]:
    picture = pair.picture.read() if isinstance(pair.picture, ByteRange) else Path(pair.picture).read_bytes()
    return picture, pair.caption


# layouts


def test_a_folder_shards_and_a_table_give_the_same_pairs(tmp_path):
    folder = write_folder(tmp_path / "folder")
    table = write_folder(tmp_path / "table")
    (table / "captions.csv").write_text("file,caption\n" + "".join(f"{n:03}.jpg,caption {n}\n" for n in range(6)))
    expected = [(content(number), f"caption {number}") for number in range(6)]
    for root in (folder, write_shards(tmp_path / "shards", 2, 3), table, table / "captions.csv"):
        assert [read(pair) for pair in usable(open_pairs(root, SUFFIXES))] == expected


def test_one_shard_can_be_named(tmp_path):
    shard = write_tar(tmp_path / "one.tar", members(range(3)))
    assert [pair.name for pair in usable(open_pairs(shard, SUFFIXES))] == ["one.tar/000", "one.tar/001", "one.tar/002"]


@pytest.mark.parametrize("record", [{"caption": "a red circle"}, {"width": 3, "text": " a  red\ncircle "}])
def test_captions_are_found_in_json(tmp_path, record):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "x.png").write_bytes(b"p")
    (tmp_path / "files" / "x.json").write_text(json.dumps(record))
    shard = write_tar(tmp_path / "x.tar", {"x.png": b"p", "x.json": json.dumps(record).encode()})
    for root in (tmp_path / "files", shard):
        assert [pair.caption for pair in usable(open_pairs(root, SUFFIXES))] == ["a red circle"]


def test_a_text_comes_before_json_and_the_stem_ends_at_the_last_dot(tmp_path):
    shard = write_tar(tmp_path / "x.tar", {"a.1.JPG": b"p", "a.1.json": b'{"text": "json"}', "a.1.TXT": b"txt"})
    assert [(pair.name, pair.caption) for pair in usable(open_pairs(shard, SUFFIXES))] == [("x.tar/a.1", "txt")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("captions.csv", 'image;caption\na.png;one "quoted\nb.png;two\n'),
        ("captions.tsv", 'image\tcaption\na.png\tone "quoted\nb.png\ttwo\n'),
        ("captions.jsonl", '{"path": "a.png", "text": "one \\"quoted"}\n\n{"Path": "b.png", "text": "two"}\n'),
        ("captions.csv", 'Filename,Title\na.png,"one ""quoted"\nb.png,two\n'),
    ],
)
def test_tables_are_read_by_the_names_of_their_columns(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    found = usable(open_pairs(tmp_path, SUFFIXES))
    assert [(pair.picture, pair.caption) for pair in found] == [
        (str(tmp_path / "a.png"), 'one "quoted'),
        (str(tmp_path / "b.png"), "two"),
    ]


def test_a_row_that_cannot_be_understood_is_skipped(tmp_path):
    (tmp_path / "captions.jsonl").write_text('{"path": "a.png", "text": "one"}\n{"path": "b.p\n{"path": "c.png"}\n[]\n')
    source = open_pairs(tmp_path, SUFFIXES)
    assert [pair.name for pair in usable(source)] == ["a.png"]
    assert skipped(source) == {
        "captions.jsonl, line 2": "names no picture",
        "captions.jsonl, line 4": "names no picture",
        "c.png": "has an empty caption",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.png,1\n", "has no column of captions; it has file, label"),
        ("caption\none\n", "has no column of paths; it has caption"),
        ("", "has no rows"),
        ("file,caption\n", "has a header but no rows"),
        ("file,caption\n,one\n", "has no rows that name a picture"),
        ('file,caption\na.png,"one\n', r"captions\.csv, line 2: unexpected end of data"),
        ("file,caption\na.png,one,two\n", "line 2: 3 fields, where there are 2 columns"),
    ],
)
def test_a_table_without_pairs_is_refused(tmp_path, text, message):
    (tmp_path / "captions.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError, match=message):
        open_pairs(tmp_path, SUFFIXES)


def test_a_folder_without_captions_is_refused_with_what_was_looked_for(tmp_path):
    (tmp_path / "a.png").write_bytes(b"p")
    with pytest.raises(DatasetError, match="holds 1 pictures, none of them with a caption") as refused:
        open_pairs(tmp_path, SUFFIXES)
    for looked_for in ("captions.csv", "*.tar", "x.jpg beside x.txt"):
        assert looked_for in refused.value.fix


def test_a_folder_without_pictures_and_one_that_is_not_there_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DatasetError, match="holds no pictures"):
        open_pairs(tmp_path, SUFFIXES)
    with pytest.raises(DatasetError, match="does not exist"):
        open_pairs(tmp_path / "nowhere", SUFFIXES)


# what is no pair


def test_a_picture_without_a_caption_of_its_own_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(pairing, "LARGEST_CAPTION", 50)
    folder = write_folder(tmp_path, range(7))
    (folder / "0000.jpg").write_bytes(content(0))
    (folder / "0000.json").write_text('{"caption": "half a \\ud83d"}')
    (folder / "000.txt").unlink()
    (folder / "001.txt").write_text(" \n")
    (folder / "002.txt").write_bytes(b"\xff\xfe")
    (folder / "003.txt").unlink()
    (folder / "003.json").write_text('{"label": 3}')
    (folder / "004.txt").unlink()
    (folder / "004.json").write_text("{")
    (folder / "005.txt").write_text("long " * 20)
    source = open_pairs(folder, SUFFIXES)
    assert [pair.name for pair in usable(source)] == ["006.jpg"]
    assert skipped(source) == {
        "000.jpg": "has no caption beside it (.txt or .json)",
        "0000.jpg": "has a caption that is no text",
        "001.jpg": "has an empty caption",
        "002.jpg": "has a caption that cannot be read (UnicodeDecodeError)",
        "003.jpg": "has an empty caption",
        "004.jpg": "has a caption that cannot be read (JSONDecodeError)",
        "005.jpg": "has a caption of 100 bytes, more than 50",
    }


def test_a_half_of_a_pair_in_a_shard_and_a_huge_picture_are_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "LARGEST_PICTURE", 100)
    parts = {
        "a.jpg": b"p",
        "b.txt": b"b",
        "c.jpg": b"p" * 101,
        "c.txt": b"c",
        "d.jpg": b"p",
        "d.txt": b"d",
        "e.md": b"",
    }
    source = open_pairs(write_tar(tmp_path / "x.tar", parts), SUFFIXES)
    assert [pair.name for pair in usable(source)] == ["x.tar/d"]
    assert skipped(source) == {
        "x.tar/a": "has no caption (.txt or .json) next to it in its shard",
        "x.tar/b": "has no picture next to it in its shard",
        "x.tar/c": "has a picture of 101 bytes, more than 100",
    }


def test_links_in_a_shard_are_not_followed(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        picture, link = tarfile.TarInfo("a.jpg"), tarfile.TarInfo("a.txt")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.txt")
        archive.addfile(picture, io.BytesIO())
        archive.addfile(link)
    assert list(skipped(open_pairs(path, SUFFIXES))) == ["x.tar/a"]


def test_a_shard_that_ends_early_gives_what_is_whole(tmp_path):
    path = write_tar(tmp_path / "x.tar", members(range(5)))
    whole = path.read_bytes()
    # a pair has four blocks of 512 bytes: cut within the picture of the third
    path.write_bytes(whole[: 2 * 4 * 512 + 512 + 4])
    source = open_pairs(path, SUFFIXES)
    assert [pair.name for pair in usable(source)] == ["x.tar/000", "x.tar/001"]
    assert list(skipped(source)) == ["x.tar, the rest of it"]


def test_a_damaged_header_in_a_shard_is_reported(tmp_path):
    path = write_tar(tmp_path / "x.tar", members(range(5)))
    damaged = bytearray(path.read_bytes())
    damaged[3 * 4 * 512 : 3 * 4 * 512 + 200] = b"\x07" * 200
    path.write_bytes(damaged)
    source = open_pairs(path, SUFFIXES)
    assert [pair.name for pair in usable(source)] == ["x.tar/000", "x.tar/001", "x.tar/002"]
    assert skipped(source) == {"x.tar from byte 6,144 on": "is damaged"}


def test_a_packed_shard_is_not_unpacked(tmp_path):
    plain = write_tar(tmp_path / "plain.tar", members(range(2)))
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "x.tar").write_bytes(gzip.compress(plain.read_bytes()))
    source = open_pairs(tmp_path / "packed", SUFFIXES)
    assert (len(usable(source)), list(skipped(source))) == (0, ["x.tar, the rest of it"])
    with pytest.raises(DatasetError, match=r"holds no pair that can be read: 1 skipped, the first: x\.tar"):
        survey(reader_of(tmp_path / "packed"))


def test_bytes_that_are_not_there_any_more_are_an_error_of_ours(tmp_path):
    (tmp_path / "x").write_bytes(b"12345")
    assert ByteRange(str(tmp_path / "x"), 1, 3).read() == b"234"
    for stored in (ByteRange(str(tmp_path / "x"), 3, 3), ByteRange(str(tmp_path / "y"), 0, 1)):
        with pytest.raises(InputError):
            stored.read()


# who reads what

ROOTS = {
    "folder": lambda path: write_folder(path, range(16)),
    "one shard": lambda path: write_shards(path, 1, 16),
    "three shards": lambda path: write_shards(path, 3, 5),
    "many shards": lambda path: write_shards(path, 40, 2),
}


@pytest.mark.parametrize("layout", ROOTS)
@pytest.mark.parametrize("parts", [1, 4, 7])
def test_each_pair_is_in_exactly_one_part(tmp_path, layout, parts):
    source = open_pairs(ROOTS[layout](tmp_path), SUFFIXES)
    everything = Counter(pair.name for pair in usable(source))
    assert set(everything.values()) == {1}
    for order in ("0/0/0", "0/1/0"):
        assert Counter(pair.name for part in range(parts) for pair in usable(source, order, part, parts)) == everything


@pytest.mark.parametrize("layout", ["folder", "one shard"])
def test_parts_of_a_few_files_differ_by_one_pair_at_most(tmp_path, layout):
    source = open_pairs(ROOTS[layout](tmp_path), SUFFIXES)
    sizes = {len(usable(source, "0/0/0", part, 3, lambda name: "007" not in name)) for part in range(3)}
    assert sizes == {5}


@pytest.mark.parametrize("layout", ROOTS)
def test_an_order_comes_again_and_another_is_another(tmp_path, layout):
    source = open_pairs(ROOTS[layout](tmp_path), SUFFIXES)
    first, again, other = ([pair.name for pair in usable(source, order)] for order in ("0/0/0", "0/0/0", "0/1/0"))
    assert first == again
    assert first != other and sorted(first) == sorted(other)


def test_pairs_are_shuffled_within_what_waits_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHUFFLE_BUFFER", 4)
    source = open_pairs(write_shards(tmp_path, 1, 30), SUFFIXES)
    lying, shuffled = ([pair.name for pair in usable(source, *order)] for order in ((), ("0/0/0",)))
    assert sorted(shuffled) == lying != shuffled
    assert all(lying.index(name) <= place + 4 for place, name in enumerate(shuffled))


class Numbers(Tokenizer):
    """The number that a picture or caption ends with."""

    def read(self, source):
        if isinstance(source, dict):
            return int(source["text"].split()[-1])
        words = (Path(source).read_bytes() if isinstance(source, str) else source).split()
        if words[0] != b"picture":
            raise InputError("this is no picture")
        return int(words[1])

    def prepare(self, sample, generator=None):
        drawn = 0 if generator is None else int(torch.randint(1 << 30, (), generator=generator))
        return {"number": torch.tensor(sample), "drawn": torch.tensor(drawn)}


def reader_of(root: Path, batch_size: int = 1, val_fraction: float = 1e-9) -> PairReader:
    return PairReader(open_pairs(root, SUFFIXES), Numbers(1), Numbers(1), batch_size, val_fraction, seed=0)


@pytest.mark.parametrize("layout", ["folder", "one shard"])
def test_two_processes_with_two_readers_each_read_every_pair_once(tmp_path, layout):
    reader = reader_of(ROOTS[layout](tmp_path))
    numbers = []
    for rank in (0, 1):
        loader = DataLoader(EpochOfPairs(reader, 3, rank, 2), batch_size=None, num_workers=2)
        for batch in islice(loader, 8):  # 16 pairs in four parts
            assert torch.equal(batch["picture"]["number"], batch["caption"]["number"])
            numbers += batch["picture"]["number"].tolist()
    assert sorted(numbers) == list(range(16))


def test_no_batch_holds_a_pair_twice_though_the_epoch_has_no_end(tmp_path):
    reader = reader_of(write_folder(tmp_path, range(5)), batch_size=2)
    batches = [batch["picture"]["number"].tolist() for batch in islice(EpochOfPairs(reader, 0), 20)]
    assert all(len(set(batch)) == 2 for batch in batches)
    assert {number for batch in batches for number in batch} == set(range(5))


def test_augmentation_differs_between_epochs_and_is_the_same_when_repeated(tmp_path):
    reader = reader_of(write_folder(tmp_path, range(4)), batch_size=4)

    def drawn(epoch):
        batch = next(iter(EpochOfPairs(reader, epoch)))
        return dict(zip(batch["picture"]["number"].tolist(), batch["picture"]["drawn"].tolist(), strict=True))

    assert drawn(0) == drawn(0)
    assert not set(drawn(0).values()) & set(drawn(1).values())


def test_pictures_that_cannot_be_read_are_skipped_and_reported(tmp_path):
    folder = write_folder(tmp_path, range(6))
    (folder / "004.jpg").write_bytes(b"damaged")
    batches = list(islice(EpochOfPairs(reader_of(folder, batch_size=5), 0), 2))
    assert all(sorted(batch["picture"]["number"].tolist()) == [0, 1, 2, 3, 5] for batch in batches)
    reasons = dict(each for batch in batches for each in batch["skipped"])
    assert list(reasons) == ["004.jpg"] and "this is no picture" in reasons["004.jpg"]


def test_a_part_with_less_than_a_batch_is_an_error_that_names_the_first_bad_file(tmp_path):
    folder = write_folder(tmp_path, range(4))
    for number in range(4):
        (folder / f"{number:03}.jpg").write_bytes(b"damaged")
    (refused,) = EpochOfPairs(reader_of(folder, batch_size=2), 0)
    assert isinstance(refused, DatasetError)
    assert "0 pairs can be read, a batch has 2; 4 skipped, the first: 00" in refused.problem


# beforehand


def test_the_held_out_pairs_are_never_trained_on(tmp_path):
    reader = reader_of(write_folder(tmp_path, range(40)), val_fraction=0.3)
    surveyed = survey(reader)
    held_out = {pair.name for pair in surveyed.held_out}
    trained_on = {pair.name for pair in usable(reader.pairs, "0/0/0", 0, 1, reader.is_trained_on)}
    assert 4 < len(held_out) < 20 and surveyed.num_pairs == len(surveyed.captions) == len(trained_on)
    assert not held_out & trained_on and len(held_out | trained_on) == 40


@pytest.mark.parametrize("layout", ["folder", "three shards", "many shards"])
def test_more_pairs_than_are_looked_at_are_estimated(tmp_path, layout, monkeypatch):
    monkeypatch.setattr(batching, "SURVEYED", 9)
    reader = reader_of(ROOTS[layout](tmp_path))
    surveyed = survey(reader)
    assert len(surveyed.captions) == 9
    assert surveyed.num_pairs == pytest.approx(len(usable(reader.pairs)), rel=0.4)  # shards are padded


def test_equal_captions_are_one_and_too_few_are_refused(tmp_path):
    folder = write_folder(tmp_path, range(4))
    (folder / "002.txt").write_text("caption 0")
    reader = reader_of(folder)
    every = usable(reader.pairs)
    assert prepare_held_out(reader, every).caption_of == [0, 1, 0, 2]
    with pytest.raises(DatasetError, match=r"the 1 pairs of .* that are held out have 1 different captions"):
        prepare_held_out(reader, every[:1])


def test_a_caption_that_names_a_file_is_no_file(tmp_path, monkeypatch):
    plugin = pytest.importorskip("mt_plugin_text.tokenizer")
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "pairs", range(1))
    (tmp_path / "pairs" / "000.txt").write_text("secret.txt")
    reader = PairReader(open_pairs("pairs", SUFFIXES), Numbers(1), plugin.TextTokenizer(8), 1, 1e-9, seed=0)
    (pair,) = usable(reader.pairs)
    _, before = reader.prepare(pair)
    Path("secret.txt").write_text("quite another text, and much longer")
    _, after = reader.prepare(pair)
    assert torch.equal(before["ids"], after["ids"])
