"""vetiver's server of a scikit-learn model, its prototype checked; started by uvicorn."""

import joblib
import numpy as np
from vetiver import VetiverAPI, VetiverModel  # type: ignore[import-not-found]

app = VetiverAPI(VetiverModel(joblib.load("model.joblib"), "wine", prototype_data=np.ones((1, 13)))).app
