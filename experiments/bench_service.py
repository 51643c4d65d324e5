"""Memory of the serving process and time from its start to ready, with a bundle on disk.

Memory is of the service alone: one that follows a registry has a child process beside it.

Usage: python experiments/bench_service.py BUNDLE [--starts 3]. Starts a real service on a free
loopback port, waits for /readyz, sends a bounded number of requests, reads the resident memory.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from bench_targets import QUOTE, TARGETS


def start(bundle: str) -> tuple["subprocess.Popen[str]", str]:
    """The service and its address, as soon as it names it."""
    command = [sys.executable, "-m", "stancewire", "serve", "--port", "0", "--bundle", bundle]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    for line in service.stdout:
        if "listening on " in line:
            return service, line.split("listening on ", 1)[1].strip()
    raise SystemExit("the service ended before it listened")


def wait_ready(url: str, deadline_s: float = 60) -> None:
    """Return when /readyz answers 200."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise SystemExit("the service did not get ready")


def ask(url: str, items: list[dict[str, str]]) -> None:
    """One request for stances."""
    body = json.dumps({"items": items}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/stance", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def peak_mib(pid: int) -> float:
    """The highest resident memory that a process ever had (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this system does not tell a process's highest memory")


def main() -> None:
    """Print start-to-ready of each start, and memory before and after requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--starts", type=int, default=3)
    args = parser.parse_args()
    seconds, idle, busy, largest = [], [], [], []
    for _ in range(args.starts):
        began = time.monotonic()
        service, url = start(args.bundle)
        try:
            wait_ready(url)
            seconds.append(time.monotonic() - began)
            process = psutil.Process(service.pid)
            idle.append(process.memory_info().rss / 2**20)
            for n in range(20):
                ask(url, [{"text": f"{n}. {QUOTE} " * 2, "target": t} for t in TARGETS])
            many = [{"text": f"{i}. {QUOTE}", "target": TARGETS[i % 20]} for i in range(256)]
            ask(url, many)
            # The largest request that the limits allow: one long quote, 256 long targets.
            long = [{"text": QUOTE * 6, "target": f"{i} {QUOTE[:250]}"} for i in range(256)]
            began = time.monotonic()
            ask(url, long)
            largest.append(time.monotonic() - began)
            busy.append(peak_mib(service.pid))
        finally:
            service.terminate()
            service.wait(timeout=30)
    print(f"start to ready, s: median {statistics.median(seconds):.2f}, worst {max(seconds):.2f}")
    print(f"resident memory, MiB: {max(idle):.0f} when ready, {max(busy):.0f} at its highest")
    print(f"the largest request allowed, s: median {statistics.median(largest):.1f}")


if __name__ == "__main__":
    main()
