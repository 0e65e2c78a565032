"""Conditions and documents that mean harm, each with what is said to it.

The answer is a part of the problem, with its place for a document; or TAKEN, where the text is
valid and only has to be harmless.
"""

from tests.unit.policies.builders import HEAD

TAKEN = ""
SHOP = HEAD.format(name="shop")
SLOW = "ms with the largest facts"


def _rules(when: str, count: int = 200, effect: str = "deny: No.") -> str:
    lines = [f"  - {{id: r{n}, when: {when!r}, {effect}}}\n" for n in range(count)]
    return SHOP + "rules:\n" + "".join(lines)


def _chain(link: str, count: int = 200) -> str:
    links = [f"  a{n}: {link.format(f'a{n - 1}')}\n" for n in range(1, count)]
    return SHOP + "define:\n  a0: git.signed\n" + "".join(links)


def _balanced(left: str, operator: str, depth: int) -> str:
    for _ in range(depth):
        left = f"({left} {operator} {left})"
    return left


CONDITIONS = {
    "open brackets": ("(" * 3_999, "recursion"),
    "balanced brackets": ("(" * 1_900 + "true" + ")" * 1_900, "recursion"),
    "lists in lists": ("[" * 1_900 + "]" * 1_900 + " == []", "recursion"),
    "choices in choices": ("(git.signed?" * 200 + "true" + ":true)" * 200, "recursion"),
    "choices in a row": ("git.signed ? true : " * 190 + "false", "recursion"),
    "loops in loops": ("git.paths.exists(a," * 190 + "true" + ")" * 190, "recursion"),
    "not not not": ("!" * 3_980 + "git.signed", TAKEN),
    "minus minus": ("1 == " + "-" * 3_900 + "1", TAKEN),
    "a long or": ("git.signed" + "||git.signed" * 320, TAKEN),
    "many dots": ("git" + ".x" * 1_900, "recursion"),
    "long name": ("g" * 3_990, "unknown name"),
    "one character too many": ("true" + " " * 3_997, "too long"),
    "open quote": ("'" + "x" * 3_000, "Syntax error"),
    "huge number": ("1" * 3_900 + " == 1", "invalid int"),
    "huge double": ("1e" + "9" * 3_900 + " > 1.0", TAKEN),
    "endless double": ("0." + "1" * 3_900 + " > 1.0", TAKEN),
    "overflow": ("9223372036854775807 + time.hour > 0", TAKEN),
    "the smallest number divided": ("(-9223372036854775807 - 1) / -1 > 0", TAKEN),
    "the smallest number modulo": ("(-9223372036854775807 - 1) % -1 == 0", TAKEN),
    "division by zero": ("time.hour / 0 == 1 || time.hour % 0 == 1", TAKEN),
    "infinite as a whole number": ("int(1e308 * 1e308) == 0 || int(0.0 / 0.0) == 0", TAKEN),
    "index out of everything": ("git.paths[9223372036854775807] == git.paths[-1]", TAKEN),
    "regex bomb of counts": (r"git.head.matches('((a{1,900}){1,900}){1,900}')", "729000000 parts"),
    "regex of a huge program": (r"git.head.matches('(\\pL\\pN){450}')", "too large"),
    "regex that backtracks": ("git.head.matches('(x+x+)+y' + '')", "must be a literal"),
    "regex that forgets nothing": ("git.head.matches('(y.{1,60}){1,4}z')", TAKEN),
    "regexes that forget nothing": (
        " || ".join(f"git.head.matches('(y.{{1,60}}){{1,4}}{n}')" for n in range(3)),
        SLOW,
    ),
    "regex that repeats too much": ("git.head.matches('(y.{1,200}){1,4}z')", "805 parts"),
    "regex over all paths": ("git.paths.exists(p, p.matches('y.{20}z'))", SLOW),
    "regex over all paths again": ("git.paths.exists(p, p.matches('^(x+x+)+z$'))", TAKEN),
    "regex in a loop in a loop": (
        "git.paths.exists(p, git.authors.exists(a, git.head.matches('(x+x+)+z')))",
        SLOW,
    ),
    "regex of backreferences": (r"git.head.matches('(x)\\1')", "invalid escape"),
    "two loops over two thousand": ("git.paths.all(a, git.paths.all(b, a != b + 'z'))", SLOW),
    "two plain loops": ("git.paths.exists(a, git.authors.exists(b, a != b && a == ''))", TAKEN),
    "three loops": (
        "git.paths.all(a, git.paths.all(b, git.paths.all(c, a != b)))",
        "at most 2 loops",
    ),
    "a list looked up in a loop": ("git.paths.all(a, git.authors.all(b, a in git.paths))", SLOW),
    "lists compared in a loop": ("git.paths.exists(p, git.paths != git.paths)", TAKEN),
    "lists copied in a loop": ("git.paths.exists(p, git.paths + ['x'] == git.authors)", SLOW),
    "a list put to itself": (_balanced("git.paths", "+", 4) + ".size() == 1", TAKEN),
    "a list put to itself often": (_balanced("git.paths", "+", 7) + ".size() == 1", SLOW),
    "a loop over a list put to itself": (
        f"{_balanced('git.paths', '+', 3)}.exists(p, p == 'z')",
        TAKEN,
    ),
    "a text put to itself": (_balanced("git.head", "+", 7) + " == ''", TAKEN),
    "a text put together in a loop": ("git.paths.exists(p, p + git.head + git.head == '')", SLOW),
    "text searched in a loop": ("git.paths.exists(p, git.head.contains(git.subject + 'z'))", SLOW),
    "text searched for itself": ("git.paths.exists(p, p.contains(p + 'z'))", TAKEN),
    "all paths matched in a loop": ("git.paths.exists(p, matches_path(git.paths, '**/z'))", SLOW),
    "path of many stars": (f"matches_path(git.paths, '{'*x' * 60}z')", TAKEN),
    "path of many segments": (f"matches_path(git.paths, '**/{'x/' * 90}**')", SLOW),
    "NUL": ("git.head == 'a\0b'", "NUL"),
    "NUL as an escape": (r"git.head == 'a\000b'", "NUL"),
    "surrogate": ("git.head == '\ud800'", "U+D800 is not a character"),
    "surrogate as an escape": (r"git.head == '\ud800'", "ud800 is invalid"),
    "homoglyph": ("gіt.signed", "Syntax error"),
    "text direction": ("git.signed \u202e|| true", "Syntax error"),
    "zero width": ("git.sig\u200bned", "Syntax error"),
    "byte order mark": ("\ufeffgit.signed", "Syntax error"),
    "wide spaces": ("git.signed\u3000|| true", "Syntax error"),
    "comment that ends the line": ("git.signed // && false\r|| true", TAKEN),
    "comment of another language": ("git.signed /* || true */", "Syntax error"),
    "dyn": ("dyn(git.head) == 1", "dyn"),
    "has": ("has // a comment\n(git.signed)", "has() is not supported"),
    "map": ("git.paths.map(p, p + p).size() == 1", "only exists"),
    "filter": ("git.paths.filter(p, true).size() == 1", "only exists"),
    "type confusion": ("git.signed == 1 || git.head < 2", "cannot be used with"),
    "a choice of two types": ("(git.signed ? 1 : 'a') == 1", "cannot be used with"),
    "time": ("timestamp('9999-12-31T23:59:59Z') > timestamp('0001-01-01T00:00:00Z')", "timestamp"),
    "duration": ("duration('99999999999h') > duration('1ns')", "duration"),
    "message": ("google.protobuf.Value{} == google.protobuf.Value{}", "not supported"),
}

DOCUMENTS = {
    "billion laughs": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "line 1, column 4: anchors"),
    "alias to itself": ("a: &a [*a]\n", "line 1, column 4: anchors"),
    "merge key": (SHOP + "<<: {hold: [git.head]}\n", "line 5, column 1: unknown key '<<'"),
    "tag that runs": ("policy: !!python/object/apply:os.system [id]\n", "line 1, column 9: tags"),
    "two documents": (SHOP + "---\n" + SHOP, "line 5, column 1: one document a file"),
    "duplicate key": (SHOP + "policy: other\n", "line 5, column 1: 'policy' is there twice"),
    "flow lists in lists": ("a: " + "[" * 30_000, "line 1, column 16: nested deeper"),
    "block lists in lists": ("- " * 30_000, "line 1, column 27: nested deeper"),
    "maps as keys": ("{" * 30_000, "line 1, column 14: nested deeper"),
    "many small items": ("a: [" + "x," * 30_000 + "]", "at most 10000"),
    "many empty keys": ("{" + ",".join(f"{n}: " for n in range(9_000)) + "}", "at most 10000"),
    "many unknown keys": (
        SHOP + "".join(f"decide_withim{n}: 1\n" for n in range(3_000)),
        "line 5, column 1: unknown key 'decide_withim0' in the policy; did you mean",
    ),
    "many unknown facts": (
        SHOP + "hold: [" + ",".join(f"git.hxad{n}" for n in range(5_000)) + "]\n",
        "line 5, column 8: unknown fact 'git.hxad0'; did you mean 'git.head'?",
    ),
    "many groups": (
        SHOP.replace("anyone", ",".join(f"g{n}" for n in range(8_000))),
        TAKEN,
    ),
    "many definitions": (_chain("{0}", 3_000), "line 6, column 3: too many definitions"),
    "many rules": (_rules("true", 900), "line 6, column 3: too many rules"),
    "long key": (f"? {'k' * 60_000}\n: v\n", "unknown key"),
    "long plain text": ("a: " + "x " * 32_000, "unknown key"),
    "text of escapes": ('a: "' + "\\x41" * 16_000 + '"', "unknown key"),
    "only comments": ("#\n" * 32_000, "line 1, column 1: the document is empty"),
    "just small enough": (SHOP + "#" * (65_536 - len(SHOP)), TAKEN),
    "one byte too large": (SHOP + "#" * (65_537 - len(SHOP)), "at most 64 KiB"),
    "large in bytes only": ("é" * 40_000, "at most 64 KiB"),
    "NUL": (SHOP.replace("shop", "sh\0op"), "line 1, column 11: the character U+0000"),
    "surrogate": (SHOP.replace("shop", "sh\ud800op"), "not valid Unicode"),
    "byte order mark": ("\ufeff" + SHOP, TAKEN),
    "line ends of another system": (SHOP.replace("\n", "\r\n"), TAKEN),
    "line ends of old": (SHOP.replace("\n", "\r"), TAKEN),
    "indented with tabs": (SHOP + "rules:\n\t- id: a\n", "indent with spaces"),
    "homoglyph in an id": (SHOP.replace("shop", "shоp"), "line 1, column 9: policy must be"),
    "homoglyph in a key": (SHOP.replace("facts", "fаcts"), "unknown key 'fаcts'"),
    "text direction in an id": (
        SHOP.replace("shop", "sh\u202eop"),
        "line 1, column 9: policy must",
    ),
    "homoglyph in a group": (SHOP.replace("anyone", "аnyone"), "approver group"),
    "chain of definitions that doubles": (_chain("{0} && {0} || !{0}"), TAKEN),
    "chain of definitions that loops": (
        _chain("{0} && git.paths.exists(p, p == git.head)"),
        "all conditions up to here could take",
    ),
    "definitions in a ring": (
        SHOP + "define:\n  a: b\n  b: a\n",
        "line 6, column 6: 'b' is defined",
    ),
    "many loops": (_rules("git.paths.exists(p, p == git.head)"), "all conditions up to here"),
    "as many loops as are taken": (_rules("git.paths.exists(p, p == git.head)", 75), TAKEN),
    "many regular expressions": (
        _rules("git.head.matches('y.{100}z')", 100),
        "all conditions up to here",
    ),
    "regular expressions that are too large": (
        _rules(r"git.head.matches('(\\pL\\pN){450}')", 100),
        "the regular expression is too large",
    ),
    "regular expressions that are nearly too large": (
        _rules(r"git.head.matches('\\pL(y.{40}){3}z')"),
        "all conditions up to here",
    ),
    "regular expressions over all scripts": (
        _rules(r"git.head.matches('\\pL\\pN')"),
        "all conditions up to here",
    ),
    "many mistakes in a condition": (
        _rules(" || ".join(f"git.sxgned{n}" for n in range(14))),
        "did you mean 'git.signed'?",
    ),
    "sentences full of facts": (_rules("true", 60, f"deny: '{'{git.subject}' * 35}'"), TAKEN),
    "sentence of open braces": (_rules("true", 1, f"deny: '{'{' * 400}a'"), TAKEN),
    "sentence of many braces": (_rules("true", 1, "deny: '{{{git.head}}'"), "single brace"),
    "sentence with a format": (_rules("true", 1, "deny: '{git.head.__class__}'"), "unknown fact"),
}
