"""The contract that training and serving share: versions that cannot change, verified before they are loaded."""

from brinery.errors import ReferenceInvalid, RegistryError, SettingInvalid
from brinery.loading.golden import make_golden
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import Feature
from brinery.versions.manifest import (
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
from brinery.versions.publish import publish
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store, open_store, registry_url

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
