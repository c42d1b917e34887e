#!/bin/sh
# Makes the initramfs of a guest: busybox, the modules for a virtio disk, and ./init.
#
#   initramfs.sh MODULES OUTPUT        MODULES: /lib/modules/VERSION, or that of an unpacked kernel
#
# Debian: busybox-static, cpio.  A kernel, unpacked and not installed:
#
#   apt-get download linux-image-6.1.0-XX-cloud-amd64     (see linux-image-cloud-amd64)
#   dpkg -x linux-image-*.deb kernel                      boot/vmlinuz-*, lib/modules/*

set -eu
if [ $# -ne 2 ]; then
	echo "usage: initramfs.sh MODULES OUTPUT" >&2
	exit 2
fi
modules=$1 output=$2
here=$(dirname "$0")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/mnt" "$root/modules"
cp /bin/busybox "$root/bin/busybox"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
# what is built into the kernel has no file
for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk \
	crc16 mbcache jbd2 ext4; do
	find "$modules/" -name "$name.ko" -exec cp {} "$root/modules" \;
	find "$modules/" -name "$name.ko.xz" -exec sh -c 'xz -dc "$1" >"$2/$3.ko"' - {} "$root/modules" "$name" \;
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$output"
