"""Every check of the project; `nox` alone runs what CI runs.

Each session installs only what it needs, at the versions of `requirements/constraints.txt`, into a
virtual environment that later runs reuse. `nox -R` skips the installing as well.
"""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "imports", "tests", "wheel"]

CONSTRAINTS = "requirements/constraints.txt"
DEV_GROUP = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
# One more than there are cores, because some tests mostly wait; more than four gain little, because others start
# servers of their own.
PARALLEL = [f"--numprocesses={min(4, (os.cpu_count() or 1) + 1)}", "--dist=worksteal"]
SOURCE_ROOTS = [".", *sorted(str(path.parent) for path in Path("adapters").glob("*/evently_*"))]


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: the code is formatted and breaks none of the rules."""
    _install(session, "ruff")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, on every package and on the tests."""
    _install_everything(session)
    session.run("mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """The arrows between the packages: who may import whom."""
    _install(session, "import-linter")
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": ":".join(SOURCE_ROOTS)})


@nox.session
def tests(session: nox.Session) -> None:
    """The tests; what follows `--` goes to pytest, as in `nox -s tests -- -k waitlist`."""
    _install_everything(session)
    # Many tests start processes; where nothing may be compiled in passing each would compile all of it again.
    session.run("python", "-m", "compileall", "-q", "evently_core", "adapters", "tests")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel is built as a release is, and holds the named packages and nothing else."""
    _install(session, "build", "check-wheel-contents")
    out = session.create_tmp()
    shutil.rmtree(out)  # a wheel of an earlier run would be checked too
    session.run("python", "-m", "build", "--wheel", "--outdir", out, silent=True)
    session.run("check-wheel-contents", out)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """The tests again, with the lines and branches that no test reaches."""
    _install_everything(session)
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", silent=True)
    session.run("coverage", "report")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure against the baselines, on a quiet machine: a table, JSON and curves; `-- --quick` for a first look."""
    _install_everything(session)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Known vulnerabilities in the locked set; what could not be audited counts as a failure."""
    _install(session, "pip-audit")
    session.run("pip-audit", "--strict", "--disable-pip", "--no-deps", "--requirement", CONSTRAINTS)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Choose the newest versions anew and write them to the constraints file."""
    session.install("uv")
    compile_all = ["uv", "pip", "compile", "pyproject.toml", "--all-extras", "--group", "dev", "--universal"]
    quiet = ["--quiet", "--upgrade", "--no-emit-package", "evently-core"]
    session.run(*compile_all, *quiet, "--custom-compile-command", "nox -s lock", "--output-file", CONSTRAINTS)


def _install(session: nox.Session, *requirements: str) -> None:
    session.install("--constraint", CONSTRAINTS, *requirements)


def _install_everything(session: nox.Session) -> None:
    _install(session, "--editable", ".[all]", *DEV_GROUP)
