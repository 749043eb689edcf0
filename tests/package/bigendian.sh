#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bigendian.sh - proves that Waymark builds for a big-endian machine (s390x) with Debian's cross
# compiler, and that the unit tests pass there under qemu-user. qemu-user carries
# neither all netlink messages nor libnftables: the tests that need them are skipped by name.
#
#	S390X=FOLDER tests/package/bigendian.sh	with a root that a former run has left
#
# It fetches packages and so is run by hand.

LIB_DIR=$(cd "${0%/*}/../netns" && pwd)
. "$LIB_DIR/lib.sh"

for tool in s390x-linux-gnu-gcc qemu-s390x-static debootstrap; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
root=${S390X:-$work/root}
libraries=$root/usr/lib/s390x-linux-gnu

# The libraries with their headers: packages are unpacked, nothing of them is run.
root_make() {
	local deb link
	debootstrap --foreign --arch=s390x --variant=minbase --include=libc6-dev,libcmocka-dev,libconfuse-dev,libcurl4-gnutls-dev,libjansson-dev,libmnl-dev,libncurses-dev,libnetfilter-conntrack-dev,libnfnetlink-dev,libnftables-dev,libseccomp-dev,libsqlite3-dev,zlib1g-dev bookworm "$root" &&
		for deb in "$root"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$deb" "$root" || return; done
	# What they link to is below the root, too.
	find "$libraries" -maxdepth 1 -lname '/*' | while read -r link; do
		ln -sf "$root$(readlink "$link")" "$link"
	done
}

build() {
	mkdir "$work/build" && git -C "$top_src" archive HEAD | tar -xf - -C "$work/build" && cd "$work/build" &&
		autoreconf -fi &&
		PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libraries/pkgconfig ./configure -q \
			--host=s390x-linux-gnu CC="s390x-linux-gnu-gcc --sysroot=$root" CFLAGS='-O1 -g0' \
			LDFLAGS="-Wl,-rpath-link,$libraries" --disable-netns-tests --without-libcap-ng &&
		make -s -j"$(nproc)" all && make -s -j"$(nproc)" check TESTS=
}

[ -d "$libraries/pkgconfig" ] || root_make >"$work/log" 2>&1 || die "no root: $(tail -n 3 "$work/log")"
(build) >"$work/log" 2>&1
check 'it builds' [ $? = 0 ] || { diag "$(tail -n 20 "$work/log")"; done_testing; }
file_is=$(od -An -tx1 -j5 -N1 "$work/build/src/waymarkd" | tr -d ' ')
is 'the program is big-endian' "$file_is" 02
kernel_tests="alert_exec conntrack counters ifnames nflog steering steering_places steering_state tamper trace"
cd "$work/build" || exit
for test in tests/unit/test_*.c; do
	test=${test%.c}
	[ -x "$test" ] || continue
	case " $kernel_tests " in
	*" ${test#*/test_} "*)
		diag "$test: not run, it needs the kernel's netlink"
		continue
		;;
	esac
	timeout 1800 qemu-s390x-static -L "$root" "$test" >"$work/out" 2>&1 </dev/null
	check "$test" [ $? = 0 ] || diag "$(grep -aE '^not ok|error|ERROR|cannot|qemu' "$work/out" | head -n 6)"
done
done_testing
