"""Ways to sign in that two browsers make or use at the same moment."""

from allauth.mfa.models import Authenticator

from portal.accounts.factors import add_app, renew_codes
from portal.accounts.invitations import accept_invitation, invite_person
from portal.accounts.models import User
from tests.races.together import errors, together

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_an_invitation_opened_twice_lets_one_in(who):
    nina = {"username": "nina", "name": "Nina", "email": "nina@example.com"}
    _invitation, secret = invite_person(by=who.admin, **nina)
    results = together(
        *(
            lambda number=number: accept_invitation(secret=secret, password=f"passphrase-{number}")
            for number in "12"
        )
    )
    assert errors(results) == ["Gone"]
    (won,) = (number for number, result in zip("12", results, strict=True) if result.value)
    assert User.objects.get(username="nina").check_password(f"passphrase-{won}")


def test_one_app_is_added_and_a_recovery_code_counts_once(who):
    results = together(*[lambda: add_app(person=who.alice, secret=SECRET)] * 2)
    assert errors(results) == ["Conflict"]
    assert Authenticator.objects.filter(user=who.alice).count() == 2, "the app and one set of codes"
    code = renew_codes(person=who.alice)[0]
    codes = Authenticator.objects.get(user=who.alice, type="recovery_codes")
    results = together(*[lambda: codes.wrap().validate_code(code)] * 2)
    assert sorted(result.value for result in results) == [False, True]
