"""One running portal for the journeys of an xdist worker, and a team lead who decides."""

import shutil

import pytest

from tests.journeys.person import Person
from tests.journeys.portal import CLIENTS, PYTHON, running_portal
from tests.pythons import oldest_python

SHELL_CLIENT = str(CLIENTS / "countersign.sh")


@pytest.fixture(scope="package")
def portal():
    """The portal; package, not session: it is gone before the worker goes on to other tests."""
    with running_portal() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left_waiting(portal):
    """Every journey begins and ends with an empty queue."""
    yield
    portal.end_runs()


@pytest.fixture(scope="package")
def maria(portal):
    """Maria leads a team: she may decide on what the shop asks."""
    return Person(portal, "maria")


@pytest.fixture(params=["python", "python3.8", "dash", "busybox"])
def program(request):
    """Each client, in each interpreter that is promised and found here."""
    if request.param == "python":
        return PYTHON
    if request.param == "python3.8":
        return (oldest_python(), *PYTHON[1:])
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"{request.param} is not installed here")
    return (shell, *(["sh"] if request.param == "busybox" else []), SHELL_CLIENT)
