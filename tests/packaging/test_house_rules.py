"""Rules about the repository that no linter knows."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# What is unfinished does not land. Written in halves, so that this file passes its own test.
UNFINISHED = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]


def own_files() -> list[Path]:
    """Every file that belongs to the project: tracked, or new and not ignored."""
    # A checkout that belongs to another user than the one who tests is fine: git only lists it.
    listing = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(listing, cwd=REPOSITORY, check=True, capture_output=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := REPOSITORY / name).is_file()]


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    """The project's files that are text, by path."""
    contents = {path: path.read_bytes() for path in own_files()}
    return {path: raw.decode() for path, raw in contents.items() if b"\0" not in raw}


def test_a_source_root_is_not_a_package() -> None:
    """An `adapters/redis/__init__.py` would shadow the real `redis` for whoever has `adapters` on the path."""
    adapters = REPOSITORY / "adapters"
    assert not (adapters / "__init__.py").exists()
    assert list(adapters.glob("*/__init__.py")) == []


def test_each_source_root_holds_one_package_named_after_the_project() -> None:
    for root in filter(Path.is_dir, (REPOSITORY / "adapters").iterdir()):
        packages = [path.parent.name for path in root.glob("*/__init__.py")]
        assert packages == [f"evently_{root.name}"]


def test_every_package_is_listed_wherever_packages_are_listed() -> None:
    """A package that one list forgot would go unchecked, or missing from the wheel, without a word."""
    tool = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    homes = sorted(
        path.parent.relative_to(REPOSITORY) for path in REPOSITORY.glob("adapters/*/*/__init__.py")
    )
    folders = {"evently_core", *map(str, homes)}
    names = {"evently_core", *(home.name for home in homes)}
    roots = {".", *(str(home.parent) for home in homes)}
    wheel = tool["hatch"]["build"]["targets"]["wheel"]

    assert set(wheel["packages"]) == folders
    assert folders <= set(tool["mypy"]["files"])
    assert set(tool["check-wheel-contents"]["toplevel"]) == names
    assert set(tool["coverage"]["run"]["source_pkgs"]) == names
    assert set(tool["importlinter"]["root_packages"]) == names
    assert set(wheel["dev-mode-dirs"]) == roots
    assert set(tool["pytest"]["ini_options"]["pythonpath"]) == roots
    assert {
        path.removeprefix("$MYPY_CONFIG_FILE_DIR").strip("/") or "." for path in tool["mypy"]["mypy_path"]
    } == roots


def test_nothing_unfinished_lands(texts: dict[Path, str]) -> None:
    unfinished = re.compile(rf"\b({'|'.join(UNFINISHED)})\b")
    assert [str(path) for path, text in texts.items() if unfinished.search(text)] == []


def test_every_text_file_ends_its_last_line(texts: dict[Path, str]) -> None:
    assert [str(path) for path, text in texts.items() if text and not text.endswith("\n")] == []


def test_a_suppressed_check_has_its_reason_beside_it(texts: dict[Path, str]) -> None:
    """`# noqa: S603` alone says that a check was in somebody's way; the words after it say why."""
    suppressed = re.compile(r"#\s*(?:ruff: )?(?:noqa|type: ignore|pragma: no cover)(?P<rest>.*)")
    codes = re.compile(r"^\s*(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[a-z, -]+\])?")
    bare = [
        f"{path}:{number}"
        for path, text in texts.items()
        if path.suffix == ".py"
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := suppressed.search(line)) and len(codes.sub("", found["rest"]).split()) < 3
    ]
    assert bare == []


def test_what_starts_others_loads_nothing_of_what_they_answer_with() -> None:
    """Neither the main process of a server nor a worker answers anybody: they start in half the time."""
    script = (
        "import sys, evently_wiring.serving, evently_wiring.worker; print({'flask', 'fpdf'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
