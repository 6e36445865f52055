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


# $1 is df's option. A filesystem is mounted once for each major:minor; bind mounts and overlays repeat it. Network
# filesystems are asked side by side, each behind a pipe of its own, so that dead servers cost their own mounts alone.
_FILESYSTEMS = r"""
seen=" " top=
while read -r _ _ device _ mount _ rest; do
  [ "$mount" != / ] || top=1
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
      { timeout -k 1 3 df -P "$1" -- "$mount" 2>/dev/null & } | timeout 5 tail -n +2 &;;
    *) df -P "$1" -- "$mount" 2>/dev/null | tail -n +2;;
  esac
done < /proc/self/mountinfo
# In a chroot the root is no mount, and on a filesystem all the same.
[ -n "$top" ] || { echo "mount unknown /"; df -P "$1" / 2>/dev/null | tail -n +2; }
wait
"""
_DF = re.compile(r"(?P<size>\d+)\s+(?P<used>\d+)\s+(?P<available>-?\d+)\s+(?:(?P<percent>\d+)%|-)\s+(?P<mount>/.*)$")


def _table(output: Output) -> dict[str, tuple[str, int | None, int | None]]:
    """Return each mount's type, used and available, without those that hold nothing; None where it did not answer."""
    found: dict[str, tuple[str, int | None, int | None]] = {}
    for line in output.lines():
        if line.startswith("mount "):
            _, type_, mount = line.split(" ", 2)
            found[mount] = (type_, None, None)
        elif (match := _DF.search(line)) and match["mount"] in found:
            used, available = int(match["used"]), int(match["available"])
            if used + available > 0:
                found[match["mount"]] = (found[match["mount"]][0], used, available)
            else:
                del found[match["mount"]]
    return found


@kind.shell(_FILESYSTEMS, args=lambda _target: ("-k",), timeout_s=20)
def filesystems(output: Output, *, ignore: tuple[str, ...] = ()) -> tuple[Filesystem, ...]:
    """Every mounted filesystem that holds data, once.

    Pseudo filesystems, tmpfs, images that are always full (squashfs, iso9660), bind mounts and container overlays are
    left out, and the mounts in `ignore`. Used is used / (used + available), as df's own column: blocks that are
    reserved for root count as used.
    """
    found = _table(output)
    kept = tuple(_filesystem(mount, *told) for mount, told in found.items() if mount not in ignore)
    if not kept:
        raise UnknownError("no mounted filesystem was found" + (" beside those to ignore" if found else ""))
    return kept


def _filesystem(mount: str, type_: str, used: int | None, available: int | None) -> Filesystem:
    if used is None or available is None:
        return Filesystem(mount, type_, None)
    return Filesystem(mount, type_, 100 * used / (used + available), used * 1024, available * 1024)


@dataclass(frozen=True, slots=True)
class Inodes:
    """How many files a mounted filesystem holds, and how many more it can; None where it did not answer."""

    mount: str
    type: str
    used: int | None
    available: int | None

    @property
    def used_percent(self) -> float | None:
        """Used, of all that there are."""
        if self.used is None or self.available is None:
            return None
        return 100 * self.used / (self.used + self.available)


@kind.shell(_FILESYSTEMS, args=lambda _target: ("-i",), timeout_s=20)
def inodes(output: Output, *, ignore: tuple[str, ...] = ()) -> tuple[Inodes, ...]:
    """The inodes of every mounted filesystem that has any: btrfs and vfat, for example, make them as they need them."""
    found = _table(output)
    kept = tuple(Inodes(mount, *told) for mount, told in found.items() if mount not in ignore)
    if not kept:
        raise UnknownError(
            "no filesystem that counts its inodes was found" + (" beside those to ignore" if found else "")
        )
    return kept
