import lucide
import pytest
from django.template import Context, Template


def render(text, **context):
    return Template("{% load ui %}" + text).render(Context(context))


def test_an_icon_beside_a_word_is_hidden_from_screen_readers():
    html = render('{% icon "clock" %}')
    assert 'aria-hidden="true"' in html
    assert 'width="16"' in html


def test_an_icon_alone_has_an_escaped_label():
    html = render('{% icon "x" label=label %}', label='Close "it" <now>')
    assert 'role="img"' in html
    assert "<now>" not in html
    assert "&lt;now&gt;" in html


def test_an_unknown_icon_fails_at_once():
    with pytest.raises(lucide.IconDoesNotExist):
        render('{% icon "no-such-icon" %}')


def test_a_tag_is_icon_word_and_colour():
    html = render('{% tag "ok" "check" word %}', word="<b>Approved</b>")
    assert 'class="tag ok"' in html
    assert "<svg" in html
    assert "&lt;b&gt;Approved" in html


def test_a_tag_refuses_an_unknown_colour():
    with pytest.raises(ValueError, match="violet"):
        render('{% tag "violet" "check" "x" %}')


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("pay\u202egnp.exe", "pay⟨U+202E⟩gnp.exe"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("red\x1b[31m", "red⟨U+001B⟩[31m"),
        ("<script>", "&lt;script&gt;"),
        (None, ""),
    ],
)
def test_hidden_characters_are_made_visible_and_markup_stays_text(hostile, shown):
    assert render("{{ outside|visible }}", outside=hostile) == shown


@pytest.mark.parametrize(
    ("name", "letters"), [("Maria Costa", "MC"), ("ana", "A"), ("Jo van der Berg", "JB"), ("", "")]
)
def test_initials(name, letters):
    assert render("{{ name|initials }}", name=name) == letters
