"""A host's filesystems: how full they are, and how many inodes they have left."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._host_target import kind
from ._kind import Output, UnknownError


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted filesystem. `used_percent` is of what unprivileged users can have; None where it did not answer."""

    mount: str
    type: str
    used_percent: float | None
    used_bytes: int | None = None
    available_bytes: int | None = None


# A filesystem is mounted once for each major:minor; bind mounts and overlays repeat it. Network filesystems are asked
# one by one, each behind a pipe of its own, so that a dead server costs its own mount and nothing else.
_FILESYSTEMS = r"""
local= seen=" "
while read -r _ _ device root mount _ rest; do
  rest=${rest#*- }
  case $rest in "- "*) rest=${rest#- };; esac
  type=${rest%% *}
  case $type in
    proc|sysfs|devtmpfs|devpts|tmpfs|ramfs|cgroup*|mqueue|hugetlbfs) continue;;
    debugfs|tracefs|securityfs|pstore|bpf|configfs) continue;;
    fusectl|efivarfs|binfmt_misc|autofs|rpc_pipefs|nsfs|squashfs|iso9660|erofs|selinuxfs|nfsd) continue;;
    fuse.gvfsd-fuse|fuse.portal|fuse.snapfuse|fuse.lxcfs) continue;;
    overlay) [ "$mount" = / ] || continue;;
  esac
  mount=$(printf '%b' "$(printf '%s' "$mount" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')")
  case $type in
    nfs*|cifs|smb*|fuse*|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs) ;;
    *) [ -d "$mount" ] || continue;;
  esac
  case $seen in *" $device "*) continue;; esac
  seen="$seen$device "
  echo "mount $type $mount"
  case $type in
    nfs*|cifs|smb*|fuse*|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs)
      { timeout -k 1 3 df -Pk -- "$mount" 2>/dev/null & } | timeout 5 tail -n +2;;
    *) df -Pk -- "$mount" 2>/dev/null | tail -n +2;;
  esac
done < /proc/self/mountinfo
"""
_DF = re.compile(r"(?P<size>\d+)\s+(?P<used>\d+)\s+(?P<available>-?\d+)\s+(?:(?P<percent>\d+)%|-)\s+(?P<mount>/.*)$")


@kind.shell(_FILESYSTEMS, timeout_s=20)
def filesystems(output: Output, *, ignore: tuple[str, ...] = ()) -> tuple[Filesystem, ...]:
    """Every mounted filesystem that holds data, once.

    Pseudo filesystems, tmpfs, images that are always full (squashfs, iso9660), bind mounts and container overlays are
    left out, and the mounts in `ignore`. Used is used / (used + available), as df's own column: blocks that are
    reserved for root count as used.
    """
    found: dict[str, Filesystem] = {}
    for line in output.lines():
        if line.startswith("mount "):
            _, type_, mount = line.split(" ", 2)
            found[mount] = Filesystem(mount, type_, None)
        elif match := _DF.search(line):
            used, available = int(match["used"]) * 1024, int(match["available"]) * 1024
            if used + available > 0 and match["mount"] in found:
                type_ = found[match["mount"]].type
                percent = 100 * used / (used + available)
                found[match["mount"]] = Filesystem(match["mount"], type_, percent, used, available)
            else:
                found.pop(match["mount"], None)
    kept = tuple(filesystem for filesystem in found.values() if filesystem.mount not in ignore)
    if not kept:
        raise UnknownError("no mounted filesystem was found" + (" beside those to ignore" if found else ""))
    return kept
