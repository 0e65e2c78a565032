"""What `ssh-keygen -Y sign` makes is verified, and nothing that only looks like it."""

import shutil
import subprocess
from base64 import b64decode, b64encode

import pytest

from portal.kernel.ssh_signature import BadSignature, signed_by
from tests.ssh import Key, SecurityKey

TEXT = "Link github:11 at github.com to ana.\nOnce: 4f1c\n"
KINDS = {"ed25519": (), "ecdsa": ("-b", "384"), "rsa": ("-b", "2048")}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """One key of each kind: the private file, and the line that a forge publishes."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH is not installed")
    folder = tmp_path_factory.mktemp("ssh")
    found = {}
    for kind, more in KINDS.items():
        path = folder / kind
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "ana@laptop", "-f", path],
            check=True,
        )
        found[kind] = (path, path.with_suffix(".pub").read_text().strip())
    return found


def sign(path, text=TEXT, namespace="countersign", *options):
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", path, "-n", namespace, *options]
    made = subprocess.run(command, input=text, text=True, capture_output=True, check=True)
    return made.stdout


def told(path):
    """The fingerprint as ssh-keygen says it."""
    made = subprocess.run(["ssh-keygen", "-lf", path], text=True, capture_output=True, check=True)
    return made.stdout.split()[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_by_a_published_key_is_good(keys, kind):
    path, line = keys[kind]
    published = ["", "no key", f"ssh-ed25519 {b64encode(b'x' * 9).decode()}", line]
    assert signed_by(TEXT, sign(path), "countersign", published) == told(path)


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_another_text_is_refused(keys, kind):
    path, line = keys[kind]
    with pytest.raises(BadSignature, match="another text"):
        signed_by(TEXT, sign(path, f"{TEXT} "), "countersign", [line])


def test_one_by_a_key_that_is_not_published_is_refused(keys):
    with pytest.raises(BadSignature, match="none of those"):
        signed_by(TEXT, sign(keys["ed25519"][0]), "countersign", [keys["rsa"][1]])


def test_one_made_for_git_is_refused(keys):
    path, line = keys["ed25519"]
    with pytest.raises(BadSignature, match="-n countersign"):
        signed_by(TEXT, sign(path, TEXT, "git"), "countersign", [line])


def test_what_is_cut_turned_or_prolonged_is_refused(keys):
    """Every bit counts, and nothing may follow."""
    path, line = keys["ecdsa"]
    begin, *middle, end = sign(path).strip().split("\n")
    raw = b64decode("".join(middle))
    turned = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in range(0, len(raw), 3)]
    for data in (*turned, raw[:-1], raw + b"\0", b""):
        armored = f"{begin}\n{b64encode(data).decode() or '='}\n{end}\n"
        with pytest.raises(BadSignature):
            signed_by(TEXT, armored, "countersign", [line])


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN PGP SIGNATURE-----", "A" * 20_000])
def test_what_is_no_signature_is_refused(text):
    with pytest.raises(BadSignature, match="whole signature"):
        signed_by(TEXT, text, "countersign", [])


def test_a_security_key_counts_only_when_it_was_touched():
    key = SecurityKey()
    assert signed_by(TEXT, key.sign(TEXT), "countersign", [key.line]).startswith("SHA256:")
    with pytest.raises(BadSignature, match="another text"):
        signed_by(f"{TEXT}!", key.sign(TEXT), "countersign", [key.line])
    untouched = SecurityKey(touched=False)
    with pytest.raises(BadSignature, match="not touched"):
        signed_by(TEXT, untouched.sign(TEXT), "countersign", [untouched.line])


def test_a_signature_made_here_is_like_one_of_openssh():
    key = Key()
    assert signed_by(TEXT, key.sign(TEXT), "countersign", [key.line]).startswith("SHA256:")
