"""What somebody gets who installs the distribution."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.message import Message
from email.parser import Parser
from pathlib import Path

import attr
import attrs
import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
PACKAGES = {path.parent.name for path in REPOSITORY.glob("adapters/*/evently_*/py.typed")} | {"evently_core"}

# Runs in an interpreter without site-packages: the standard library is there, and the folders it is given.
IMPORT_THE_CORE_ALONE = """
import importlib
import pkgutil
import sys

sys.path += sys.argv[1:]

import evently_core

for module in pkgutil.walk_packages(evently_core.__path__, "evently_core."):
    importlib.import_module(module.name)
    print(module.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


@pytest.fixture(scope="module")
def metadata(unpacked: Path) -> Message:
    [info] = unpacked.glob("*.dist-info")
    return Parser().parsestr((info / "METADATA").read_text(encoding="utf-8"))


def test_the_wheel_holds_the_named_packages_and_nothing_else(unpacked: Path) -> None:
    found = {path.name for path in unpacked.iterdir() if path.suffix != ".dist-info"}
    assert found == PACKAGES


def test_every_package_tells_type_checkers_that_it_is_typed(unpacked: Path) -> None:
    assert {path.parent.name for path in unpacked.glob("*/py.typed")} == PACKAGES


def test_the_pages_are_in_it_with_the_licences_of_what_others_wrote(unpacked: Path) -> None:
    source = REPOSITORY / "adapters/flask_api/evently_flask_api/pages"
    found = unpacked / "evently_flask_api/pages"
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    assert {path.relative_to(found) for path in found.rglob("*") if path.is_file()} == files
    assert list(found.glob("app/vendor/*/LICENSE"))


@pytest.fixture(scope="module")
def brings(metadata: Message) -> Callable[[str], set[str]]:
    """What an extra brings besides the core's own needs; the extra "" is none."""
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]

    def names(extra: str) -> set[str]:
        return {it.name for it in requirements if it.marker is None or it.marker.evaluate({"extra": extra})}

    return names


def test_without_an_extra_the_wheel_brings_attrs_alone(brings: Callable[[str], set[str]]) -> None:
    assert brings("") == {"attrs"}


def test_each_extra_brings_something(metadata: Message, brings: Callable[[str], set[str]]) -> None:
    extras = metadata.get_all("Provides-Extra", [])
    assert set(extras) == {"postgres", "redis", "api", "cli", "otel", "embedded", "all"}
    assert [extra for extra in extras if brings(extra) == brings("")] == []


def test_the_extra_all_brings_every_other_extra(metadata: Message, brings: Callable[[str], set[str]]) -> None:
    others = set(metadata.get_all("Provides-Extra", [])) - {"all"}
    assert brings("all") == set().union(*map(brings, others))


def test_the_licence_travels_with_the_wheel(unpacked: Path, metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert list(unpacked.glob("*.dist-info/licenses/LICENSE"))


@pytest.fixture(scope="module")
def attrs_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two packages of attrs and nothing else."""
    folder = tmp_path_factory.mktemp("attrs")
    for package in (attr, attrs):
        [home] = package.__path__
        (folder / package.__name__).symlink_to(home)
    return folder


def test_every_module_of_the_core_imports_with_attrs_alone(unpacked: Path, attrs_alone: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", IMPORT_THE_CORE_ALONE, str(unpacked), str(attrs_alone)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    files = list((unpacked / "evently_core").rglob("*.py"))
    assert len(ran.stdout.splitlines()) == len(files) - 1  # the package itself is not among its modules
