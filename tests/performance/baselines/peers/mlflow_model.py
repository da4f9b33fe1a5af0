"""Writes the model as MLflow keeps it; `python -m mlflow models serve` then serves that folder."""

import joblib
import mlflow.sklearn  # type: ignore[import-not-found]

if __name__ == "__main__":
    mlflow.sklearn.save_model(joblib.load("model.joblib"), "model", serialization_format="cloudpickle")
