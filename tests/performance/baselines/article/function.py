"""The handler of the article that Brinery grew from: the model in the image, unpickled at each call."""

import json
from typing import Any

import joblib


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    body = event["body"]
    data = json.loads(body)["data"] if isinstance(body, str) else body["data"]
    model = joblib.load("model.joblib")
    prediction = model.predict([data])
    return {"statusCode": 200, "body": json.dumps({"prediction": prediction.tolist()[0]})}
