"""What can go wrong while training, each with a sentence for the user.

TrainingError
├── SpecInvalid       models.json says something that is not allowed
├── DataInvalid       the data cannot be used as the spec asks
├── FitFailed         the estimator refused its parameters or the data
├── NotServable       serving could not load what was trained
└── ClusterUnusable   the Dask cluster cannot be used
"""


class TrainingError(Exception):
    """Base of every error of this package; its text is one sentence for the user."""


class SpecInvalid(TrainingError):
    pass


class DataInvalid(TrainingError):
    pass


class FitFailed(TrainingError):
    pass


class NotServable(TrainingError):
    pass


class ClusterUnusable(TrainingError):
    pass
