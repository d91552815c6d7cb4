"""What the text plugin's pretrained vectors give, without training and with it: the tables of docs/text-vectors.md.

    MT_DATA=... python benchmarks/text_vectors.py untrained [--test] [--encoder mt-tiny]
    MT_DATA=... python benchmarks/text_vectors.py trained --labels 40 --labels 3000 [--test]

SST-2: 3,000 sentences of train for neighbours and probe, 1,500 others to choose by; dev only with --test. STS-B: the
dev part, the test part only with --test. Features are of length 1; 5 neighbours by cosine; the probe is ridge
regression, its penalty by leaving one training sentence out at a time. Behind each number its 95 % interval by the
bootstrap over the sentences that it is measured on (1,000 draws). Trained: seeds 0, 1 and 2, each with sentences of its
own, as many of either class; the last epoch is kept, so nothing is chosen by what is measured.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from typing import Any

import numpy as np
from evidence_datasets import data_folder
from machine import machine
from numpy.typing import NDArray
from scipy.stats import spearmanr

import mt_core as mt
from mt_core.contract import Classification
from mt_plugin_text.text import Text

Floats = NDArray[np.float64]
Embed = Callable[[list[str]], Floats]

NUM_TRAIN, NUM_VAL = 3000, 1500
NEIGHBOURS = 5


def sst2(part: str) -> tuple[list[str], NDArray[np.int64]]:
    """The sentences and labels of "train", "val" (of the file of train) or "dev"."""
    name = "dev" if part == "dev" else "train"
    lines = (data_folder() / "text" / "SST-2" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    if part != "dev":
        order = np.random.default_rng(0).permutation(len(rows))
        rows = [rows[index] for index in (order[:NUM_VAL] if part == "val" else order[NUM_VAL:])]
    return [row[0] for row in rows], np.array([int(row[1]) for row in rows])


def stsb(part: str) -> tuple[list[str], list[str], Floats]:
    with (data_folder() / "text" / "STS-B" / f"stsb-en-{part}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return [row[0] for row in rows], [row[1] for row in rows], np.array([float(row[2]) for row in rows])


def unit(vectors: Any) -> Floats:
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)


def embedder(encoder: str, vectors: str, layers: str | None, pool: str = "mean") -> Embed:
    """Vectors of an untrained model; of several layers each of length 1."""
    model = mt.load("text", encoder=encoder, layers=layers, vectors=vectors)

    def embed(texts: list[str]) -> Floats:
        found = mt.embed(model, [Text(text) for text in texts], pool=pool)
        parts = found.reshape(len(texts), -1, model.encoder.width)
        return (parts / np.linalg.norm(parts, axis=-1, keepdims=True).clip(1e-12)).reshape(len(texts), -1)

    return embed


def tf_idf(texts: list[str]) -> Embed:
    """Of words, fitted on these texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    fitted = TfidfVectorizer().fit(texts)
    return lambda given: fitted.transform(given).toarray()


def interval(measure: Callable[[NDArray[np.int64]], float], size: int) -> str:
    """A number and its bootstrap interval."""
    draw = np.random.default_rng(0)
    drawn = [measure(draw.integers(0, size, size)) for _ in range(1000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{measure(np.arange(size)):.3f} ({low:.3f} to {high:.3f})"


def similarity(embed: Embed, part: str) -> str:
    first, second, scores = stsb(part)
    cosines = (unit(embed(first)) * unit(embed(second))).sum(1)
    return interval(lambda chosen: float(spearmanr(cosines[chosen], scores[chosen]).statistic), len(scores))


def sentiment(embed: Embed, part: str) -> tuple[str, str]:
    """Accuracy of the neighbours and of the probe."""
    from sklearn.linear_model import RidgeClassifierCV

    sentences, labels = (each[:NUM_TRAIN] for each in sst2("train"))
    asked, expected = sst2(part)
    train, test = unit(embed(sentences)), unit(embed(asked))
    nearest = np.argsort(-test @ train.T, axis=1, kind="stable")[:, :NEIGHBOURS]
    by_neighbours = (labels[nearest].mean(1) > 0.5) == expected
    by_probe = RidgeClassifierCV(10.0 ** np.arange(-3, 4)).fit(train, labels).predict(test) == expected
    found = [
        interval(lambda chosen, right=right: right[chosen].mean(), len(right)) for right in (by_neighbours, by_probe)
    ]
    return found[0], found[1]


def untrained(arguments: argparse.Namespace) -> None:
    part, sts_part = ("dev", "test") if arguments.test else ("val", "dev")
    rows: list[tuple[str, Embed | None]] = [("TF-IDF of words", None)]
    for encoder in arguments.encoder or ["mt-tiny"]:
        rows.append((f"random vectors, {encoder}", embedder(encoder, "none", None)))
        for layers, told in (("0", "the tokens, no block"), (None, "the last block"), ("0,12", "both, side by side")):
            rows.append((f"distilled vectors, {encoder}, {told}", embedder(encoder, "distilled", layers)))
    print(f"| vectors | SST-2 {part}, {NEIGHBOURS} neighbours | SST-2 {part}, probe | STS-B {sts_part}, Spearman |")
    print("|---|---|---|---|")
    for name, embed in rows:
        by_neighbours, by_probe = sentiment(embed or tf_idf(sst2("train")[0][:NUM_TRAIN]), part)
        first, second, _ = stsb(sts_part)
        print(
            f"| {name} | {by_neighbours} | {by_probe} | {similarity(embed or tf_idf(first + second), sts_part)} |",
            flush=True,
        )


def trained(arguments: argparse.Namespace) -> None:
    """Tokenizer and head trained on few labels, with pretrained vectors and without."""
    asked, expected = sst2("dev" if arguments.test else "val")
    sentences, labels = sst2("train")
    names = ("negative", "positive")
    task = Classification(classes=names)
    for size in arguments.labels:
        # 40 sentences would be five steps of the recipe's epochs
        settings: dict[str, Any] = {"epochs": 30, "batch_size": 8} if size < 500 else {}
        for vectors in arguments.vectors or ["none", "distilled"]:
            found = []
            for seed in range(3):
                order = np.random.default_rng(seed).permutation(len(labels))
                chosen = [index for label in (0, 1) for index in order[labels[order] == label][: size // 2]]
                train, val = ([Text(sentences[i]) for i in part] for part in (chosen, order[-100:]))
                named = [[names[labels[i]] for i in part] for part in (chosen, order[-100:])]
                model = mt.load("text", purpose="train", seed=seed, vectors=vectors)
                mt.fit(
                    model, train, named[0], val=(val, named[1]), task=task, keep="last", seed=seed, num_workers=0,
                    **settings,
                )  # fmt: skip
                result = mt.evaluate(
                    model, [Text(text) for text in asked], [names[label] for label in expected], num_workers=0
                )
                found.append(result["accuracy"])
            told = ", ".join(f"{accuracy:.3f}" for accuracy in found)
            print(f"| {size} | {vectors} | {np.mean(found):.3f} | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["untrained", "trained"])
    parser.add_argument("--test", action="store_true", help="Measure on dev of SST-2 and test of STS-B.")
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--labels", action="append", type=int)
    parser.add_argument("--vectors", action="append")
    arguments = parser.parse_args()
    arguments.labels = arguments.labels or [40, NUM_TRAIN]
    print(machine())
    {"untrained": untrained, "trained": trained}[arguments.what](arguments)


if __name__ == "__main__":
    main()
