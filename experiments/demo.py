"""`make demo`: from the corpus to an answer over HTTP, by the commands a reader could type.

Ends with exit code 0 if every step worked. A wrong answer of the model is no failed step: it is
said, and not patched over.
"""

import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.request import ProxyHandler, Request, build_opener

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

ROOT = Path(__file__).parent.parent
RUNS = Path("runs/demo")
RECIPES = ("press-tfidf", "press-frozen", "press-packed")
CHOSEN = "press-packed"
RELEASE = Path("serving/release")
"""The model that comes with the package; a checkout may be without."""
REFUSED = 4  # exit code of a gate that says no
REASON = "make demo was run again: the same recipe, trained anew"
SEE_RUNS = ".venv/bin/mlflow ui --backend-store-uri sqlite:///mlflow.db"
START_S = 120.0  # for the service to be ready; it takes seconds, a busy machine more

# Dmitry Peskov, press secretary of the President of Russia, 2012. Held out of all training data.
QUOTE = (
    "In a world where the smell of crisis is around us constantly, the only viable trend is the "
    "trend for integration, the integration processes. To associate natural processes that are "
    "maturing throughout the former Soviet space with attempts at Sovietization means failing to "
    "understand practically anything about what is happening in the former Soviet space."
)
EXPECTED = {
    "Eurasian integration": "favor",
    "the claim that Russia is re-Sovietizing its neighbours": "against",
}

console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
times: list[tuple[str, float]] = []


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step and tell how long it took."""
    console.rule(f"[bold]{title}", align="left")
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    times.append((title, seconds))
    console.print(f"[dim]done in {seconds:.1f} s[/dim]\n")


def fail(message: str) -> NoReturn:
    """End the demo because a step did not work."""
    console.print(Text.assemble(("The demo stops here: ", "bold red"), message))
    sys.exit(1)


def command(*words: str) -> list[str]:
    """Show a `stancewire` command as one would type it, and give it as it is run."""
    console.print(Text("$ stancewire " + shlex.join(words), style="bold cyan"))
    return [sys.executable, "-m", "stancewire", *words]


def stancewire(*words: str, allowed: Sequence[int] = (0,)) -> int:
    """Run a command with its output shown; an exit code that is not `allowed` ends the demo."""
    code = subprocess.run(command(*words), check=False).returncode
    if code not in allowed:
        fail(f"`stancewire {words[0]}` ended with exit code {code}")
    return code


def train(recipe: str) -> str:
    """Train and register by a recipe; gives the number of the version."""
    folder = RUNS / recipe
    # Only what is to be promoted needs the minute that the behaviour tests take.
    skipped = () if recipe == CHOSEN else ("--no-behaviour",)
    stancewire("train", "--config", f"experiments/{recipe}.yaml", "--out", str(folder), *skipped)
    version: str = json.loads((folder / "registered.json").read_text())["version"]
    return version


def has_release() -> bool:
    """Whether there is a model to answer before anything is trained."""
    return (RELEASE / "manifest.json").is_file()


def what_to_serve(version: str) -> tuple[list[str], str | None]:
    """Promote `version`; gives the options of `stancewire serve`, and the version to wait for."""
    from stancewire.training.registry import CHAMPION, Registry

    champion = Registry().aliases().get(CHAMPION)
    if champion is None and has_release():
        against = ("--dry-run", "--against", str(RELEASE))
        if stancewire("promote", version, *against, allowed=(0, REFUSED)) == REFUSED:
            console.print(
                f"[yellow]The gate would not put version {version} in the place of the release, "
                "for the reasons above. Nothing moves, and the release is what is served."
            )
            return ["--bundle", str(RELEASE)], None
    # A second demo meets the first one's champion, and has no other merit than being new.
    if stancewire("promote", version, "--reason", REASON, allowed=(0, REFUSED)) == 0:
        return [], version
    if champion is not None:
        console.print(
            f"[yellow]The gate refused version {version}, for the reasons above. "
            f"The champion stays version {champion}, and that is what is served now."
        )
        return [], champion
    folder = str(RUNS / CHOSEN / "bundle")
    console.print(
        f"[yellow]The gate refused version {version}, for the reasons above, and there is no "
        f"champion. To show the service all the same, the refused model is served from {folder}."
    )
    return ["--bundle", folder], None


@contextmanager
def service(options: Sequence[str], version: str | None) -> Iterator[str]:
    """Run a service on a free loopback port; gives its address, and stops it at the end."""
    log = RUNS / "service.log"
    words = command("serve", "--port", "0", *options)
    with log.open("w") as err:
        # A cache of its own: what a service on this machine served before must not answer here.
        environment = {**os.environ, "STANCEWIRE_CACHE": str(RUNS.resolve() / "cache")}
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=err, text=True, env=environment
        )
        try:
            deadline = time.monotonic() + START_S
            url = address(process, deadline, log)
            wait_until_ready(process, url, version, deadline, log)
            yield url
        finally:
            stop(process)


def address(process: subprocess.Popen[str], deadline: float, log: Path) -> str:
    """Address that the service says it listens on."""
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=pass_on, args=(process.stdout, lines), daemon=True).start()
    while time.monotonic() < deadline:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if line.startswith("listening on "):
            return line.split()[-1]
        if not line:
            fail(f"the service ended before it listened; see {log}")
    fail(f"the service did not listen within {START_S:.0f} s; see {log}")


def pass_on(stream: IO[str], lines: "queue.Queue[str]") -> None:
    """Read a stream to its end, so that its writer never waits; an empty line marks the end."""
    for line in stream:
        lines.put(line)
    lines.put("")


def wait_until_ready(
    process: subprocess.Popen[str], url: str, version: str | None, deadline: float, log: Path
) -> None:
    """Ask until a model is loaded, and until it is `version`.

    A service starts with what it served last, and takes up a new champion a moment later.
    """
    while time.monotonic() < deadline and process.poll() is None:
        try:
            fetch(f"{url}/readyz")
            if version in (None, fetch(f"{url}/v1/model")["version"]):
                return
        except OSError:
            pass
        time.sleep(0.2)
    fail(f"the service was not ready within {START_S:.0f} s; see {log}")


def stop(process: subprocess.Popen[str]) -> None:
    """Ask the service to end; insist if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def fetch(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """JSON that `url` answers, to a POST if there is a body. No proxy is asked."""
    data = None if body is None else json.dumps(body).encode()
    asked = Request(url, data, {"Content-Type": "application/json"})
    with build_opener(ProxyHandler({})).open(asked, timeout=60) as reply:
        answer: dict[str, Any] = json.load(reply)
        return answer


def ask(url: str) -> None:
    """Ask about the statement and show what came back beside what a reader expects."""
    console.print(Panel(Text(QUOTE), title="Dmitry Peskov, 2012", title_align="left"))
    items = [{"text": QUOTE, "target": target} for target in EXPECTED]
    try:
        reply = fetch(f"{url}/v1/stance", {"items": items})
    except OSError as error:
        fail(f"the service did not answer: {error}")
    table = Table("target", "expected", "answered", title="POST /v1/stance", title_justify="left")
    for name in ("score", "favor", "against", "neutral"):
        table.add_column(name, justify="right")
    wrong = []
    for (target, expected), result in zip(EXPECTED.items(), reply["results"], strict=True):
        is_right = result["label"] == expected
        doubt = " (not sure)" if result["abstained"] else ""
        answered = Text(result["label"] + doubt, style="green" if is_right else "red")
        shares = [f"{result['probabilities'][k]:.2f}" for k in ("favor", "against", "neutral")]
        table.add_row(target, expected, answered, f"{result['score']:+.2f}", *shares)
        if not is_right:
            wrong.append(target)
    console.print(table)
    model = reply["model"]
    console.print(f"answered by {model['name']}, version {model['version']}")
    if wrong:
        console.print(f"[bold red]The model is wrong[/] about: {'; '.join(wrong)}.")
    else:
        console.print("[bold green]Both answers are what a reader expects.[/]")


def what_next(options: Sequence[str]) -> None:
    """Show where the time went and what to type next."""
    table = Table("step", "seconds", title="time", title_justify="left")
    for title, seconds in times:
        table.add_row(title, f"{seconds:.1f}")
    console.print(table)
    body = json.dumps({"items": [{"text": "We welcome the deal.", "target": "the deal"}]})
    serve = shlex.join(["stancewire", "serve", *options])
    start = "make serve" if not options else f".venv/bin/{serve}"
    console.print("\nNext, in this folder:")
    for line in (
        start,
        "curl -s http://127.0.0.1:8000/v1/stance -H 'Content-Type: application/json' "
        f"-d {shlex.quote(body)}",
        *(() if os.environ.get("MLFLOW_TRACKING_URI") else (SEE_RUNS,)),
    ):
        console.print(Text(f"  {line}", style="bold"), soft_wrap=True)


def main() -> None:
    """Tell the story."""
    # An end from outside must pass through `service`, or the service would stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(ROOT)
    RUNS.mkdir(parents=True, exist_ok=True)
    if has_release():
        with (
            step("0. What does the model that comes with Stancewire answer?"),
            service(["--bundle", str(RELEASE)], None) as url,
        ):
            ask(url)
    with step("1. Is the corpus sound?"):
        stancewire("data", "validate")
    versions = {}
    for number, recipe in enumerate(RECIPES, 2):
        with step(f"{number}. Train {recipe}"):
            versions[recipe] = train(recipe)
    with step(f"5. May version {versions[CHOSEN]} ({CHOSEN}) be the champion?"):
        options, version = what_to_serve(versions[CHOSEN])
    with (
        step("6. Serve, and ask about a statement that no model here has seen"),
        service(options, version) as url,
    ):
        ask(url)
    what_next(options)


if __name__ == "__main__":
    main()
