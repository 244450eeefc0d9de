"""A small XML tree with line numbers, without anything that lets a file of bytes become gigabytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from cg_data.errors import FileError

_DEPTH, _ELEMENTS = 32, 200_000


@dataclass(slots=True)
class Node:
    """An element: tag, line, its own text, and children in order; attributes are not kept."""

    tag: str
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> list[Node]:
        """Return the children of that tag."""
        return [child for child in self.children if child.tag == tag]

    def find(self, path: str) -> Node | None:
        """Return the first descendant along `a/b/c`, None if there is none."""
        here: Node | None = self
        for tag in path.split("/"):
            here = next((c for c in here.children if c.tag == tag), None) if here else None
        return here

    def value(self, path: str, default: str = "") -> str:
        """Return the stripped text along a path, `default` if there is none."""
        found = self.find(path)
        return found.text.strip() if found else default


def parse_xml(text: str, path: str | Path) -> Node:
    """Return the root element; FileError for malformed XML, any DOCTYPE or entity, or a tree too deep or large."""
    builder = _Builder(path)
    try:
        builder.parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "") or expat.ErrorString(error.code)
        raise FileError(path, f"is not well-formed XML ({reason})", line=error.lineno,
                        remedy="correct the XML: every element closed, one root") from None  # fmt: skip
    return builder.root[0]


class _Builder:
    """Collects the tree while expat reads; expat calls back, so the state lives here."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.root: list[Node] = []
        self.open: list[Node] = []
        self.pieces: list[list[str]] = []
        self.count = 0
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.StartDoctypeDeclHandler = self.doctype

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        line = self.parser.CurrentLineNumber
        if len(self.open) >= _DEPTH or self.count > _ELEMENTS:
            raise FileError(self.path, f"has more than {_DEPTH} nested or {_ELEMENTS} elements", line=line,
                            remedy="is this the right file?")  # fmt: skip
        node = Node(tag, line)
        (self.open[-1].children if self.open else self.root).append(node)
        self.open.append(node)
        self.pieces.append([])

    def end(self, tag: str) -> None:
        self.open.pop().text = "".join(self.pieces.pop())

    def data(self, text: str) -> None:
        self.pieces[-1].append(text)

    def doctype(self, *declaration: object) -> None:
        raise FileError(self.path, "declares a DOCTYPE", line=self.parser.CurrentLineNumber,
                        remedy="delete it; entities are not expanded here")  # fmt: skip
