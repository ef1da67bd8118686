"""Documents point at things that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.tidy import repository

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
MAKE_CALL = re.compile(r"(?:`|^ {4}|\$ )make ([a-z][a-z-]*)", re.MULTILINE)
MAKE_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
DOCUMENTED_TARGET = re.compile(r"^([a-z][a-z-]*):.*## \S", re.MULTILINE)
INTERNAL_TARGETS = {"system-packages"}


def documents() -> list[Path]:
    return [path for path in repository.files() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """Heading anchors as GitHub makes them."""
    found = set()
    for title in HEADING.findall(repository.text(path)):
        plain = re.sub(r"[`*]", "", title).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def test_links_lead_somewhere() -> None:
    broken = []
    for path in documents():
        for target in LINK.findall(repository.text(path)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            linked = (repository.ROOT / path.parent / name).resolve() if name else repository.ROOT / path
            if not linked.exists():
                broken.append(f"{path}: {target}")
            elif anchor and linked.suffix == ".md" and anchor not in anchors(linked.relative_to(repository.ROOT)):
                broken.append(f"{path}: {target} (no such heading)")
    assert not broken, "\n".join(broken)


def test_make_targets_are_documented_and_exist() -> None:
    makefile = repository.text(Path("Makefile"))
    targets = set(MAKE_TARGET.findall(makefile))
    assert targets - set(DOCUMENTED_TARGET.findall(makefile)) == INTERNAL_TARGETS
    for path in documents():
        unknown = set(MAKE_CALL.findall(repository.text(path))) - targets
        assert not unknown, f"{path} calls make {sorted(unknown)}"


def test_every_document_is_reachable_from_the_index() -> None:
    index = Path("docs/README.md")
    seen, todo = set(), [index]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for target in LINK.findall(repository.text(path)):
            name = target.partition("#")[0]
            if name.endswith(".md") and not re.match(r"[a-z]+:", name):
                todo.append((repository.ROOT / path.parent / name).resolve().relative_to(repository.ROOT))
    lost = [str(path) for path in documents() if path.parts[0] == "docs" and path not in seen]
    assert not lost, f"link these from {index} or a page below it: {lost}"


def test_decisions_have_a_number_each_and_are_listed_under_their_titles() -> None:
    pages = [path for path in documents() if path.match("docs/decisions/[0-9]*.md") and path.name[:4] != "0000"]
    assert [path.name[:4] for path in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    index = repository.text(Path("docs/decisions/README.md"))
    for path in pages:
        title = HEADING.findall(repository.text(path))[0]
        assert title.startswith(path.name[:4]), path
        assert f"- [{title}]({path.name})" in index, path
