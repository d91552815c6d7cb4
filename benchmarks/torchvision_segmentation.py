"""The same task as a user of timm and torchvision writes it: CamVid on a frozen ViT-Tiny, without this project.

    MT_DATA=... python benchmarks/torchvision_segmentation.py [--seed 0] [--checkpoint vit.safetensors]

Pictures are resized to a shorter side of 128; a step takes four random squares of 64 of one picture, and a test picture
is covered by overlapping squares. benchmarks/segmentation_compared.py holds it against `mt`.
"""

import argparse
import os
import random
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex
from torchvision import tv_tensors
from torchvision.transforms import v2

CLASSES, VOID, SIZE, SHORTER, CROPS = 11, 11, 64, 128, 4
EPOCHS, LR = 10, 3e-3


class CamVid(Dataset):
    """Pictures (3, H, W) in 8 bits and masks (H, W)."""

    def __init__(self, root: Path, split: str) -> None:
        lines = (root / f"{split}.txt").read_text().split("\n")
        self.pairs = [[root / Path(*Path(each).parts[-2:]) for each in line.split()] for line in lines if line.strip()]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        picture, mask = (Image.open(path) for path in self.pairs[index])
        return v2.functional.pil_to_tensor(picture.convert("RGB")), v2.functional.pil_to_tensor(mask)[0].long()


class Crops(Dataset):
    """Random squares of the pictures, mirrored half of the time, with their masks."""

    def __init__(self, pictures: CamVid) -> None:
        self.pictures = pictures
        self.augment = v2.Compose([
            v2.Resize(SHORTER),
            v2.RandomResizedCrop(SIZE, scale=(0.12, 0.4), ratio=(1.0, 1.0)),
            v2.RandomHorizontalFlip(),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        picture, mask = self.pictures[index]
        pairs = [self.augment(tv_tensors.Image(picture), tv_tensors.Mask(mask)) for _ in range(CROPS)]
        return torch.stack([pair[0] for pair in pairs]), torch.stack([pair[1] for pair in pairs])


class Segmenter(nn.Module):
    """A light decoder on the tokens of a frozen ViT, with a few convolutions over the pixels for fine edges."""

    def __init__(self, checkpoint: str = "", hidden: int = 64) -> None:
        super().__init__()
        self.vit = timm.create_model("vit_tiny_patch16_224", img_size=SIZE, num_classes=0)
        if checkpoint:
            self.vit.load_state_dict(checkpoint_filter_fn(load_file(checkpoint), self.vit))
        self.vit.requires_grad_(False)
        self.stem = nn.Sequential(
            nn.Conv2d(3, hidden, 3, stride=2, padding=1), nn.GroupNorm(8, hidden), nn.GELU(),
            nn.Conv2d(hidden, hidden, 3, stride=2, padding=1), nn.GroupNorm(8, hidden), nn.GELU(),
        )  # fmt: skip
        self.project = nn.Conv2d(self.vit.embed_dim, hidden, 1)
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * hidden, hidden, 3, padding=1), nn.GroupNorm(8, hidden), nn.GELU(),
            nn.Conv2d(hidden, CLASSES, 1),
        )  # fmt: skip

    def forward(self, squares: torch.Tensor) -> torch.Tensor:
        pixels = (squares.float() / 255 - 0.5) / 0.5
        with torch.no_grad():
            tokens = self.vit.eval().forward_features(pixels)[:, self.vit.num_prefix_tokens :]
        side = SIZE // 16
        lattice = self.project(tokens.transpose(1, 2).unflatten(2, (side, side)))
        coarse = nn.functional.interpolate(lattice, size=SIZE // 4, mode="bilinear", align_corners=False)
        scores = self.fuse(torch.cat([coarse, self.stem(pixels)], dim=1))
        return nn.functional.interpolate(scores, size=SIZE, mode="bilinear", align_corners=False)


def dice_loss(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    known = mask != VOID
    probabilities = scores.permute(0, 2, 3, 1)[known].softmax(-1)
    true = nn.functional.one_hot(mask[known], CLASSES).float()
    score = (2 * (probabilities * true).sum(0) + 1) / (probabilities.sum(0) + true.sum(0) + 1)
    return 1 - score[true.any(0)].mean()


def train(root: Path, seed: int, checkpoint: str = "", epochs: int = EPOCHS) -> Segmenter:
    random.seed(seed)
    torch.manual_seed(seed)
    model = Segmenter(checkpoint)
    data = DataLoader(Crops(CamVid(root, "train")), batch_size=1, shuffle=True)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LR, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=epochs * len(data))
    for _ in range(epochs):
        model.train()
        for squares, masks in data:
            scores, masks = model(squares[0]), masks[0]
            if not (masks != VOID).any():
                continue
            loss = nn.functional.cross_entropy(scores, masks, ignore_index=VOID) + 0.5 * dice_loss(scores, masks)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model


@torch.no_grad()
def predict(model: Segmenter, picture: torch.Tensor) -> torch.Tensor:
    """(K, H, W) probabilities at the picture's own size."""
    model.eval()
    small = v2.functional.resize(picture, SHORTER)
    height, width = small.shape[-2:]
    tops, lefts = (sorted({*range(0, side - SIZE, SIZE // 2), side - SIZE}) for side in (height, width))
    total, count = torch.zeros(CLASSES, height, width), torch.zeros(1, height, width)
    for top in tops:
        squares = torch.stack([small[:, top : top + SIZE, left : left + SIZE] for left in lefts])
        for left, scores in zip(lefts, model(squares), strict=True):
            total[:, top : top + SIZE, left : left + SIZE] += scores.softmax(0)
            count[:, top : top + SIZE, left : left + SIZE] += 1
    mean = (total / count)[None]
    return nn.functional.interpolate(mean, size=picture.shape[-2:], mode="bilinear", align_corners=False)[0]


def evaluate(model: Segmenter, root: Path) -> dict[str, float]:
    miou = MulticlassJaccardIndex(CLASSES, average="macro", ignore_index=VOID)
    accuracy = MulticlassAccuracy(CLASSES, average="micro", ignore_index=VOID)
    for picture, mask in CamVid(root, "test"):
        found = predict(model, picture).argmax(0)
        miou.update(found[None], mask[None])
        accuracy.update(found[None], mask[None])
    return {"miou": float(miou.compute()), "accuracy": float(accuracy.compute())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    camvid = Path(os.environ["MT_DATA"]) / "image/CamVid"
    print(evaluate(train(camvid, arguments.seed, arguments.checkpoint), camvid))
