"""Tables of items made of the paired datasets, each with its task, its inputs and a native baseline."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(os.environ.get("MT_DATA", ""))

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ItemSet:
    """A dataset of items.

    Attributes:
        name: As in the command line.
        inputs: As `mt train --inputs` takes them, by name.
        metric: The head's metric that is reported.
        make: Writes train.csv and test.csv into a folder, for a seed, where the split is ours.
        native: Of training and test rows, predictions by input, and by all of them together ("all").
        recipe: Settings of a training of tokenizers and head.
        options: Of the dataset.
        head: Options of the head.
        views: Options of the tokenizers.
    """

    name: str
    inputs: Mapping[str, str]
    metric: str
    make: Callable[[Path, int], tuple[Rows, Rows]]
    native: Callable[[Rows, Rows, int], dict[str, np.ndarray]]
    recipe: Mapping[str, Any]
    options: Mapping[str, Any]
    target: str
    split: str
    head: Mapping[str, Any] = field(default_factory=dict)
    views: Mapping[str, Any] = field(default_factory=dict)


def write(folder: Path, train: Rows, test: Rows) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)


def shuffled(rows: Rows, seed: int, share: float, group: str = "") -> tuple[Rows, Rows]:
    """Training and test rows; whole groups."""
    generator = np.random.default_rng(seed)
    keys = [row[group] if group else at for at, row in enumerate(rows)]
    distinct = list(dict.fromkeys(keys))
    generator.shuffle(distinct)
    held = set(distinct[: round(len(distinct) * share)])
    return [r for r, k in zip(rows, keys, strict=True) if k not in held], [
        r for r, k in zip(rows, keys, strict=True) if k in held
    ]


# petfinder: is a pet adopted within a hundred days?


def petfinder(folder: Path, seed: int) -> tuple[Rows, Rows]:
    with (DATA / "paired/petfinder_mini/petfinder-mini.csv").open(newline="", encoding="utf-8") as file:
        rows = [{name: cell for name, cell in row.items() if name} for row in csv.DictReader(file)]
    rows = [row for row in rows if row["Description"].strip()]  # five have none
    for row in rows:
        row["adopted"] = "no" if row.pop("AdoptionSpeed") == "4" else "yes"
    train, test = shuffled(rows, seed, 0.2)
    write(folder, train, test)
    return train, test


PET_COLUMNS = (
    "Type", "Age", "Breed1", "Gender", "Color1", "Color2", "MaturitySize", "FurLength", "Vaccinated", "Sterilized",
    "Health", "Fee", "PhotoAmt",
)  # fmt: skip


def petfinder_native(train: Rows, test: Rows, seed: int) -> dict[str, np.ndarray]:
    """TF-IDF and logistic regression of the text, boosting of the table, the mean of both."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    y = np.array([row["adopted"] for row in train]) == "yes"
    text = make_pipeline(TfidfVectorizer(min_df=2, ngram_range=(1, 2)), LogisticRegression(max_iter=2000))
    about = text.fit([r["Description"] for r in train], y).predict_proba([r["Description"] for r in test])[:, 1]
    x, z = _encoded(train, test, PET_COLUMNS)
    facts = HistGradientBoostingClassifier(random_state=seed).fit(x, y).predict_proba(z)[:, 1]
    return {"about": about, "facts": facts, "all": (about + facts) / 2}


def _encoded(train: Rows, test: Rows, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.preprocessing import OrdinalEncoder

    numbers = [c for c in columns if all(str(r[c]).replace(".", "", 1).replace("-", "", 1).isdigit() for r in train)]
    others = [c for c in columns if c not in numbers]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    made = []
    for at, rows in enumerate((train, test)):
        parts = [np.array([[float(r[c]) for c in numbers] for r in rows])]
        if others:
            cells = [[r[c] for c in others] for r in rows]
            parts.append(encoder.fit_transform(cells) if at == 0 else encoder.transform(cells))
        made.append(np.concatenate(parts, axis=1))
    return made[0], made[1]


# flickr8k: does a sentence describe a picture?


def flickr(folder: Path, seed: int) -> tuple[Rows, Rows]:
    root = DATA / "paired/flickr8k/data"
    rows = []
    for line in (root / "flickr8k.TrainImages.txt").read_text(encoding="utf-8").splitlines():
        picture, caption, answer = line.split("\t")
        rows.append({"photo": str(root / "images" / picture), "caption": caption, "answer": answer, "of": picture})
    train, test = shuffled(rows, seed, 0.2, "of")
    write(folder, train, test)
    return train, test


def flickr_native(train: Rows, test: Rows, seed: int) -> dict[str, np.ndarray]:
    """A colour histogram of the picture, TF-IDF of the sentence, and boosting of both with their products."""
    from PIL import Image
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    def picture(row: Mapping[str, Any]) -> np.ndarray:
        pixels = np.asarray(Image.open(row["photo"]).convert("RGB").resize((32, 32))) // 64
        codes = (pixels[..., 0] * 16 + pixels[..., 1] * 4 + pixels[..., 2]).ravel()
        return np.bincount(codes, minlength=64) / codes.size

    y = np.array([row["answer"] for row in train]) == "match"
    parts = make_pipeline(TfidfVectorizer(min_df=2), TruncatedSVD(32, random_state=seed))
    captions = parts.fit_transform([r["caption"] for r in train]), parts.transform([r["caption"] for r in test])
    pictures = tuple(np.stack([picture(r) for r in rows]) for rows in (train, test))
    found = {}
    for name, (x, z) in {
        "photo": pictures,
        "caption": captions,
        "all": tuple(np.concatenate(pair, axis=1) for pair in zip(pictures, captions, strict=True)),
    }.items():
        found[name] = HistGradientBoostingClassifier(random_state=seed).fit(x, y).predict_proba(z)[:, 1]
    return found


# FreeSolv: the energy of dissolving a molecule, by its graph and by descriptors of it


def freesolv(folder: Path, seed: int) -> tuple[Rows, Rows]:
    rows = _molecules()
    order = np.random.default_rng(0).permutation(len(rows))
    held = set(order[seed % 5 :: 5].tolist())
    train = [row for at, row in enumerate(rows) if at not in held]
    test = [row for at, row in enumerate(rows) if at in held]
    write(folder, train, test)
    return train, test


DESCRIPTORS = (
    "weight",
    "logp",
    "polar_area",
    "donors",
    "acceptors",
    "rotatable",
    "rings",
    "aromatic",
    "heavy",
    "hetero",
)


def _molecules() -> Rows:
    from rdkit import Chem
    from rdkit.Chem import Crippen, Descriptors, Lipinski, rdMolDescriptors

    rows = []
    for line in (DATA / "paired/FreeSolv_3d/database.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split(";")]
        molecule = Chem.MolFromSmiles(cells[1])
        numbers = (
            Descriptors.MolWt(molecule), Crippen.MolLogP(molecule), rdMolDescriptors.CalcTPSA(molecule),
            Lipinski.NumHDonors(molecule), Lipinski.NumHAcceptors(molecule), Lipinski.NumRotatableBonds(molecule),
            rdMolDescriptors.CalcNumRings(molecule), rdMolDescriptors.CalcNumAromaticRings(molecule),
            molecule.GetNumHeavyAtoms(), rdMolDescriptors.CalcNumHeteroatoms(molecule),
        )  # fmt: skip
        facts = dict(zip(DESCRIPTORS, (f"{number:.4f}" for number in numbers), strict=True))
        rows.append({"molecule": cells[1], **facts, "energy": cells[3]})
    return rows


def freesolv_native(train: Rows, test: Rows, seed: int) -> dict[str, np.ndarray]:
    """A forest on Morgan fingerprints, on the descriptors, on both."""
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator
    from sklearn.ensemble import RandomForestRegressor

    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)

    def prints(rows: Rows) -> np.ndarray:
        return np.stack([morgan.GetFingerprintAsNumPy(Chem.MolFromSmiles(r["molecule"])) for r in rows])

    def facts(rows: Rows) -> np.ndarray:
        return np.array([[float(r[c]) for c in DESCRIPTORS] for r in rows])

    y = np.array([float(row["energy"]) for row in train])
    x, z = (prints(train), prints(test)), (facts(train), facts(test))
    found = {}
    for name, (a, b) in {
        "molecule": x,
        "facts": z,
        "all": tuple(np.concatenate(p, 1) for p in zip(x, z, strict=True)),
    }.items():
        found[name] = RandomForestRegressor(300, random_state=seed, n_jobs=1).fit(a, y).predict(b)
    return found


# CMAPSS: how many cycles an engine has left, by its last 30 cycles and by what it is like now

_SENSORS = (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)  # the others never change
_CUTS, _WINDOW, _CAP = 6, 30, 125


def cmapss(folder: Path, seed: int) -> tuple[Rows, Rows]:
    root = DATA / "paired/CMAPSS"
    train = np.loadtxt(root / "train_FD001.txt", skiprows=1)
    test = np.loadtxt(root / "test_FD001.txt")
    left = np.loadtxt(root / "RUL_FD001.txt")
    generator = np.random.default_rng(seed)
    (folder / "windows").mkdir(parents=True, exist_ok=True)
    rows: Rows = []
    for engine in range(1, 101):
        cycles = train[train[:, 0] == engine]
        for end in generator.choice(np.arange(_WINDOW, len(cycles) + 1), _CUTS, replace=False):
            rows.append(_engine(folder, f"train_{engine}_{end}", cycles[:end], min(len(cycles) - end, _CAP), engine))
    held = [
        _engine(folder, f"test_{engine}", test[test[:, 0] == engine], min(left[engine - 1], _CAP), engine)
        for engine in range(1, 101)
    ]
    write(folder, rows, held)
    return rows, held


def _engine(folder: Path, name: str, cycles: np.ndarray, left: float, engine: int) -> dict[str, Any]:
    window = cycles[-_WINDOW:]
    path = folder / "windows" / f"{name}.csv"
    columns = [4 + sensor for sensor in _SENSORS]
    header = ",".join(f"s{sensor}" for sensor in _SENSORS)
    np.savetxt(path, window[:, columns], delimiter=",", header=header, comments="", fmt="%.5f")
    recent = {f"s{s}": f"{window[-10:, 4 + s].mean():.4f}" for s in _SENSORS}
    return {"sensors": f"windows/{name}.csv", "age": len(cycles), **recent, "left": f"{left:g}", "engine": f"e{engine}"}


CMAPSS_COLUMNS = ("age", *(f"s{sensor}" for sensor in _SENSORS))


def cmapss_native(train: Rows, test: Rows, seed: int) -> dict[str, np.ndarray]:
    """A forest on the mean and slope of each sensor over the window, on age and recent means, on both."""
    from sklearn.ensemble import RandomForestRegressor

    y = np.array([float(row["left"]) for row in train])
    found = {}
    windows = tuple(np.stack([_slopes(row) for row in rows]) for rows in (train, test))
    facts = tuple(np.array([[float(row[c]) for c in CMAPSS_COLUMNS] for row in rows]) for rows in (train, test))
    both = tuple(np.concatenate(pair, 1) for pair in zip(windows, facts, strict=True))
    for name, (a, b) in {"sensors": windows, "facts": facts, "all": both}.items():
        found[name] = RandomForestRegressor(300, random_state=seed, n_jobs=1).fit(a, y).predict(b)
    return found


def _slopes(row: Mapping[str, Any]) -> np.ndarray:
    window = np.loadtxt(Path(row["at"]) / row["sensors"], delimiter=",", skiprows=1)
    steps = np.arange(len(window)) - (len(window) - 1) / 2
    return np.concatenate([window.mean(0), (steps[:, None] * window).sum(0) / max((steps**2).sum(), 1)])


# a digit that is spoken in noise, drawn faintly and hinted at in writing


def digits(folder: Path, seed: int) -> tuple[Rows, Rows]:
    import soundfile
    from PIL import Image
    from sklearn.datasets import load_digits

    generator = np.random.default_rng(seed)
    pictures, of = load_digits(return_X_y=True)
    spoken = sorted((DATA / "audio/free-spoken-digit-dataset").rglob("*.wav"))
    (folder / "files").mkdir(parents=True, exist_ok=True)
    parts: tuple[Rows, Rows] = ([], [])
    order = generator.permutation(len(pictures))
    for digit in range(10):
        own = [path for path in spoken if path.name.startswith(f"{digit}_")]
        drawn = [at for at in order if of[at] == digit]
        by_part = [p for p in own if not _is_test(p)], [p for p in own if _is_test(p)]
        for at, (paths, count) in enumerate(zip(by_part, (40, 30), strict=True)):
            for number in range(count):
                key = f"{('train', 'test')[at]}_{digit}_{number}"
                sound, rate = soundfile.read(paths[generator.integers(len(paths))])
                soundfile.write(folder / f"files/{key}.wav", sound + generator.normal(0, 0.03, sound.shape), rate)
                picture = pictures[drawn[(number + 40 * at) % len(drawn)]].reshape(8, 8) / 16
                noisy = np.clip(0.6 * picture + 0.2 + generator.normal(0, 0.2, (8, 8)), 0, 1) * 255
                Image.fromarray(noisy.astype(np.uint8)).resize((32, 32), 0).save(folder / f"files/{key}.png")
                parts[at].append(
                    {
                        "sound": f"files/{key}.wav",
                        "picture": f"files/{key}.png",
                        "hint": _hint(digit, generator),
                        "digit": f"d{digit}",
                    }
                )
    write(folder, *parts)
    return parts


def _is_test(path: Path) -> bool:
    """As its authors split it: the first five recordings of each speaker and digit."""
    return int(path.stem.split("_")[2]) < 5


def _hint(digit: int, generator: np.random.Generator) -> str:
    true = [
        "it is an even number" if digit % 2 == 0 else "it is an odd number",
        "the number is smaller than five" if digit < 5 else "the number is five or larger",
        "it can be divided by three" if digit % 3 == 0 else "it cannot be divided by three",
    ]
    return str(true[generator.integers(3)])


def digits_native(train: Rows, test: Rows, seed: int) -> dict[str, np.ndarray]:
    """A support vector machine on a spectrogram, on pixels, on words of the hint, and the product of what they say."""
    import soundfile
    from PIL import Image
    from scipy.signal import spectrogram
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    def sound(row: Mapping[str, Any]) -> np.ndarray:
        samples, rate = soundfile.read(Path(row["at"]) / row["sound"])
        samples = np.pad(samples, (0, max(0, 2560 - len(samples))))
        _, _, power = spectrogram(samples, rate, nperseg=256, noverlap=128)
        log = np.log(power + 1e-8)
        cut = [part.mean(1) for part in np.array_split(log, 8, axis=1)]
        return np.stack(cut, 1)[:64].ravel()

    def pixels(row: Mapping[str, Any]) -> np.ndarray:
        return np.asarray(Image.open(Path(row["at"]) / row["picture"]).resize((8, 8), 4)).ravel() / 255.0

    y = np.array([row["digit"] for row in train])
    found, logs = {}, 0.0
    for name, features in (("sound", sound), ("picture", pixels)):
        x, z = (np.stack([features(row) for row in rows]) for rows in (train, test))
        model = make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(), ensemble=False)).fit(x, y)
        found[name] = model.predict_proba(z)
        logs = logs + np.log(found[name] + 1e-9)
    words = make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    found["hint"] = words.fit([r["hint"] for r in train], y).predict_proba([r["hint"] for r in test])
    found["all"] = np.exp(logs + np.log(found["hint"] + 1e-9))
    return found


SETS = {
    each.name: each
    for each in (
        ItemSet(
            "freesolv", {"molecule": "molecule=graph", "facts": "facts:" + "+".join(DESCRIPTORS) + "=tabular"}, "rmse",
            freesolv, freesolv_native, {"epochs": 20, "batch_size": 32, "lr": 1e-3}, {"kind": "regression"}, "energy",
            "one of five folds, the seed says which",
        ),
        ItemSet(
            "cmapss", {"sensors": "sensors=timeseries", "facts": f"facts:{'+'.join(CMAPSS_COLUMNS)}=tabular"}, "rmse",
            cmapss, cmapss_native, {"epochs": 8, "batch_size": 32, "lr": 1e-3},
            {"kind": "regression", "group": "engine"},
            "left", "the 100 test engines; six windows of each of the 100 training engines",
        ),
        ItemSet(
            "digits", {"sound": "sound=audio", "picture": "picture=image", "hint": "hint=text"}, "accuracy",
            digits, digits_native, {"epochs": 10, "batch_size": 16, "lr": 1e-3}, {}, "digit",
            "300 items of recordings and drawings that training does not have", {}, {"sound.view": "picture"},
        ),
        ItemSet(
            "petfinder", {"about": "about:Description=text", "facts": f"facts:{'+'.join(PET_COLUMNS)}=tabular"},
            "auroc", petfinder, petfinder_native,
            {"epochs": 2, "batch_size": 64, "lr": 1e-3}, {}, "adopted",
            "a fifth of the rows, drawn by the seed", {"positive": "yes"},
        ),
        ItemSet(
            "flickr8k", {"photo": "photo=image", "caption": "caption=text"}, "auroc",
            flickr, flickr_native, {"epochs": 3, "batch_size": 64, "lr": 1e-3},
            {"group": "of"}, "answer", "a fifth of the pictures with all their sentences, drawn by the seed",
            {"positive": "match"},
        ),
    )
}  # fmt: skip
