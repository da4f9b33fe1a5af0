"""LitServe's server of a scikit-learn model: one API process and one worker; started with a port."""

import sys
from typing import Any

import joblib
import litserve  # type: ignore[import-not-found]
import numpy as np


class Wine(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        self.model = joblib.load("model.joblib")

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        return np.array([request["data"]])

    def predict(self, row: np.ndarray) -> tuple[Any, Any]:
        return self.model.predict(row), self.model.predict_proba(row)

    def encode_response(self, output: tuple[Any, Any]) -> dict[str, Any]:
        return {"prediction": output[0].tolist()[0], "probabilities": output[1].tolist()[0]}


if __name__ == "__main__":
    server = litserve.LitServer(Wine(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="error"
    )
