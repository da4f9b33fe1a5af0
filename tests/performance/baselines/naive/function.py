"""A model server as the guides of FastAPI, Mangum and boto3 show it; nothing is checked."""

import io
import os
from typing import Any

import boto3
import joblib
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel

model = joblib.load(
    io.BytesIO(
        boto3.client("s3").get_object(Bucket=os.environ["MODEL_BUCKET"], Key=os.environ["MODEL_KEY"])["Body"].read()
    )
)
app = FastAPI()


class Row(BaseModel):
    data: list[float]


@app.post("/classify")
def classify(row: Row) -> dict[str, Any]:
    prediction = model.predict([row.data])[0]
    probabilities = model.predict_proba([row.data])[0]
    return {
        "prediction": prediction.item(),
        "probabilities": {str(label): p for label, p in zip(model.classes_, probabilities.tolist(), strict=True)},
    }


handler = Mangum(app)
