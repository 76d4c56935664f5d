"""The project's sessions: ``nox`` runs the first four, ``nox -s NAME`` one of them."""

import os
import platform
import shutil
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "layers", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True

CONSTRAINTS = str(Path("constraints.txt").resolve())
PLACE = f"{sys.platform}-{platform.machine()}-py{sys.version_info.major}{sys.version_info.minor}"
LOCK = Path(".ci", f"{PLACE}.txt").resolve()
"""What may be installed on this kind of machine, every file by its digest, if that is known."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
FROM_TESTS = {**ONE_THREAD, "PYTHONPATH": "tests"}
NOT_LONG = "not slow and not faults"
RUNTIME = "1.30.0"
"""The version of onnxruntime-web that the demo runs in; npm checks it against its digest."""


def install(session: nox.Session) -> None:
    """Install the project for development, from the tested set of versions."""
    session.install("-c", CONSTRAINTS, "-e", ".[dev]")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install("-c", CONSTRAINTS, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session)
    session.run("mypy")
    for source in sorted(Path("plugins").glob("*/src")):
        session.run("mypy", str(source))


@nox.session
def layers(session: nox.Session) -> None:
    """Check the floors of the house: who may import whom."""
    install(session)
    session.run("lint-imports", "--no-cache")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests; arguments go to pytest."""
    install(session)
    session.run("pytest", "-n", "2", "-m", NOT_LONG, *session.posargs, env=ONE_THREAD)


@nox.session
def architecture(session: nox.Session) -> None:
    """Check that the picture of the rooms is what the imports give today."""
    install(session)
    session.run("python", "docs/draw_architecture.py", "--check")


@nox.session
def golden(session: nox.Session) -> None:
    """Run the slow tests: published weights on whole photographs, real trainings."""
    install(session)
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def smoke(session: nox.Session) -> None:
    """Go through fit, evaluate, predict and replay on the command line."""
    install(session)
    session.run("pytest", "tests/test_end_to_end.py", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Try every bad input and a hundred kills (KILLS=N for more), and fuzz the readers."""
    install(session)
    env = {**ONE_THREAD, "HYPOTHESIS_PROFILE": "explore"}
    session.run("pytest", "-n", "2", "tests/faults", *session.posargs, env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz every reader of files, led by coverage; SECONDS for each is the argument (30)."""
    install(session)
    session.install("-c", CONSTRAINTS, "atheris")
    seconds = session.posargs[0] if session.posargs else "30"
    listed = session.run(
        "python", "-c", "import readers; print(*readers.READERS)", silent=True, env=FROM_TESTS
    )
    for name in str(listed).split():
        session.run("python", "tests/fuzzing.py", name, seconds, env=FROM_TESTS)


@nox.session
def ratios(session: nox.Session) -> None:
    """Compare speed and memory beside the plain port with the ratios that were last recorded."""
    install(session)
    against = ["--against", "tests/benchmarks/recorded.json"]
    env = {**ONE_THREAD, "PYTHONPATH": "tests"}
    session.run("python", "-m", "benchmarks.ratios", *against, *session.posargs, env=env)


@nox.session
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of the tested set of versions."""
    session.install("pip-audit")
    session.run("pip-audit", "--requirement", CONSTRAINTS, "--no-deps", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the examples in docstrings and pages, and build the site: build/site."""
    session.install("-c", CONSTRAINTS, "-e", ".[dev,docs]")
    session.run("pytest", "--doctest-modules", "pixelrl", "tests/test_docs.py", *session.posargs)
    sphinx = ("python", "-m", "sphinx", "-W", "--keep-going", "-d", "build/doctrees")
    session.run(*sphinx, "docs", "build/site")
    session.run("python", "docs/check_links.py", "build/site")


@nox.session
def links(session: nox.Session) -> None:
    """Ask every address outside that the pages name whether it still answers."""
    session.install("-c", CONSTRAINTS, "-e", ".[docs]")
    session.run("python", "-m", "sphinx", "-b", "linkcheck", "docs", "build/links")


@nox.session
def dist(session: nox.Session) -> None:
    """Build dist/, check it, and use the wheel outside of the repository.

    Argument ``shared``: take what the wheel depends on from the Python that runs nox, instead of
    downloading it again.
    """
    shared = "shared" in session.posargs
    session.install("-c", CONSTRAINTS, "build", "hatchling", "twine")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation")
    files = sorted(map(str, Path("dist").resolve().iterdir()))
    session.run("twine", "check", "--strict", *files)
    wheel = next(file for file in files if file.endswith(".whl"))
    probe = str(Path("tests/probe_wheel.py").resolve())
    with tempfile.TemporaryDirectory() as folder:
        session.run(sys.executable, "-m", "venv", f"{folder}/venv", external=True)
        if shared:
            ours = next(Path(folder).glob("venv/lib/python*/site-packages"))
            (ours / "shared.pth").write_text(sysconfig.get_path("purelib"))
        python = f"{folder}/venv/bin/python"
        install = ["--no-deps", "--ignore-installed"] if shared else ["-c", CONSTRAINTS]
        session.run(python, "-m", "pip", "install", "-q", *install, wheel, external=True)
        with session.chdir(folder):
            session.run(python, "-I", probe, str(Path(CONSTRAINTS).parent), external=True)


@nox.session
def lock(session: nox.Session) -> None:
    """Write down the digest of every file that pip takes on this kind of machine."""
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.json"
        look = ("pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", report)
        session.run(*look, "-c", CONSTRAINTS, "-e", ".[dev]")
        LOCK.write_text(str(session.run("python", ".ci/lock.py", report, silent=True)))


@nox.session
def plugins(session: nox.Session) -> None:
    """Test every plugin against the core's wheel, in a fresh environment of known digests."""
    if LOCK.is_file():
        session.install("--no-deps", "--no-compile", "--require-hashes", "-r", str(LOCK))
    else:
        session.install("-c", CONSTRAINTS, ".[dev]")
        session.run("pip", "uninstall", "-q", "-y", "pixelrl")
    session.install("-c", CONSTRAINTS, "build", "hatchling")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
        session.install("--no-deps", str(next(Path(folder).glob("*.whl"))))
    for plugin in sorted(path.parent for path in Path("plugins").glob("*/pyproject.toml")):
        session.install("-c", CONSTRAINTS, "--no-deps", "--no-build-isolation", str(plugin))
        # Away from the checkout, so that the wheel is what is tested.
        with session.chdir(tempfile.gettempdir()):
            session.run("pytest", os.fspath(Path(CONSTRAINTS).parent / plugin / "tests"))


@nox.session
def demo(session: nox.Session) -> None:
    """Build the demo page into build/demo; serve it with python -m http.server -d build/demo."""
    install(session)
    package = Path("build") / "onnxruntime-web"
    package.mkdir(parents=True, exist_ok=True)
    session.run(
        "npm", "pack", f"onnxruntime-web@{RUNTIME}", "--pack-destination", "build", external=True
    )
    with tarfile.open(Path("build") / f"onnxruntime-web-{RUNTIME}.tgz") as archive:
        archive.extractall(package, filter="data")
    session.run("python", "docs/build_demo.py", str(package / "package"), "build/demo")
