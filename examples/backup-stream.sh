#!/bin/sh
# A backup of a volume through a pipe, while it runs.
#
#   sh backup-stream.sh POOL VID >disk.img.zst
#   sh backup-stream.sh POOL VID | ssh backup-host 'cat >disk.img.zst'
#   zstd -dc disk.img.zst | byre -p POOL import --create VID -        takes it back
#
# A revision is made first, so that the stream is one moment of the volume, also if
# it is stopped and started in the meantime; it is removed again at the end.
# COMPRESS is the program that the stream goes through (default: zstd, else gzip).

set -eu

[ $# -eq 2 ] || {
	echo "usage: backup-stream.sh POOL VID >FILE" >&2
	exit 2
}
BYRE_POOL=$1 volume=$2
export BYRE_POOL

if [ -z "${COMPRESS-}" ]; then
	if command -v zstd >/dev/null; then COMPRESS='zstd -q -c'; else COMPRESS='gzip -c'; fi
fi

revision=$(byre snapshot --note "backup" "$volume")     # prints VID@REV
trap 'byre remove --yes "$revision"' EXIT
trap 'exit 1' HUP INT TERM

# a failed export must not look like a backup: sh has no pipefail
status=$(mktemp)
{ byre export "$revision" - || echo failed >"$status"; } | $COMPRESS
if [ -s "$status" ]; then
	rm -f "$status"
	exit 1
fi
rm -f "$status"
