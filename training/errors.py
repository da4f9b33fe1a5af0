"""What can go wrong while training beside what the library raises, each with a sentence for the user.

TrainingError
├── SpecInvalid       the file of models says something that is not allowed
├── FitFailed         the estimator refused its parameters or the data
└── ClusterUnusable   the Dask cluster cannot be used
"""


class TrainingError(Exception):
    """Base of every error of this package; its text is one sentence for the user, without the model's name."""


class SpecInvalid(TrainingError):
    """The text begins with a key of the model; the file and the model are named where it is caught."""


class FitFailed(TrainingError):
    pass


class ClusterUnusable(TrainingError):
    pass
