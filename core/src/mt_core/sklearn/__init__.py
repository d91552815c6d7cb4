"""Estimators of scikit-learn over every modality: `pip install 'mt-core[sklearn]'`.

    Classifier("image").fit(paths, labels).score(other_paths, other_labels)
    make_pipeline(Embedder("audio"), LogisticRegression())

They take samples as `mt_core.fit` does: lists of paths, texts or arrays, arrays whose first axis is the samples',
data frames of a row a sample, and one column of a data frame, as `ColumnTransformer` gives it.
"""

from importlib.util import find_spec

from mt_core.errors import MissingDependencyError

if find_spec("sklearn") is None:
    raise MissingDependencyError("scikit-learn is not installed", fix="pip install 'mt-core[sklearn]'")

from mt_core.sklearn.embedder import Embedder
from mt_core.sklearn.predictors import Classifier, Regressor
from mt_core.sklearn.samples import InvalidDataError

__all__ = ["Classifier", "Embedder", "InvalidDataError", "Regressor"]
