"""One frozen transformer encoder for every kind of data.

    import mt_core as mt
    model = mt.load("image")
    mt.embed(model, ["a.jpg", "b.png"])

Importing this package imports nothing heavy; a name is fetched from its file when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mt_core.api import embed as embed
    from mt_core.api import embed_files as embed_files
    from mt_core.api import evaluate as evaluate
    from mt_core.api import fit as fit
    from mt_core.api import list_encoders as list_encoders
    from mt_core.api import load as load
    from mt_core.api import load_run as load_run
    from mt_core.api import path_of_text as path_of_text
    from mt_core.api import predict as predict
    from mt_core.contract import Alignment as Alignment
    from mt_core.contract import Boxes as Boxes
    from mt_core.contract import Classification as Classification
    from mt_core.contract import Detection as Detection
    from mt_core.contract import Example as Example
    from mt_core.contract import Features as Features
    from mt_core.contract import Forecasting as Forecasting
    from mt_core.contract import Head as Head
    from mt_core.contract import ModalityDataset as ModalityDataset
    from mt_core.contract import Multilabel as Multilabel
    from mt_core.contract import Options as Options
    from mt_core.contract import Regression as Regression
    from mt_core.contract import Retrieval as Retrieval
    from mt_core.contract import Segmentation as Segmentation
    from mt_core.contract import Tokenizer as Tokenizer
    from mt_core.contract import Tokens as Tokens
    from mt_core.encoder import Encoder as Encoder
    from mt_core.encoder import load_encoder as load_encoder
    from mt_core.errors import ConflictError as ConflictError
    from mt_core.errors import ContractError as ContractError
    from mt_core.errors import DatasetError as DatasetError
    from mt_core.errors import DataWarning as DataWarning
    from mt_core.errors import DisabledPluginError as DisabledPluginError
    from mt_core.errors import EmbeddingError as EmbeddingError
    from mt_core.errors import EncoderError as EncoderError
    from mt_core.errors import FingerprintError as FingerprintError
    from mt_core.errors import InputError as InputError
    from mt_core.errors import MissingDependencyError as MissingDependencyError
    from mt_core.errors import MissingSplitError as MissingSplitError
    from mt_core.errors import MtError as MtError
    from mt_core.errors import MtWarning as MtWarning
    from mt_core.errors import OptionError as OptionError
    from mt_core.errors import PluginError as PluginError
    from mt_core.errors import RunError as RunError
    from mt_core.errors import TokensError as TokensError
    from mt_core.errors import UnknownModalityError as UnknownModalityError
    from mt_core.model import MetaTransformer as MetaTransformer
    from mt_core.plugins import list_modalities as list_modalities
    from mt_core.training import ladder as ladder

    __version__: str

_HOME = {
    "Alignment": "contract",
    "Boxes": "contract",
    "Classification": "contract",
    "ConflictError": "errors",
    "ContractError": "errors",
    "DataWarning": "errors",
    "DatasetError": "errors",
    "Detection": "contract",
    "DisabledPluginError": "errors",
    "EmbeddingError": "errors",
    "Encoder": "encoder",
    "EncoderError": "errors",
    "Example": "contract",
    "Features": "contract",
    "FingerprintError": "errors",
    "Forecasting": "contract",
    "Head": "contract",
    "InputError": "errors",
    "MetaTransformer": "model",
    "MissingDependencyError": "errors",
    "MissingSplitError": "errors",
    "ModalityDataset": "contract",
    "MtError": "errors",
    "MtWarning": "errors",
    "Multilabel": "contract",
    "OptionError": "errors",
    "Options": "contract",
    "PluginError": "errors",
    "Regression": "contract",
    "Retrieval": "contract",
    "RunError": "errors",
    "Segmentation": "contract",
    "Tokenizer": "contract",
    "Tokens": "contract",
    "TokensError": "errors",
    "UnknownModalityError": "errors",
    "embed": "api",
    "embed_files": "api",
    "evaluate": "api",
    "fit": "api",
    "ladder": "training",
    "list_encoders": "api",
    "list_modalities": "plugins",
    "load": "api",
    "load_encoder": "encoder",
    "load_run": "api",
    "path_of_text": "api",
    "predict": "api",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib_metadata import version

        return version("mt-core")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
