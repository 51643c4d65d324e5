import subprocess
import sys

PROBE = """
import threading
from pathlib import Path
from stancewire.serving.memory import give_memory_back

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024

assert give_memory_back()
before = resident()
def work():
    for _ in range(3):
        blocks = [bytearray(b"x") * (2 << 20) for _ in range(40)]
        del blocks
threads = [threading.Thread(target=work) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
print(resident() - before)
"""


def test_freed_blocks_are_given_back():
    ran = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 20  # MiB, of the 160 that were held
