"""Everything that can go wrong in the library.

BrineryError
├── ReferenceInvalid        a model name or version that is not one
├── SettingInvalid          an environment variable or option with a value that is not allowed
├── PinRequired             a version without a digest where one is demanded
├── RowInvalid              input that does not fit the model's features
│   └── TooManyRows         more rows than one request may hold
├── StoreError              the store answered with an error
│   ├── StoreUnavailable    … that may pass: worth another try later
│   │   └── CredentialsUnavailable  … what gives the credentials for it did not
│   ├── AccessDenied        … that credentials or a policy would have to change
│   ├── ObjectMissing       … that there is no such object
│   ├── ObjectChanged       … that an object is no longer the one that was found
│   └── ObjectExists        … that a create-only write came second
├── VersionMissing          no such model or version
├── IntegrityError          stored bytes are not the ones that were published: never retried
│   ├── DigestMismatch      the manifest is not the pinned one
│   ├── IdentityMismatch    the manifest is another model's or version's
│   ├── ManifestInvalid     the manifest cannot be read
│   ├── ArtifactMissing     a file that the manifest lists is not there
│   ├── ArtifactSize        … has another size, or a file is over its cap
│   ├── ArtifactDigest      … has other contents
│   ├── GoldenMismatch      the model does not reproduce its golden rows
│   └── ChainBroken         a promotion's record is missing, altered, or of another model or environment
├── PromotionRefused        a promotion that may not be made, or not now
├── EnvironmentFailed       the environment that was to be promoted could not be read or changed
│   └── EnvironmentSilent   … or did not answer, so that it may or may not have been changed
├── RunConflict             a run of scoring whose place holds another one
├── DataInvalid             rows, columns, a target or a model from elsewhere that cannot be used
├── GateInvalid             a gate with a rule that this model cannot be held to
├── NotServable             what was to be published could not be served
├── SchemaUnknown           the manifest's format is newer than this code
├── LibraryMismatch         the model was made with other library versions
├── FormatMissing           the version has no artifact in the wanted format
└── ModelInvalid            the verified artifact cannot be loaded or used
"""

from collections.abc import Sequence


def words_of(error: object, most: int = 300) -> str:
    """What an error says, on one line, which ends with a whole word."""
    text = " ".join(str(error).split())
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0] or text[:most]} …"


class BrineryError(Exception):
    """Base of every error of this package; its text is one sentence for the user."""


class ReferenceInvalid(BrineryError):
    pass


class SettingInvalid(BrineryError):
    pass


class PinRequired(BrineryError):
    pass


class RowInvalid(BrineryError):
    """Input that does not fit the features; `errors` holds (JSON pointer, message) pairs."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{path} {message}" for path, message in self.errors))


class TooManyRows(RowInvalid):
    pass


class StoreError(BrineryError):
    pass


class StoreUnavailable(StoreError):
    pass


class CredentialsUnavailable(StoreUnavailable):
    pass


class AccessDenied(StoreError):
    pass


class ObjectMissing(StoreError):
    pass


class ObjectChanged(StoreError):
    pass


class ObjectExists(StoreError):
    pass


class VersionMissing(BrineryError):
    pass


class IntegrityError(BrineryError):
    pass


class DigestMismatch(IntegrityError):
    pass


class IdentityMismatch(IntegrityError):
    pass


class ManifestInvalid(IntegrityError):
    pass


class ArtifactMissing(IntegrityError):
    pass


class ArtifactSize(IntegrityError):
    pass


class ArtifactDigest(IntegrityError):
    pass


class GoldenMismatch(IntegrityError):
    pass


class ChainBroken(IntegrityError):
    pass


class PromotionRefused(BrineryError):
    pass


class EnvironmentFailed(BrineryError):
    pass


class EnvironmentSilent(EnvironmentFailed):
    pass


class RunConflict(BrineryError):
    pass


class DataInvalid(BrineryError):
    pass


class GateInvalid(BrineryError):
    pass


class NotServable(BrineryError):
    pass


class SchemaUnknown(BrineryError):
    pass


class LibraryMismatch(BrineryError):
    pass


class FormatMissing(BrineryError):
    pass


class ModelInvalid(BrineryError):
    pass
