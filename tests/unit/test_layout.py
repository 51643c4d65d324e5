"""What holds of the house as a whole: its packages, its surface, its module sizes."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import stancewire

ROOT = Path(__file__).parents[2]
ROOMS = ("stancewire", "data", "serving", "training")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def name_of(package: Path) -> str:
    parts = package.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "stancewire" else ("stancewire", *parts))


def fresh(code: str) -> list[str]:
    """Lines printed by a new interpreter, started away from the repository."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.root, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_every_package_is_listed():
    """One that is not would work where the project is edited, and be missing from the wheel."""
    on_disk = {init.parent for room in ROOMS for init in (ROOT / room).rglob("__init__.py")}
    assert {name_of(package) for package in on_disk} == set(SETUPTOOLS["packages"])
    assert {name_of(ROOT / folder): folder for folder in ROOMS} == SETUPTOOLS["package-dir"]


def test_no_module_lies_outside_a_package():
    assert {m.parent for m in MODULES} == {m.parent for m in MODULES if m.name == "__init__.py"}


def test_the_files_of_the_corpus_travel_with_it():
    globs = SETUPTOOLS["package-data"]["stancewire.data"]
    files = {path for path in (ROOT / "data").rglob("*") if path.is_file()}
    code = {path for path in files if path.suffix in (".py", ".pyc")}
    assert files - code == {path for glob in globs for path in (ROOT / "data").glob(glob)}


def test_the_release_travels_with_the_service():
    assert SETUPTOOLS["package-data"]["stancewire.serving"] == ["release/*"]


def test_the_surface_is_what_is_promised():
    """A name added or lost is a change for everyone who imports it: change this list with it."""
    assert sorted(stancewire.__all__) == [
        "Bundle", "BundleError", "DataError", "GateRefused", "Label", "ORDER", "Predictor",
        "Record", "Stance", "StancePair", "StancewireError",
    ]  # fmt: skip


def test_the_surface_is_exactly_what_can_be_imported():
    code = (
        "import stancewire\n"
        "names = dict.fromkeys(stancewire.__all__)\n"
        "print(len(stancewire.__all__) == len(names))\n"
        "space = {}\n"
        "exec('from stancewire import *', space)\n"
        "space.pop('__builtins__')\n"
        "print(set(space) == set(names))\n"
        "print(set(names) <= set(dir(stancewire)))\n"
    )
    assert fresh(code) == ["True", "True", "True"]


def test_nothing_of_ours_is_public_beside_the_surface():
    for name in stancewire.__all__:
        getattr(stancewire, name)
    public = {
        name
        for name, value in vars(stancewire).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "stancewire").split(".")[0] == "stancewire"
    }
    # TYPE_CHECKING is how a lazy package is written, not something of ours.
    assert public - {"TYPE_CHECKING"} == set(stancewire.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Nothing"):
        _ = stancewire.Nothing  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="Nothing"):
        exec("from stancewire import Nothing", {})


def test_the_core_needs_only_the_core():
    heavy = ("torch", "transformers", "mlflow", "fastapi", "pandas", "sklearn", "sqlalchemy")
    code = (
        "import sys\n"
        "from stancewire import *\n"
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )
    assert fresh(code) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_stays_small(path: Path):
    source = path.read_text(encoding="utf-8")
    head = ast.get_docstring(ast.parse(source))
    assert head, "has no docstring"
    assert head.splitlines()[0].rstrip().endswith((".", ":", "?")), "its first line is no sentence"
    assert len(source.splitlines()) <= 400
