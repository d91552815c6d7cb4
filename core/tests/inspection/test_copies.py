"""Samples of the same content, on hashes that are written out."""

from __future__ import annotations

import numpy as np

from mt_core.inspection.copies import SampleHashes, find_alike, find_copies

TRAIN, TEST = 0, 1


def hashes(*rows: tuple[int, int, int, int, int]) -> SampleHashes:
    """Part, source, sample, prepared, target of each."""
    table = np.array(rows, np.uint64)
    return SampleHashes(table[:, 0].astype(np.int64), *(table[:, column] for column in range(1, 5)))


def test_a_copy_of_a_file_in_another_part_is_a_leak():
    (found,) = find_copies(hashes((TRAIN, 7, 70, 700, 1), (TRAIN, 8, 80, 800, 1), (TEST, 7, 70, 700, 1)))
    assert (found.members, found.parts, found.how) == ((0, 2), (TRAIN, TEST), "the same bytes")
    assert found.is_leak and not found.is_conflict


def test_other_bytes_that_are_the_same_once_read_are_found_and_said_to_be_so():
    (found,) = find_copies(hashes((TRAIN, 7, 70, 700, 1), (TRAIN, 8, 70, 700, 1)))
    assert found.how == "the same once read" and not found.is_leak


def test_the_same_with_two_labels_is_a_conflict_and_with_none_it_is_not():
    two = find_copies(hashes((TRAIN, 7, 70, 700, 1), (TRAIN, 7, 70, 700, 2)))
    unknown = find_copies(hashes((TRAIN, 7, 70, 700, 1), (TRAIN, 7, 70, 700, 0)))
    assert [each.is_conflict for each in (*two, *unknown)] == [True, False]


def test_samples_whose_hash_is_not_known_are_not_the_same():
    assert find_copies(hashes((TRAIN, 7, 0, 0, 1), (TEST, 8, 0, 0, 1))) == []


def test_what_differs_and_is_the_same_for_the_encoder_is_alike_and_no_copy():
    of = hashes((TRAIN, 7, 70, 700, 1), (TEST, 8, 80, 700, 1), (TEST, 9, 90, 900, 1))
    assert find_copies(of) == []
    assert [each.members for each in find_alike(of)] == [(0, 1)]


def test_groups_come_in_the_order_of_their_first_member():
    found = find_copies(hashes((0, 1, 9, 1, 0), (0, 2, 3, 2, 0), (0, 3, 3, 3, 0), (0, 4, 9, 4, 0)))
    assert [each.members for each in found] == [(0, 3), (1, 2)]


def test_no_samples_have_no_copies():
    none = np.empty(0, np.uint64)
    assert find_copies(SampleHashes(np.empty(0, np.int64), none, none, none, none)) == []
