"""The parts of an assertion whose signature was verified."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.saml.xml import ASSERTION, PERSISTENT, Element, SamlFailed, only, text_of

LEEWAY = timedelta(seconds=60)  # two clocks may differ
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_CONDITIONS = {
    f"{ASSERTION}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
}


@dataclass(frozen=True)
class Said:
    """Who it is, and the texts of each attribute by its name."""

    subject: str
    attributes: dict[str, list[str]]


def check_conditions(assertion: Element, audience: str, at: datetime) -> None:
    """It is for this portal and counts now. Raises SamlFailed."""
    conditions = only(assertion, f"{ASSERTION}Conditions")
    if not {child.tag for child in conditions} <= _CONDITIONS:
        raise SamlFailed("its assertion has a condition that is unknown here")
    restrictions = conditions.findall(f"{ASSERTION}AudienceRestriction")
    audiences = [
        {text_of(one) for one in each.findall(f"{ASSERTION}Audience")} for each in restrictions
    ]
    if not audiences or not all(audience in each for each in audiences):
        raise SamlFailed("its assertion is for another program")
    _check_begun(conditions.get("NotBefore"), at)
    _check_begun(assertion.get("IssueInstant"), at)
    _check_not_over(conditions.get("NotOnOrAfter"), at)
    statements = assertion.findall(f"{ASSERTION}AuthnStatement")
    if not statements:
        raise SamlFailed("its assertion says nothing of a sign-in")
    for statement in statements:
        _check_not_over(statement.get("SessionNotOnOrAfter"), at)


def check_confirmed(assertion: Element, recipient: str, request_id: str, at: datetime) -> None:
    """Whoever brings it is its subject: here, for this very sign-in, now. Raises SamlFailed."""
    subject = only(assertion, f"{ASSERTION}Subject")
    for confirmation in subject.findall(f"{ASSERTION}SubjectConfirmation"):
        data = confirmation.find(f"{ASSERTION}SubjectConfirmationData")
        if confirmation.get("Method") != _BEARER or data is None:
            continue
        if data.get("Recipient") != recipient:
            raise SamlFailed("its assertion is for another address")
        if data.get("InResponseTo") != request_id:
            raise SamlFailed("its assertion is of another sign-in")
        if data.get("NotOnOrAfter") is None or data.get("NotBefore") is not None:
            raise SamlFailed("its assertion does not end as it has to")
        _check_not_over(data.get("NotOnOrAfter"), at)
        return
    raise SamlFailed("its assertion is for nobody to bring")


def attributes_of(assertion: Element) -> dict[str, list[str]]:
    """The texts of each attribute; one that is named twice has the texts of both."""
    found: dict[str, list[str]] = {}
    for attribute in assertion.iterfind(f"{ASSERTION}AttributeStatement/{ASSERTION}Attribute"):
        values = [text_of(one) for one in attribute.findall(f"{ASSERTION}AttributeValue")]
        found.setdefault(str(attribute.get("Name")), []).extend(filter(None, values))
    return found


def read_subject(
    assertion: Element, attributes: dict[str, list[str]], attribute: str, names: tuple[str, str]
) -> str:
    """The one text of `attribute` or, where it is empty, the persistent NameID.

    `names` are those of the provider and of this portal there. Raises SamlFailed.
    """
    if attribute:
        values = attributes.get(attribute, [])
        if len(values) != 1:
            raise SamlFailed("it names nobody: the attribute of the subject needs one value")
        return values[0]
    name = only(only(assertion, f"{ASSERTION}Subject"), f"{ASSERTION}NameID")
    if name.get("Format") != PERSISTENT:
        raise SamlFailed("it names nobody for good: its NameID is not persistent")
    qualifiers = (name.get("NameQualifier", names[0]), name.get("SPNameQualifier", names[1]))
    if qualifiers != names:
        raise SamlFailed("it names somebody of another provider")
    return text_of(name)


def _check_begun(written: str | None, at: datetime) -> None:
    if written is not None and at + LEEWAY < _time(written):
        raise SamlFailed("its assertion does not count yet: compare the clocks")


def _check_not_over(written: str | None, at: datetime) -> None:
    if written is not None and _time(written) <= at - LEEWAY:
        raise SamlFailed("its assertion is out of date")


def _time(written: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise SamlFailed("its assertion has a time that is none") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
