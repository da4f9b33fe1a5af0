"""Creates the bucket that $BUCKET names, where it is not there yet; the service runs this once it answers."""

import os
import urllib.error
import urllib.request

url = f"http://127.0.0.1:4566/{os.environ['BUCKET']}"
try:
    urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10)
except urllib.error.HTTPError as exc:
    if b"BucketAlreadyOwnedByYou" not in exc.read():
        raise
