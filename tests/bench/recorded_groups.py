"""A recorded tree of control groups: /proc/self/mountinfo, /proc/self/cgroup, and their files."""

from __future__ import annotations

from pathlib import Path


class RecordedGroups:
    """Below ``root``, as a live system has them below /."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.groups = root / "sys/fs/cgroup"
        self.groups.mkdir(parents=True)

    def show(self, mounts: list[str], own: str) -> None:
        """``mounts``: root, point, kind and controllers of each, with blanks between; ``own``: the
        text of /proc/self/cgroup.
        """
        lines = []
        for number, mount in enumerate(mounts, 30):
            root, point, kind, controllers = mount.split()
            lines.append(
                f"{number} 24 0:{number} {root} {point} rw,nosuid shared:9 - {kind} {kind} "
                f"rw,{controllers}"
            )
        folder = self.root / "proc/self"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mountinfo").write_text("\n".join(lines) + "\n")
        (folder / "cgroup").write_text(own)

    def put(self, path: str, text: str) -> None:
        file = self.groups / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
