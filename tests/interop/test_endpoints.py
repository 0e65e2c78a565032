"""Go's own verifier accepts what the portal's addresses of the log give, and nothing changed."""

from base64 import b64decode
from functools import cache

import pytest
from django.test import Client

from portal.access import grant_role
from portal.access.models import Organisation
from portal.kernel import key_files
from portal.ledger.note import checkpoint_of, key_of
from portal.ledger.tile_paths import Tile, path_of, unbundled
from portal.ledger.tree import TILE_WIDTH, tile_width
from portal.sealer.key import new_pem
from tests.factories import person
from tests.integration.sealing.test_proofs import seal_portal, write_entry
from tests.interop.copies import copy_of, go_judges

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def get(who, client):
    """What an address of the log gives to an auditor."""
    auditor = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=auditor, role="auditor", target=Organisation.objects.get())
    client.force_login(auditor)

    def read(address):
        answer = client.get(f"/log/{address}")
        assert answer.status_code == 200, address
        return answer

    return read


def copied(get, note, earlier, keys):
    """A copy of the whole log, made from its addresses alone."""
    found, before = checkpoint_of(note), checkpoint_of(earlier)

    @cache
    def tile(level, index, width):
        return get(path_of(Tile(level, index, width))).content

    entries = []
    for index in range((found.size - 1) // TILE_WIDTH + 1):
        entries += unbundled(tile(None, index, tile_width(0, index, found.size)))
    copy = copy_of(
        found.size, tile, entries, Origin=found.origin, Keys=keys, Checkpoint=note, Earlier=earlier
    )
    proof = get(f"proof/consistency?old={before.size}&new={found.size}").json()
    last = get(f"proof/inclusion?index={found.size - 1}&size={found.size}").json()
    copy["Consistency"] = [b64decode(one) for one in proof["hashes"]]
    copy["Entries"][-1]["Proof"] = [b64decode(one) for one in last["hashes"]]
    return copy


def test_go_follows_the_log_by_either_key_while_one_follows_the_other(get, tmp_path):
    path = tmp_path / "key.pem"
    write_entry()
    seal_portal(path)
    earlier = get("checkpoint").content.decode()
    key_files.rotate(path, new_pem())
    write_entry()
    seal_portal(path)
    note = get("checkpoint").content.decode()
    about = Client().get("/.well-known/countersign/log.json").json()
    first, second = [one["vkey"] for one in about["keys"]][-2:]
    by_first = copied(get, note, earlier, [first])
    by_second = {**by_first, "Keys": [second], "Earlier": ""}
    rewritten = {**by_first, "Entries": [*by_first["Entries"]]}
    rewritten["Entries"][0] = {**rewritten["Entries"][0], "Leaf": b"another past"}
    key_files.finish(path)
    write_entry()
    seal_portal(path)
    alone = get("checkpoint").content.decode()
    after = copied(get, alone, note, [second])
    followed = get(f"checkpoint?key={key_of(first).id.hex()}").content.decode()
    assert followed == note, "who knows the first key only finds the note that both signed"
    judged = go_judges(by_first, by_second, after, {**after, "Keys": [first]}, rewritten)
    assert [one.partition(":")[0] for one in judged] == ["accepted"] * 3 + ["refused"] * 2
