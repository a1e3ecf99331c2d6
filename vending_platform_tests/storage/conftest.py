from pathlib import Path

import pytest

from vending_platform.environment import Environment
from vending_platform.storage import LocalPlace, Place, Storage, open_storage
from vending_platform_tests.emulators.aws import EmulatedAws


def storage_of(environment: Environment) -> Storage:
    return open_storage(
        environment.places, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key
    )


@pytest.fixture
def disk(tmp_path: Path) -> LocalPlace:
    (tmp_path / "place").mkdir()
    return LocalPlace(tmp_path / "place")


@pytest.fixture(scope="session")
def staging(aws: EmulatedAws) -> Storage:
    return storage_of(aws.environment())


@pytest.fixture
def bucket(aws: EmulatedAws, staging: Storage) -> Place:
    """Staging's raw place, empty."""
    aws.reset()
    return staging.raw


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    place: Place = request.getfixturevalue(request.param)
    return place
