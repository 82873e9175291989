"""The programs under test come from --programs; without it the tests that run them are skipped, and say so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import redoubt  # noqa: E402
from stage import Stage  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--programs", default="", help="folder of redoubt, redoubt-hub and redoubt-cleanroom")


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Path:
    given = request.config.getoption("--programs")
    if not given:
        pytest.skip("no --programs: the real programs are not here")
    return Path(given).resolve()


@pytest.fixture(scope="session")
def program(programs: Path) -> redoubt.Program:
    return redoubt.Program(programs / "redoubt")


@pytest.fixture(scope="session")
def stage(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(programs, tmp_path_factory.mktemp("stage"))
    try:
        yield stage
    finally:
        stage.close()
