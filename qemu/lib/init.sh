#!/bin/busybox sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guest's first program, in the initramfs: load what reaches the host's
# files, put a writable layer over them, and go there, or to a root below them.  The task of
# this guest is in /vm (see initramfs.py); all that is printed here is in the kernel log.

/bin/busybox --install -s /bin
export PATH=/bin

die() {
	echo "kspawn-vm: FATAL: $*" >/dev/kmsg
	reboot -f
}

mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys

while read -r module; do
	insmod "/modules/$module" || die "insmod $module"
done </vm/modules

# A writable layer over a directory.
layer() { # LOWER NAME AT
	mkdir "/rw/$2" "/rw/$2-work"
	mount -t overlay -o "lowerdir=$1,upperdir=/rw/$2,workdir=/rw/$2-work" overlay "$3" ||
		die "cannot put a writable layer over $1"
}

mkdir -p /host /rw /root /plain
if [ -e /vm/virtiofs ]; then
	mount -t virtiofs -o ro host /host
else
	mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
fi || die "cannot mount the host's root"
mount -t tmpfs -o mode=755 tmpfs /rw
layer /host plain /plain
if [ -e /vm/root ]; then
	read -r root </vm/root
	layer "/host$root" root /root
else
	mount --bind /plain /root
fi

cd /root || die "no root"
mkdir -p proc sys dev tmp run
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/pts dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t debugfs debugfs sys/kernel/debug
mount -t tracefs tracefs sys/kernel/tracing
mount -t securityfs securityfs sys/kernel/security

# Directories of the host that must be seen though a fresh file system, or another root,
# now hides them.
while IFS= read -r dir; do
	mkdir -p "./$dir"
	mount --bind "/plain/$dir" "./$dir" || die "cannot show $dir"
done </vm/keep
umount /plain

# Directories of the host that the guest may write to.
tag=0
while IFS= read -r dir; do
	mkdir -p "./$dir"
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap "share$tag" "./$dir" ||
		die "cannot share $dir"
	tag=$((tag + 1))
done </vm/share

ifconfig lo up
hostname kspawn
ulimit -c 0

mkdir run/kspawn-vm
cp -r /vm/. run/kspawn-vm/
cp /bin/busybox run/kspawn-vm/
umount /proc /sys
# As leader of a session, so that nothing in the guest has session 0.
exec setsid switch_root -c /dev/console /root /run/kspawn-vm/busybox sh /run/kspawn-vm/run.sh
