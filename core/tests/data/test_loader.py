from collections import Counter

import torch

from mt_core.contract import Classification, Retrieval
from mt_core.data.samplers import SeededIdentities
from mt_core.data.subsets import hold_out
from mt_core.sdk import ListedDataset

IDENTITIES = [number // 5 for number in range(40)]


class Listed(ListedDataset):
    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        raise AssertionError


def people() -> Listed:
    task = Retrieval(identities=tuple(map(str, range(8))))
    return Listed(list(range(40)), [(identity, 0, 0) for identity in IDENTITIES], task, "people")


def test_a_batch_for_retrieval_holds_several_samples_of_each_identity():
    order = SeededIdentities(IDENTITIES, seed=0).positions(0)
    assert sorted(order) == list(range(40))
    # of five samples four come together: in a batch of 16 most have a partner
    for first in range(0, 32, 16):
        counts = Counter(IDENTITIES[position] for position in order[first : first + 16])
        assert sum(count for count in counts.values() if count > 1) >= 10


def test_the_order_for_retrieval_is_its_seeds_and_its_epochs():
    order = SeededIdentities(IDENTITIES, seed=0)
    assert order.positions(0) == order.positions(0)
    assert order.positions(0) != order.positions(1)


def test_identities_are_held_out_whole():
    kept, held = hold_out(people(), 0.25, seed=0)
    kept_identities, held_identities = ({target[0] for target in part.targets()} for part in (kept, held))
    assert len(held_identities) == 2 and not kept_identities & held_identities
    assert len(kept) + len(held) == 40


def test_held_out_parts_of_other_tasks_are_drawn_by_class():
    dataset = Listed(list(range(40)), [0] * 30 + [1] * 10, Classification(classes=("a", "b")), "things")
    _, held = hold_out(dataset, 0.1, seed=0)
    assert Counter(held.targets()) == {0: 3, 1: 1}
    assert torch.tensor(held.targets()).sum() == 1


def test_without_targets_in_the_listing_there_is_no_constant_answer():
    from mt_core.contract import Segmentation
    from mt_core.heads import SegmentationHead
    from mt_core.training import baseline_metrics

    head = SegmentationHead(8, Segmentation(classes=("a", "b")))
    assert baseline_metrics(head, [None, None], [None]) == {}


def test_a_test_split_without_labels_is_passed_over(monkeypatch):
    from types import SimpleNamespace

    from mt_core.contract import Options
    from mt_core.data import dataset_options
    from mt_core.training import evaluation_data

    class Splits(Listed):
        @classmethod
        def open(cls, root, split="train", *, task=None, options=None):
            return cls([1, 2], [None, None] if split == "test" else [0, 1], task, split)

    head = SimpleNamespace(task=Classification(classes=("a", "b")))
    tokenizer = SimpleNamespace(options=Options())
    model = SimpleNamespace(
        modality="listed", tokenizer=tokenizer, data_options=None, require_head=lambda: head, seen=None
    )
    for module in (evaluation_data, dataset_options):
        monkeypatch.setattr(module, "get", lambda name: SimpleNamespace(dataset=Splits))
    assert evaluation_data.open_for_evaluation(model, "root", None, None).source == "val"
    assert evaluation_data.open_for_evaluation(model, "root", "test", None).source == "test"  # asked for by name
