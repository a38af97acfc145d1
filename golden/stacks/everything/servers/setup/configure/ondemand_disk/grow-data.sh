#!/bin/bash
# The data disk at /data: make its file system if there has never been one, mount it, and let it
# fill its volumes if those have grown. It may be run at any time, also while the disk is in use,
# and does nothing where nothing is to do.
#
#   VOLUMES="vol-… vol-…" OWNER=user grow-data
#
# Several volumes are striped by LVM. A file system that is there is never made anew: what is not
# understood is left alone, and told.
set -euo pipefail

: "${VOLUMES:?names the volumes by their ids}"
mount_point=${MOUNT_POINT:-/data}
by_id=${BY_ID:-/dev/disk/by-id}

fail() {
  echo "grow-data: $*" >&2
  exit 1
}

# The name a volume was attached under is not what the kernel calls it, but its id is kept.
devices=()
for volume in $VOLUMES; do
  device=$by_id/nvme-Amazon_Elastic_Block_Store_${volume//-/}
  [[ -e $device ]] || fail "$volume is not attached to this server ($device)"
  devices+=("$(readlink -f "$device")")
done
count=0
for _ in "${devices[@]}"; do
  count=$((count + 1))
done

# What is on a device: a word, or nothing where nothing is known. That it could be two things is
# an error, as is whatever else blkid cannot tell.
content() {
  local code=0 found
  found=$(blkid --probe --output value --match-tag "$2" "$1") || code=$?
  ((code == 0 || code == 2)) || fail "it is not clear what $1 holds; it was left alone"
  printf '%s' "$found"
}

# Whether a device is as a new volume is: all zeros where whatever is on a disk begins. blkid alone
# says the same of data that it does not know, and of a disk that it cannot read.
empty() {
  local type table
  type=$(content "$1" TYPE) || exit 1 # where a condition asks, no error ends the script by itself
  table=$(content "$1" PTTYPE) || exit 1
  [[ -z $type$table ]] && cmp --silent --bytes=1048576 "$1" /dev/zero
}

# lvm COMMAND…: with these volumes and no others. LVM keeps a list of devices by their ids, in which a
# volume that took another's place is missing; and a copy of the stripe looks like the stripe.
lvm() {
  "$1" --devices "$(IFS=,; echo "${devices[*]}")" "${@:2}"
}

if ((count == 1)); then
  disk=${devices[0]}
else
  for device in "${devices[@]}"; do
    if empty "$device"; then
      lvm pvcreate --quiet "$device"
    else
      kind=$(content "$device" TYPE)
      [[ $kind == LVM2_member ]] ||
        fail "$device holds something that is not part of a stripe (${kind:-unknown}); it was left alone"
    fi
    # Each pvresize, also one that finds nothing to do, leaves a file in /etc/lvm/archive. Volumes grow
    # by the GiB; what LVM keeps for itself of one is much less.
    sizes=$(lvm pvs --noheadings --nosuffix --units b --options dev_size,pv_size "$device")
    read -r size has <<<"$sizes"
    if ((size - has >= 536870912)); then
      lvm pvresize --quiet "$device"
    fi
  done
  if ! lvm vgs data &>/dev/null; then
    lvm vgcreate --quiet data "${devices[@]}"
  fi
  if ! lvm lvs data/data &>/dev/null; then
    lvm lvcreate --quiet --stripes "$count" --extents 100%FREE --name data data
  fi
  lvm vgchange --quiet --activate y data
  disk=/dev/data/data
  free=$(lvm vgs --noheadings --options vg_free_count data)
  if ((free >= count)); then
    lvm lvextend --quiet --extents +100%FREE data/data
  fi
fi

if empty "$disk"; then
  mkfs.ext4 -q -L data "$disk"
  echo "grow-data: made a file system on $disk"
fi
kind=$(content "$disk" TYPE)
[[ $kind == ext4 || $kind == xfs ]] ||
  fail "$disk holds neither ext4 nor xfs but ${kind:-something else}; it was left alone"

if ! mountpoint --quiet "$mount_point"; then
  mkdir -p "$mount_point"
  chmod 000 "$mount_point" # whoever writes here while the disk is away hears of it
  mount -o noatime,nodev,nosuid "$disk" "$mount_point"
  chmod 755 "$mount_point"
  if [[ -n ${OWNER:-} ]]; then
    chown "$OWNER:" "$mount_point"
  fi
  echo "grow-data: mounted $disk at $mount_point"
fi

# Only if a megabyte is gained: file systems round down to whole blocks.
if [[ $kind == ext4 ]]; then
  has=$(dumpe2fs -h "$disk" 2>/dev/null | awk '/^Block count:/ { blocks = $3 } /^Block size:/ { size = $3 } END { print blocks * size }')
else
  has=$(xfs_info "$mount_point" | sed -n 's/^data .*bsize=\([0-9]*\) *blocks=\([0-9]*\).*/\1 \2/p' | awk '{ print $1 * $2 }')
fi
could=$(blockdev --getsize64 "$disk" 2>/dev/null || stat --format %s "$disk")
if ((could - has >= 1048576)); then
  if [[ $kind == ext4 ]]; then
    resize2fs "$disk" >/dev/null
  else
    xfs_growfs "$mount_point" >/dev/null
  fi
  echo "grow-data: grew the file system from $has to $could bytes"
fi
