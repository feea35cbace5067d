"""The tables of reference-impls/README.md: every compared server, as the manifests have it."""

from __future__ import annotations

from pathlib import Path

from chinwag_bench.render import markdown
from chinwag_bench.servers.catalog import Catalog, Server

BEGIN = "<!-- servers:begin -->"
END = "<!-- servers:end -->"


def tables(catalog: Catalog, folder: Path) -> str:
    """Of the servers within ``folder``, with links relative to it: those of every run, peers."""
    here = [one for one in catalog.servers.values() if one.folder.parent == folder]
    lines: list[str] = []
    for title, peer in (("In every run", False), ("Peers", True)):
        rows = [_row(server) for server in here if server.manifest.peer == peer]
        head = ["| server | what | variants | |", "|---|---|---|---|"]
        lines += [f"## {title}", "", *head, *rows, ""]
    return "\n".join(lines).rstrip("\n")


def _row(server: Server) -> str:
    name = server.folder.name
    variants = [
        f"{one} (peer)" if one in server.peer_variants else one for one in server.usual_variants
    ]
    cells = [
        f"[{server.name}]({name})",
        markdown.escape(server.manifest.description),
        ", ".join(variants),
        f"[checklist]({name}/CHECKLIST.md)",
    ]
    return f"| {' | '.join(cells)} |"
