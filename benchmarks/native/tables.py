"""Tables and text."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from native import SEED


def adult(data: Path) -> str:
    """Boosted trees on the 14 columns, categories as categories."""
    names = [str(i) for i in range(15)]
    options = {"names": names, "skipinitialspace": True, "na_values": "?"}
    train = pd.read_csv(data / "tabular/adult/adult.data", **options)
    test = pd.read_csv(data / "tabular/adult/adult.test", skiprows=1, **options)
    categories = [name for name in names[:-1] if not pd.api.types.is_numeric_dtype(train[name])]
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), categories),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    trees = HistGradientBoostingClassifier(categorical_features=categories, random_state=SEED)
    model = make_pipeline(encode, trees).fit(train[names[:-1]], train["14"])
    accuracy = accuracy_score(test["14"].str.rstrip("."), model.predict(test[names[:-1]]))
    return f"accuracy {accuracy:.4f} (boosted trees)"


def california(data: Path) -> str:
    """Boosted trees; 20 % random test, seed 42."""
    table = pd.read_csv(data / "tabular/california_housing/housing.csv")
    table["ocean_proximity"] = table["ocean_proximity"].astype("category")
    inputs, target = table.drop(columns="median_house_value"), table["median_house_value"]
    train_x, test_x, train_y, test_y = train_test_split(inputs, target, test_size=0.2, random_state=42)
    trees = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=SEED).fit(train_x, train_y)
    return f"RMSE {root_mean_squared_error(test_y, trees.predict(test_x)):,.0f} (boosted trees)"


def sst2(data: Path) -> str:
    """Logistic regression on words and pairs of words."""

    def load(name: str) -> tuple[list[str], list[str]]:
        path = data / "text/SST-2" / name
        with path.open(encoding="utf-8") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
        return [row[0] for row in rows], [row[1] for row in rows]

    (train_x, train_y), (test_x, test_y) = load("train.tsv"), load("dev.tsv")
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    accuracy = accuracy_score(test_y, model.fit(train_x, train_y).predict(test_x))
    return f"accuracy {accuracy:.4f} (TF-IDF of words and pairs, logistic regression)"
