"""A host's filesystems: how full they are, and how many inodes they have left."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from ...core.errors import UnknownError
from ...core.visible import typed
from .._files import awk_program
from .._kind import Output
from ._target import kind


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted filesystem. `used_percent` is of what unprivileged users can have; None where there is a `problem`."""

    mount: str
    type: str
    used_percent: float | None
    used_bytes: int | None = None
    available_bytes: int | None = None
    problem: str | None = None


# Prints a line for each mount that may hold data: a number, major:minor, its type, and where it is as mountinfo has it,
# in which a space is \040. A mount that another one covers is out of everybody's reach.
#
# Left out: what the kernel makes up; images of read-only filesystems; ZFS's snapshots, and what is mounted to be read
# alone from a loop device. Of a disk that the kernel has made read-only because of its errors, the mount is not.
_MOUNTS = r"""
function is_covered(id,   way) {
  if ((id, at[id]) in stands) return 1
  for (way = at[id]; way != "/" && way != "";) {
    sub(/\/[^\/]*$/, "", way)
    if ((up[id], way == "" ? "/" : way) in stands) return 1
  }
  return 0
}
function is_hidden(id) {
  for (; id in up && up[id] != id; id = up[id]) if (is_covered(id)) return 1
  return 0
}
function is_made_up(type) {
  return type ~ /^(proc|sysfs|devtmpfs|devpts|tmpfs|ramfs|rootfs|cgroup.*|mqueue|hugetlbfs|debugfs|tracefs)$/ || \
    type ~ /^(securityfs|pstore|bpf|configfs|fusectl|efivarfs|binfmt_misc|autofs|rpc_pipefs|nsfs|selinuxfs|nfsd)$/ || \
    type ~ /^fuse\.(gvfsd-fuse|portal|lxcfs)$/
}
function is_image(type, source, is_readonly) {
  return type ~ /^(squashfs|iso9660|erofs|cramfs|romfs)$/ || type == "zfs" && source ~ /@/ || \
    is_readonly && (type == "udf" || source ~ /^\/dev\/loop/)
}
{
  for (dash = 7; dash < NF && $dash != "-"; dash++) ;
  up[$1] = $2; at[$1] = $5; line[++count] = $1
  device[$1] = $3; type[$1] = $(dash + 1)
  readonly = "," $6 "," ~ /,ro,/ && "," $NF "," ~ /,ro,/
  skip[$1] = is_made_up(type[$1]) || is_image(type[$1], $(dash + 2), readonly) || (type[$1] == "overlay" && $5 != "/")
  if (type[$1] ~ /^(overlay|fuse$|fuse\.)/ && readonly) frozen[$1] = 1
}
END {
  for (id in up) if (up[id] != id) stands[up[id], at[id]] = 1
  for (n = 1; n <= count; n++) {
    id = line[n]
    if (!skip[id] && !is_hidden(id)) print n, device[id], type[id], at[id], (id in frozen ? "frozen" : "-")
  }
}
"""

# A filesystem is there once for each major:minor, by the first of its mounts that can be looked at; a file in the place
# of a folder is a bind mount. Network filesystems are asked side by side, each behind a pipe of its own, so that dead
# servers cost their own mounts alone. Numbers stand for mounts, whose names may hold anything.
_FILESYSTEMS = rf"""
stat -f -c %S / >/dev/null 2>&1 || {{ echo "stat can't tell of filesystems there; install coreutils" >&2; exit 9; }}
end='
'
sizes() {{ said=$(stat -f -c 'is %S %b %f %a %c %d' -- "$1" 2>&1); said=${{said##*"$end"}}; }}
way() {{
  folder=$1
  while folder=${{folder%/*}}; [ -n "$folder" ]; do
    [ ! -d "$folder" ] || [ -x "$folder" ] || {{ printf 'closed %s\n' "$number $folder"; return; }}
  done
}}
awk {awk_program(_MOUNTS)} /proc/self/mountinfo | {{
seen=" "
while read -r number device type place frozen; do
  mount=$place.
  case $place in
    *\\*) mount=$(printf '%b.' "$(printf '%s' "$place" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')");;
  esac
  mount=${{mount%.}}
  case $seen in *" $device "*) continue;; esac
  case $type in
    nfs*|cifs|smb*|fuse*|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs)
      seen="$seen$device "
      printf 'mount %s\n' "$number $type $frozen $device $place"
      {{ timeout -k 1 3 stat -f -c 'is %S %b %f %a %c %d' -- "$mount" 2>&1 & }} |
        timeout 5 sed "s/^/size $number /" &
      continue;;
  esac
  [ -d "$mount" ] || [ ! -e "$mount" ] || continue
  sizes "$mount"
  case $said in "is "*) seen="$seen$device ";; esac
  printf 'mount %s\nsize %s\n' "$number $type $frozen $device $place" "$number $said"
  case $said in *"Permission denied") way "$mount";; esac
done
wait
}}
# In a chroot the root is not a mount, and on a filesystem all the same.
grep -q '^[^ ]* [^ ]* [^ ]* [^ ]* / ' /proc/self/mountinfo ||
  {{ sizes /; printf 'mount 0 unknown - - /\nsize 0 %s\n' "$said"; }}
echo "user $(id -un)"
"""
_SIZE = re.compile(r"is (?P<block>\d+) (?P<blocks>\d+) (?P<free>\d+) (?P<available>\d+) (?P<files>\d+) (?P<left>\d+)")
_NEGATIVE = 1 << 63
_WHERE_FILES_ARE_KEPT = re.compile(
    r"fuse\.(sshfs|gluster|ceph|mergerfs|mfs|moosefs|lizardfs|juicefs|s3fs|rclone|gcsfuse|bindfs|unionfs|fuse-overlayfs|"
    r"encfs|gocryptfs|cryfs|ntfs|exfat|davfs)"
)
"""FUSE filesystems that can be full like any disk."""


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mount, and what statfs tells of it, in bytes and inodes: how many are used and available."""

    place: str
    type: str
    device: str
    sizes: tuple[int, int] | None = None
    inodes: tuple[int, int] | None = None
    problem: str | None = None
    is_image: bool = False


def _mounts(output: Output, ignore: tuple[str, ...]) -> list[_Mount]:
    """Return every filesystem that is mounted, once, without images that are always full.

    One of which no mount could be looked at has a problem; not one that is mounted no more.
    """
    answers: dict[tuple[str, str], str] = {}
    for line in output.lines():
        word, _, rest = line.partition(" ")
        number, _, value = rest.partition(" ")
        answers[word, number if word != "user" else ""] = value if word != "user" else rest
    found = [_mount(number, value, answers) for (word, number), value in answers.items() if word == "mount"]
    told = {mount.device for mount in found if mount.problem is None}
    kept: list[_Mount] = []
    for mount in found:
        if mount.problem is not None and (mount.problem == "" or mount.device in told):
            continue
        told.add(mount.device)
        if not mount.is_image and mount.place not in ignore:
            kept.append(mount)
    return kept


def _mount(number: str, value: str, answers: dict[tuple[str, str], str]) -> _Mount:
    type_, frozen, device, escaped = value.split(" ", 3)
    place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), escaped).replace("\n", "\\n")
    mount = _Mount(place, type_, f"{device} {type_}")
    size = answers.get(("size", number))
    match = _SIZE.fullmatch(size or "")
    if match is None:
        return dataclasses.replace(mount, problem=_problem(number, type_, size, answers))
    block, blocks, free, available, files, left = map(int, match.groups())
    available = 0 if available >= _NEGATIVE else available
    is_fuse = type_ == "fuse" or type_.startswith("fuse.")
    empty = free == 0 and left == 0 and is_fuse and not _WHERE_FILES_ARE_KEPT.match(type_)
    return dataclasses.replace(
        mount,
        sizes=((blocks - free) * block, available * block),
        inodes=(files - left, left),
        is_image=blocks > 0 and (empty or (frozen == "frozen" and available == 0)),
    )


def _problem(number: str, type_: str, size: str | None, answers: dict[tuple[str, str], str]) -> str:
    """Return why a mount could not be looked at; nothing where it is mounted no more."""
    if size is None:
        return "the filesystem did not answer within 3 s"
    cause = size.rpartition(": ")[2]
    if cause == "No such file or directory":
        return ""
    user, folder = answers.get(("user", ""), "the user of the host"), answers.get(("closed", number))
    if folder is not None:
        return (
            f"{user} may not look into {folder}, below which it is mounted: "
            f"setfacl -m {typed(f'u:{user}:x')} {typed(folder)}, or connect with ?sudo=true"
        )
    if cause == "Permission denied" and type_.startswith("fuse"):
        return "only the user who has mounted it may look at it (FUSE without allow_other); leave it out by `ignore`"
    return f"it can't be looked at: {cause}"


@kind.shell(_FILESYSTEMS, timeout_s=20, max_bytes=1_000_000)
def filesystems(output: Output, *, ignore: tuple[str, ...] = ()) -> tuple[Filesystem, ...]:
    """Every mounted filesystem that holds data, once.

    Pseudo filesystems, tmpfs, images that are always full (squashfs, iso9660, AppImages), bind mounts and container
    overlays are left out, and the mounts in `ignore`. Used is used / (used + available), as df's own column: blocks
    that are reserved for root count as used.
    """
    kept = [
        Filesystem(mount.place, mount.type, None, problem=mount.problem)
        if mount.sizes is None
        else Filesystem(mount.place, mount.type, 100 * mount.sizes[0] / sum(mount.sizes), *mount.sizes)
        for mount in _mounts(output, ignore)
        if mount.sizes is None or sum(mount.sizes) > 0
    ]
    if not kept:
        raise UnknownError("no mounted filesystem was found" + (" beside those to ignore" if ignore else ""))
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Inodes:
    """How many files a mounted filesystem holds, and how many more it can; None where `problem` says why not."""

    mount: str
    type: str
    used: int | None
    available: int | None
    problem: str | None = None

    @property
    def used_percent(self) -> float | None:
        """Used, of all that there are."""
        if self.used is None or self.available is None:
            return None
        return 100 * self.used / (self.used + self.available)


@kind.shell(_FILESYSTEMS, timeout_s=20, max_bytes=1_000_000)
def inodes(output: Output, *, ignore: tuple[str, ...] = ()) -> tuple[Inodes, ...]:
    """The inodes of every mounted filesystem that has any: btrfs and vfat, for example, make them as they need them."""
    kept = [
        Inodes(mount.place, mount.type, None, None, mount.problem)
        if mount.inodes is None
        else Inodes(mount.place, mount.type, *mount.inodes)
        for mount in _mounts(output, ignore)
        if mount.inodes is None or sum(mount.inodes) > 0
    ]
    if not kept:
        raise UnknownError(
            "no filesystem that counts its inodes was found" + (" beside those to ignore" if ignore else "")
        )
    return tuple(kept)
