#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# alpine.sh - proves that the functions of the APKBUILD build the packages from the tarball and that
# their files are those of "make install". abuild is not to be had on Debian: amove and the split of
# manual pages and completions are stand-ins, and musl is not used.
#
#	NOCHECK=1 tests/package/alpine.sh	without the unit tests
#
# It builds for minutes and so is run by hand.

LIB_DIR=$(cd "${0%/*}/../netns" && pwd)
. "$LIB_DIR/lib.sh"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# abuild_run FUNCTION: run a function of the APKBUILD as abuild does, in the unpacked source.
abuild_run() {
	mkdir -p "$work/main" "$work/sub"
	(
		set -e
		amove() { # PATH...: from the main package to the subpackage
			local path
			for path; do
				mkdir -p "$subpkgdir/${path%/*}"
				mv "$pkgdir/$path" "$subpkgdir/$path"
			done
		}
		pkgdir=$work/main subpkgdir=$work/sub
		. "$top_src/packaging/alpine/APKBUILD"
		cd "$work/waymark-$pkgver"
		"$1"
	) >"$work/log" 2>&1
}

files() { # FOLDER
	(cd "$1" && find . ! -type d | sed 's,^\.,,' | sort)
}

passes() { # WHAT FUNCTION
	abuild_run "$2"
	check "$1" [ $? = 0 ] || { diag "$(tail -n 20 "$work/log")"; done_testing; }
}

check 'the APKBUILD is read by a POSIX shell' sh -n "$top_src/packaging/alpine/APKBUILD"
(cd "$top_build" && make -s dist) && tar -xf "$top_build"/waymark-[0-9]*.tar.gz -C "$work" || die 'no tarball'
passes 'it builds' build
[ -n "${NOCHECK:-}" ] || passes 'its tests pass' check
passes 'it installs' package
files "$work/main" >"$work/all"
(cd "$top_build" && make -s install DESTDIR="$work/wanted" prefix=/usr sysconfdir=/etc localstatedir=/var \
	systemdsystemunitdir=no) >/dev/null 2>&1
is 'the files are those of "make install", without units' \
	"$(files "$work/wanted" | grep -v '/\(systemd\|sysusers\.d\|tmpfiles\.d\)/' | diff - "$work/all")" ''
sub=$(sed -n 's/^subpackages="$pkgname-export:\([a-z]*\) .*/\1/p' "$top_src/packaging/alpine/APKBUILD")
passes 'the subpackage is split' "${sub:-none}"
is '... with the exporter' "$(files "$work/sub" | head -n 1)" /usr/bin/waymark-export
check 'the program runs' "$work/main/usr/bin/waymark" --version
is 'the users are made before the files' "$(grep -c '^adduser .* waymark\(-export\)* 2>' \
	"$top_src/packaging/alpine/waymark.pre-install")" 2
done_testing
