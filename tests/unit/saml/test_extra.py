"""The extra `saml` may be missing: everything is imported all the same, and says so."""

import subprocess
import sys

WITHOUT = """
import sys
sys.modules.update(signxml=None, lxml=None)
from portal.saml import assertion, metadata, request, response, signature, xml
from portal.saml.extra import saml_available
print(saml_available())
"""


def test_without_the_extra_all_is_imported_and_says_so():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")
