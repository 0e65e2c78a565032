"""XML from outside: no document type, no entity, no network, and never a text in two parts."""

from typing import Any

from portal.saml.extra import saml_available

if saml_available():
    from lxml import etree

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
MOST_BYTES = 256 * 1024

Element = Any  # of lxml, which brings no types


class SamlFailed(Exception):
    """What a provider wrote proves nothing; the words read on after its name."""


def parse(data: bytes, *, comments: bool = False) -> Element:
    """The root of a document. Comments are refused, or left out where they do no harm.

    A comment parts a text in two, and whoever reads the first part alone reads another name.
    Raises SamlFailed.
    """
    if len(data) > MOST_BYTES:
        raise SamlFailed("its XML is too large")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=comments,
        remove_pis=comments,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError):
        raise SamlFailed("its XML is not to be understood") from None
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None:
        raise SamlFailed("its XML has a document type, which is not allowed")
    if next(root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise SamlFailed("its XML has comments or instructions, which are not allowed")
    return root


def alone(element: Element) -> Element:
    """A document of this element only, so that nothing around it counts. Raises SamlFailed."""
    return parse(etree.tostring(element, with_tail=False))


def write(root: Element) -> bytes:
    """The document as UTF-8."""
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def make(tag: str, **attributes: str) -> Element:
    """A new element."""
    return etree.Element(tag, attributes)


def add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """A new element at the end of `parent`."""
    made = etree.SubElement(parent, tag, attributes)
    made.text = text or None
    return made


def text_of(element: Element | None) -> str:
    """The text of an element that has nothing else in it; empty where it has, or is not there."""
    if element is None or len(element):
        return ""
    return str(element.text or "").strip()


def only(parent: Element, tag: str) -> Element:
    """The one child of this name. Raises SamlFailed where there are none or several."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise SamlFailed(f"its answer needs one {tag.rpartition('}')[2]}, and has {len(found)}")
    return found[0]
