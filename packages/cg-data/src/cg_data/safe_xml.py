"""Parsing XML from strangers: no entities, no document types, bounded size and depth."""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from cg_data.errors import FileError
from cg_data.safe_files import sized_file

XML_BYTES = 4 * 2**20
_DEPTH = 50
_ELEMENTS = 100_000


class Element:
    """One XML element: its name, the line it starts on, its text and its children."""

    __slots__ = ("children", "line", "name", "text")

    def __init__(self, name: str, line: int) -> None:
        self.name, self.line, self.text, self.children = name, line, "", list[Element]()

    def find(self, path: str) -> Element | None:
        """Return the first descendant along `a/b/c`, None if there is none."""
        here: Element | None = self
        for name in path.split("/"):
            here = next((c for c in here.children if c.name == name), None) if here else None
        return here

    def all(self, name: str) -> list[Element]:
        """Return the children of that name."""
        return [c for c in self.children if c.name == name]

    def value(self, path: str, default: str = "") -> str:
        """Return the stripped text along a path, `default` if there is none."""
        found = self.find(path)
        return found.text.strip() if found else default


def read_xml(path: str | Path, *, root: str, what: str) -> Element:
    """Return the root element of an XML file; FileError unless it is well-formed, harmless and named `root`."""
    data = sized_file(path, max_bytes=XML_BYTES, what=what).read_bytes()
    top = Element("", 0)
    stack = [top]
    count = 0
    parser = expat.ParserCreate()

    def fail(problem: str, remedy: str) -> FileError:
        return FileError(path, problem, line=parser.CurrentLineNumber, remedy=remedy)

    def start(name: str, _: object) -> None:
        nonlocal count
        count += 1
        if len(stack) > _DEPTH or count > _ELEMENTS:
            raise fail("is nested too deep or has too many elements", f"is this really a {what}?")
        element = Element(name, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def text(characters: str) -> None:
        stack[-1].text += characters

    def refuse(*_: object) -> None:
        raise fail("declares a document type or an entity", "remove the <!DOCTYPE …> and its entities")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise FileError(path, f"is not well-formed XML ({expat.ErrorString(error.code)})", line=error.lineno,
                        remedy="close every element") from None  # fmt: skip
    except (ValueError, LookupError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(path, f"is not readable XML ({error})", remedy="save it as UTF-8") from None
    found = top.children[0]
    if found.name != root:
        raise FileError(path, f"its root is <{found.name[:40]}>, expected <{root}>", line=found.line,
                        remedy=f"give a {what}")  # fmt: skip
    return found
