"""Sign-in names taken at the same moment, in another case."""

from django.db.models.functions import Lower

from portal.accounts.models import User
from portal.accounts.people import change_person
from portal.kernel.errors import Invalid
from tests.factories import person
from tests.races.together import errors, together

REPEAT = 4


def test_one_of_two_people_gets_a_name_that_differs_in_case_only(who):
    for number in range(REPEAT):
        results = together(
            lambda number=number: person(who.admin, "Nina", f"nina{number}"),
            lambda number=number: person(who.admin, "Nina", f"NINA{number}"),
        )
        assert errors(results) == ["Invalid"]
        _said_beside_the_name(results)
        assert User.objects.filter(username__iexact=f"nina{number}").count() == 1


def test_one_of_two_people_is_renamed_to_a_name_that_differs_in_case_only(who):
    for number in range(REPEAT):
        results = together(
            lambda number=number: change_person(
                by=who.admin, person=who.alice, username=f"nina{number}"
            ),
            lambda number=number: change_person(
                by=who.admin, person=who.bob, username=f"NINA{number}"
            ),
        )
        assert errors(results) == ["Invalid"]
        _said_beside_the_name(results)
    names = User.objects.annotate(plain=Lower("username")).values_list("plain", flat=True)
    assert len(set(names)) == len(names)


def _said_beside_the_name(results):
    refusal = next(result.error for result in results if result.error)
    assert isinstance(refusal, Invalid)
    assert refusal.extra["errors"][0]["field"] == "username"
    assert "already" in refusal.sentence
