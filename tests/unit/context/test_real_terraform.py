"""Plans that Terraform itself makes, offline; skipped where it is not installed."""

import os
import shutil
import subprocess

import pytest

from approvals.context.plans import parse_exactly, read_plan

TERRAFORM = shutil.which("terraform")
pytestmark = pytest.mark.skipif(not TERRAFORM, reason="Terraform is not installed here")

BEFORE = """
variable "password" {
  default   = "s3cr3t-hunter2"
  sensitive = true
}
resource "terraform_data" "kept" {
  input            = { ratio = 1.5, number = 12345678901234567890 }
  triggers_replace = []
}
resource "terraform_data" "many" {
  for_each = toset(["blue", "gr\\"een"])
  input    = each.key
}
output "password" {
  value     = var.password
  sensitive = true
}
"""
AFTER = (
    BEFORE.replace("hunter2", "hunter3")
    .replace(', "gr\\"een"', "")
    .replace("triggers_replace = []", "triggers_replace = [1]")
)


@pytest.fixture
def terraform(tmp_path):
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1",
    }  # fmt: skip

    def run(*arguments):
        done = subprocess.run(
            [TERRAFORM, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        return done.stdout

    def plan(text, name):
        (tmp_path / "main.tf").write_text(text)
        run("plan", "-input=false", f"-out={name}")
        return run("show", "-json", name)

    (tmp_path / "main.tf").write_text(BEFORE)
    run("init", "-input=false")
    run.plan = plan
    return run


def test_two_equal_plans_have_one_digest_and_what_they_do_is_counted(terraform):
    first, again = (terraform.plan(BEFORE, name) for name in ("one", "two"))
    again = again.replace(b'"timestamp":"2', b'"timestamp":"3')
    assert first != again
    made = read_plan(parse_exactly(first))
    assert made == read_plan(parse_exactly(again))
    assert (made.adds, made.changes, made.destroys) == (3, 0, 0)
    assert made.sensitive_outputs
    terraform("apply", "two")
    moved = read_plan(parse_exactly(terraform.plan(AFTER, "three")))
    assert (moved.adds, moved.changes, moved.destroys, moved.replaces) == (1, 0, 2, 1)
    assert moved.destroyed == ("terraform_data.kept", 'terraform_data.many["gr\\"een"]')
    assert moved.resource_types == ("terraform_data",)
    assert "s3cr3t" not in repr(moved)
