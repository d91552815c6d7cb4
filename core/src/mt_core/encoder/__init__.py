"""The frozen encoder: by name or from a file, provably what it says. timm is imported only for what it alone knows."""

from mt_core.encoder.catalog import DEFAULT_ENCODER, list_encoders, load_encoder
from mt_core.encoder.encoder import Encoder
from mt_core.encoder.fingerprint import fingerprint

__all__ = ["DEFAULT_ENCODER", "Encoder", "fingerprint", "list_encoders", "load_encoder"]
