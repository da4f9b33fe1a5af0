"""The contract that training and serving share: versions that cannot change, verified before they are loaded."""

from registry.errors import ReferenceInvalid, RegistryError, SettingInvalid
from registry.features import Feature
from registry.golden import make_golden
from registry.load import load
from registry.manifest import (
    ClassMetrics,
    Evaluation,
    Gate,
    GateCheck,
    Git,
    Manifest,
    ManifestContent,
    Onnx,
    PromotedMetrics,
    TrainingData,
)
from registry.model import VerifiedModel
from registry.publish import publish
from registry.reference import Reference, check_name
from registry.store import Store, open_store, registry_url

__all__ = [
    "ClassMetrics",
    "Evaluation",
    "Feature",
    "Gate",
    "GateCheck",
    "Git",
    "Manifest",
    "ManifestContent",
    "Onnx",
    "PromotedMetrics",
    "Reference",
    "ReferenceInvalid",
    "RegistryError",
    "SettingInvalid",
    "Store",
    "TrainingData",
    "VerifiedModel",
    "check_name",
    "load",
    "make_golden",
    "open_store",
    "publish",
    "registry_url",
]
