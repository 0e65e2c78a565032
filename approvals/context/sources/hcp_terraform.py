"""What the plan of a run of HCP Terraform (or Terraform Enterprise) would do.

The plan is looked at and not kept: it holds values in clear. HCP Terraform answers with the address
of a store for a minute, which is asked without the token (its API reference, "Plans").
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from approvals.context.connected import ConnectedSource, Field
from approvals.context.fetch import Fetch, NotThere, Refused
from approvals.context.plans import MAX_PLAN, NotAPlan, Plan, parse_exactly, read_plan
from approvals.context.source import Question, SourceFailed
from approvals.context.sources.terraform import facts_of
from portal.kernel.outgoing import Got

LABEL = "terraform-run:"
_RUN = re.compile(r"run-[A-Za-z0-9]{1,64}")
_ELSEWHERE = {
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}


class HcpTerraformSource(ConnectedSource):
    """Reads the plan of the run that the pipeline names by a label."""

    name = "hcp_terraform"
    title = "HCP Terraform"
    help = (
        "What plans in HCP Terraform or Terraform Enterprise would do. A pipeline names its run by "
        "a label, as in terraform-run:run-1234."
    )
    gives = ("terraform",)
    silence = "the run has no such value"
    budget = 10.0
    fields = (
        Field("url", "Address", "url", default="https://app.terraform.io"),
        Field(
            "store",
            "Address of stored plans",
            "url",
            "Where it sends who asks for a plan. Of Terraform Enterprise mostly its own address.",
            default="https://archivist.terraform.io",
            aside=True,
        ),
        Field(
            "token",
            "Token",
            "secret",
            "Of a team with admin permission on the workspace: who reads plans sees what is in "
            "them.",
        ),
    )

    def applies(self, question: Question) -> bool:
        return question.plan is None and bool(_named(question))

    def check(self, fetch: Fetch) -> str:
        found = fetch.unkept("api/v2/account/details", headers=_signed(fetch))
        return f"It answers, and takes the token ({found.status})."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        run = _named(question)
        if not _RUN.fullmatch(run):
            raise SourceFailed(f"the label after {LABEL} is no id of a run (run-...)")
        plan = _plan(_stored(fetch, run))
        named = question.subject.get("plan", "")
        if named and named != plan.digest:
            raise SourceFailed("the plan of the run is not the one that the subject names")
        return facts_of(plan.digest, plan.to_json())


def _named(question: Question) -> str:
    """The run that a label of the request names; of several the first, or empty."""
    found = (label for label in question.labels if label.startswith(LABEL))
    return next(found, "").removeprefix(LABEL)


def _signed(fetch: Fetch) -> dict[str, str]:
    token = fetch.secrets["token"]
    return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.api+json"}


def _stored(fetch: Fetch, run: str) -> Got:
    """The plan as it is stored. The address of the store may only be of the connection's hosts."""
    try:
        got = fetch.unkept(f"api/v2/runs/{run}/plan/json-output", headers=_signed(fetch))
    except NotThere:
        raise SourceFailed(
            "there is no such run, or the token may not read its plan as JSON (404)"
        ) from None
    except Refused as refused:
        address = refused.headers.get("location", "")
        if refused.status not in _ELSEWHERE or not address:
            raise
        got = fetch.unkept(address)
    if got.status == HTTPStatus.NO_CONTENT:
        raise SourceFailed("the run has no finished plan yet")
    return got


def _plan(got: Got) -> Plan:
    if len(got.body) > MAX_PLAN:
        raise SourceFailed(f"the plan has more than {MAX_PLAN // 1024 // 1024} MiB")
    try:
        return read_plan(parse_exactly(got.body))
    except NotAPlan as problem:
        raise SourceFailed(f"the plan of the run cannot be read: {problem}") from None
