#!/bin/sh
# Boots a guest from a volume, for as long as the guest wants, and ends the session.
#
#   boot.sh POOL VID KERNEL INITRAMFS [stop-option...]
#
# The volume is a session of its own: of a volume with a source (byre create VID --source
# TEMPLATE) the guest sees the template's content and may write what it likes; the template
# stays as it is.  What the guest trims becomes holes in the image (discard=unmap).
# initramfs.sh makes INITRAMFS.  Without KVM qemu emulates: slow, but it needs no rights.
#
# Debian: qemu-system-x86, byre.

set -eu
if [ $# -lt 4 ]; then
	echo "usage: boot.sh POOL VID KERNEL INITRAMFS [stop-option...]" >&2
	exit 2
fi
pool=$1 vid=$2 kernel=$3 initramfs=$4
shift 4

disk=$(byre -p "$pool" start "$vid")
used=$(du -k "$disk" | cut -f 1)
status=0
qemu-system-x86_64 -machine q35 -cpu qemu64 -m 256 -display none -monitor none -serial stdio \
	-no-reboot -nodefaults -kernel "$kernel" -initrd "$initramfs" \
	-append "console=ttyS0 quiet panic=-1" \
	-drive "file=$disk,format=raw,if=virtio,discard=unmap" </dev/null || status=$?
echo "image: $used KiB before, $(du -k "$disk" | cut -f 1) KiB after"
byre -p "$pool" stop -q "$@" "$vid"
exit "$status"
