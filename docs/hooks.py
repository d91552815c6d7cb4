"""What mkdocs calls while it builds: pages made from the code, from the plugins and from files beside `docs/`.

No text stands twice: README.md is the home page, a plugin's README.md the middle of its modality's page, and so on.
Links between those files, which are right on disk, are turned into links between pages.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import modality_pages
import reference_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from mt_core.plugins.official import OFFICIAL

ROOT = Path(__file__).parents[1]

INCLUDED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "LICENSE.txt",
    "benchmarks/README.md": "benchmarks.md",
    "core/README.md": "core.md",
    "tools/export/README.md": "exporting.md",
    "tools/pretrain/README.md": "pretraining.md",
    "tools/ray/README.md": "cluster.md",
    "tools/serve/README.md": "serving.md",
}
"""Files beside `docs/`, and what they are called within the site."""

TITLE, VERSIONS = "Versions and contract", "authors/versions.md"
"""A section of CONTRIBUTING.md that authors of plugins need too, and the page that it is."""

PAGES = {
    "CONTRIBUTING.md#versions-and-contract": VERSIONS,
    **INCLUDED,
    "core": "core.md",
    "tools/pretrain": "pretraining.md",
    "tools/ray": "cluster.md",
    "tools/serve": "serving.md",
    "tools/explain/README.md": "explain.md",
    **{f"plugins/{name}/README.md": f"modalities/{name}.md" for name in OFFICIAL},
}
"""What a link on disk may point at, and the page that it is in the site."""

_FENCED = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\|.*$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_TAG = re.compile(r"<[^>]*>")
SAMPLES_PER_IDENTITY = re.compile(
    r"<td><code>(\S*<span[^>]*>\w+,</span>)</code></td>\s*<td>\s*<code>\(?(.*?)\)?</code>\s*</td>"
)
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {page: relinked((ROOT / file).read_text("utf-8"), file, page) for file, page in INCLUDED.items()}
    for name in OFFICIAL:
        page, file = f"modalities/{name}.md", f"plugins/{name}/README.md"
        prose = relinked((ROOT / file).read_text("utf-8"), file, page)
        made[page] = modality_pages.page(name, prose, ROOT / "docs")
    made["modalities/index.md"] = modality_pages.overview(OFFICIAL, ROOT / "docs")
    made[VERSIONS] = relinked(
        section((ROOT / "CONTRIBUTING.md").read_text("utf-8"), TITLE), "CONTRIBUTING.md", VERSIONS
    )
    made |= reference_pages.pages()
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page that lies in `docs/`; those of the others were turned when they were made. Bars in code
    within tables are escaped for other readers of Markdown than this one."""
    uri = page.file.src_uri
    text = markdown if page.file.generated_by else relinked(markdown, f"docs/{uri}", uri)
    return _ROW.sub(lambda row: _CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), text)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Mend attributes that a docstring names together ("mask, coords: …"): the first is taken for the name, the others
    for its type."""
    return SAMPLES_PER_IDENTITY.sub(
        lambda names: f"<td><code>{_TAG.sub('', names[1] + ' ' + names[2])}</code></td><td></td>", output
    )


def section(markdown: str, title: str) -> str:
    """One section of the second level, as a page.

    Raises:
        ValueError: no such section, which ends the build.
    """
    _, found, rest = markdown.partition(f"\n## {title}\n")
    if not found:
        raise ValueError(f"there is no section {title!r}")
    return f"# {title}\n{rest.partition(chr(10) + '## ')[0]}\n"


def relinked(markdown: str, source: str, page: str) -> str:
    """A text whose links are right from its file on disk, with links that are right from its page.

    Args:
        source: The file, from the root of the repository.
        page: The page, from the root of the site. What has no page keeps its link, which fails the build.
    """

    def turned(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[1]))
        anchor = link[2] or ""
        if target + anchor in PAGES:
            target, anchor = target + anchor, ""
        within = PAGES.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        return posixpath.relpath(within, posixpath.dirname(page) or ".") + anchor if within else link[0]

    parts, end = [], 0
    for fence in _FENCED.finditer(markdown):
        parts += [_LINK.sub(turned, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(turned, markdown[end:])])
