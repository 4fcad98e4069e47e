#!/bin/bash
# Run one command on another kernel: Debian's own, booted by QEMU in software emulation, with this machine's files under it
# (read-only, an overlay on top). Timings inside mean nothing.
#
#   tests/vm/run.sh [--kernel 6.1|6.12] COMMAND [ARG…]     exit status: the command's; 77: skipped, the reason is printed
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
series=6.1
if [ "${1:-}" = --kernel ]; then
	series=$2
	shift 2
fi
if [ $# -eq 0 ]; then
	sed -n '2,6s/^# \{0,1\}//p' "$0"
	exit 2
fi

skip() {
	echo "skip: $*"
	exit 77
}
say() {
	echo "vm: $*" >&2
}

[ "$(id -u)" -eq 0 ] || skip "needs root to share this machine's files with the guest"
for tool in qemu-system-x86_64 cpio depmod dpkg apt-get; do
	command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/install-deps.sh vm)"
done
busybox=$(command -v busybox || true)
[ -n "$busybox" ] || skip "busybox-static is not installed (scripts/install-deps.sh vm)"

work=$top/build/vm/$series
mkdir -p "$work"

# The meta-package names the kernel that Debian ships today.
fetch_kernel() {
	local meta package
	case $series in
	6.1) meta=linux-image-amd64 ;;
	*) meta=linux-image-$series-amd64 ;;
	esac
	package=$(apt-cache depends "$meta" 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
	[ -n "$package" ] || skip "no package $meta: is 'apt-get update' done?"
	say "getting $package"
	(cd "$work" && rm -f -- *.deb && apt-get download "$package" >/dev/null 2>&1) || skip "cannot download $package"
	rm -rf "$work/root"
	dpkg -x "$work"/*.deb "$work/root"
	rm -f "$work"/*.deb
}
[ -n "$(find "$work/root/boot" -name 'vmlinuz-*' 2>/dev/null)" ] || fetch_kernel

kernel=$(find "$work/root/boot" -name 'vmlinuz-*' | tail -n 1)
version=${kernel##*/vmlinuz-}
base=$work/root
[ -d "$base/lib/modules" ] || base=$work/root/usr
modules=$base/lib/modules/$version

# An initramfs of busybox and what is needed to reach the shared files; all of it is remade when the kernel changes.
make_initramfs() {
	local ram=$work/initramfs module path
	rm -rf "$ram"
	mkdir -p "$ram"/{bin,proc,sys,dev,host,upper,root,modules}
	cp "$busybox" "$ram/bin/busybox"
	depmod -b "$base" "$version"
	: >"$ram/modules/order"
	for module in virtio_pci 9pnet_virtio 9p overlay veth cls_bpf sch_ingress tls; do
		modprobe -d "$base" -S "$version" --show-depends "$module" 2>/dev/null | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' | while read -r path; do
		module=$(basename "$path")
		case $path in
		*.xz) xz -dc "$path" >"$ram/modules/${module%.xz}" && module=${module%.xz} ;;
		*) cp "$path" "$ram/modules/$module" ;;
		esac
		echo "$module" >>"$ram/modules/order"
	done
	cat >"$ram/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
fail() { echo "VM-FAILED $*"; $b poweroff -f; }
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r m; do $b insmod /modules/$m 2>/dev/null; done </modules/order
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro hostroot /host || fail "9p"
$b mount -t tmpfs -o size=600m tmpfs /upper
$b mkdir -p /upper/up /upper/work
$b mount -t overlay -o lowerdir=/host,upperdir=/upper/up,workdir=/upper/work overlay /root || fail "overlay"
$b mount -t proc proc /root/proc
$b mount -t sysfs sys /root/sys
$b mount -t devtmpfs dev /root/dev
$b mount -t tmpfs tmpfs /root/run
$b mount -t tmpfs -o mode=1777 tmpfs /root/tmp
$b mount -t bpf bpf /root/sys/fs/bpf
$b ip link set lo up
$b cp /command /root/tmp/.vm-command
$b chroot /root /bin/bash /tmp/.vm-command
echo "VM-STATUS $?"
$b poweroff -f
INIT
	chmod 755 "$ram/init"
}
if [ ! -f "$work/initramfs/init" ] || [ "$0" -nt "$work/initramfs/init" ]; then
	say "making the initramfs for $version"
	[ -d "$modules" ] || skip "the package of $version carries no modules"
	make_initramfs
fi

# Each run has its own copy of the image: several may run at once.
run=$(mktemp -d "${TMPDIR:-/tmp}/shunt-vm.XXXXXX")
trap 'rm -rf "$run"' EXIT
cp -a "$work/initramfs" "$run/ram"
{
	echo "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8"
	printf 'cd %q || exit 1\n' "$PWD"
	printf '%q ' "$@"
	echo
} >"$run/ram/command"
(cd "$run/ram" && find . | cpio -o -H newc --quiet | gzip -1) >"$run/initrd.gz"

say "booting $version"
timeout "${VM_TIMEOUT:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "${VM_MEMORY:-2048}" -display none -serial stdio \
	-nic none -no-reboot -kernel "$kernel" -initrd "$run/initrd.gz" \
	-append "console=ttyS0 panic=-1 quiet loglevel=1" \
	-virtfs local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap \
	</dev/null 2>"$run/qemu.log" | tr -d '\r' | tee "$run/console" | grep -Ev --line-buffered '^VM-STATUS |reboot: Power down' || true
status=$(awk '$1 == "VM-STATUS" { print $2 }' "$run/console")
if [ -z "$status" ]; then
	echo "vm: the guest ended without a result"
	cat "$run/qemu.log"
	exit 1
fi
exit "$status"
