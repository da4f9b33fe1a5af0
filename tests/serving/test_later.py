"""What is imported later is there when it is used, in whichever way, and is then what it always is."""

import json
import subprocess
import sys

import pytest

# Each use in a process that was forked from one with scikit-learn's imports, which take seconds.
EACH = """
import json, os, sys, traceback
from serving.startup import begin
begin()
import sklearn.calibration, sklearn.linear_model, sklearn.metrics, sklearn.pipeline, sklearn.preprocessing
assert "scipy.stats._stats_py" not in sys.modules, "scikit-learn has it imported at once"
uses, whole = json.load(sys.stdin)
for name, use in uses.items():
    pid = os.fork()
    if pid == 0:
        try:
            exec(use + whole)
        except BaseException:
            print(name, traceback.format_exc(), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
print("all were tried")
"""
USES = {
    "an attribute": "import scipy.stats; assert scipy.stats.norm.cdf(0) == 0.5",
    "a name": "from scipy.stats import norm; assert norm.cdf(0) == 0.5",
    "a name of scipy": "from scipy import stats; assert stats.norm.cdf(0) == 0.5",
    "all names": "from scipy.stats import *; assert norm.cdf(0) == 0.5",
    "one of its modules": "import scipy.stats.mstats; assert scipy.stats.mstats.gmean([1, 4]) == 2",
    "a class of one of its modules": """
from scipy.stats._distn_infrastructure import rv_generic
from scipy.stats import norm
assert isinstance(norm, rv_generic), "its module was run twice"
""",
    "one of its modules, while a thread imports it": """
import serving.later, threading, time
import scipy.stats
serving.later.WAIT_SECONDS = 0.5
thread = threading.Thread(target=lambda: scipy.stats.norm)
thread.start()
while "scipy.stats._warnings_errors" not in sys.modules:
    time.sleep(0.001)
import scipy.stats._continuous_distns
thread.join()
assert isinstance(scipy.stats.norm, scipy.stats._continuous_distns.norm_gen)
""",
    "a name of one of its modules": "from scipy.stats.mstats import mquantiles; assert mquantiles([1, 2, 3])[1] == 2",
    "a function that scikit-learn has": "from sklearn._loss.link import gmean; assert gmean([1, 4]) == 2",
    "a metric": """
from sklearn.metrics import label_ranking_average_precision_score
assert label_ranking_average_precision_score([[1, 0]], [[1, 0]]) == 1
""",
    "a pickle": r"""
import pickle
found = pickle.loads(b"\x80\x04cscipy.stats._distn_infrastructure\nrv_frozen\n.")
assert found.__name__ == "rv_frozen" and type(__import__("scipy.stats").stats.norm(0, 1)).__mro__[1] is found
""",
    "what it has not": """
import scipy.stats
try:
    scipy.stats.nothing
except AttributeError as exc:
    assert "'scipy.stats' has no attribute 'nothing'" in str(exc)
else:
    raise AssertionError
""",
    "threads at once": """
import scipy.stats
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    assert [*pool.map(lambda _: scipy.stats.norm.cdf(0), range(16))] == [0.5] * 16
""",
    "again, where it could not be imported": """
import scipy.stats
sys.modules["scipy.stats._stats_py"] = None
try:
    scipy.stats.norm
except ImportError:
    del sys.modules["scipy.stats._stats_py"]
assert scipy.stats.norm.cdf(0) == 0.5
""",
}
WHOLE = """
import scipy.stats, types
assert "scipy.stats._stats_py" in sys.modules
assert type(scipy.stats) is types.ModuleType and sys.modules["scipy.stats"] is scipy.stats
assert scipy.stats.rankdata.__module__ == "scipy.stats._stats_py"
assert scipy.stats.__spec__.loader is scipy.stats.__loader__ and scipy.stats.__path__ and scipy.stats.__file__
assert sys.modules["scipy.stats.mstats"] is scipy.stats.mstats
from sklearn.metrics import _ranking
assert [*_ranking.rankdata([3, 1, 2])] == [3, 1, 2]
"""


@pytest.mark.slow
def test_statistics_are_imported_when_they_are_used() -> None:
    told = json.dumps([{name: f"{use}\n" for name, use in USES.items()}, WHOLE])
    ran = subprocess.run([sys.executable, "-c", EACH], input=told, capture_output=True, text=True, timeout=120)
    assert ran.stdout == "all were tried\n", ran.stdout + ran.stderr
