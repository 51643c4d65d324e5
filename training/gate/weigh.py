"""How much memory a bundle takes: a process of its own that loads it, answers, and says its peak.

    python -m stancewire.training.gate.weigh BUNDLE [PRECISION] < pairs.json

Needs Linux. Imports the core alone, as the service does, so that torch is not weighed.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stancewire.bundle import Bundle, Precision
from stancewire.errors import BundleError
from stancewire.pairs import StancePair
from stancewire.predictor import Predictor

STATUS = Path("/proc/self/status")
MOST_S = 300.0


def peak_mib(bundle: Bundle, pairs: Sequence[StancePair], precision: Precision) -> float:
    """Highest resident memory of a fresh process that answers `pairs` from the bundle.

    Raises `BundleError` if it cannot.
    """
    asked = json.dumps([[pair.text, pair.target] for pair in pairs])
    command = [sys.executable, "-m", __name__, str(bundle.folder), precision]
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, check=True, timeout=MOST_S
        )
        return float(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise BundleError(f"the memory of {bundle.folder} cannot be measured: {error}") from error


def main(folder: str, precision: Precision) -> float:
    """Answer what stands on standard input; gives this process's peak so far, in MiB."""
    pairs = [StancePair(text, target) for text, target in json.load(sys.stdin)]
    Predictor.load(folder, precision=precision).predict(pairs)
    (line,) = (one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1], sys.argv[2])}\n")  # type: ignore[arg-type]
