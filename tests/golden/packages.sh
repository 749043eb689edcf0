#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# packages.sh - what "make install" installs is in one package of each format, and what a
# package names is installed; what belongs to waymark-export is in its package.

. "${0%/*}/lib.sh"

# install_list NAME VARIABLE=VALUE...: what is installed so, a path per line.
install_list() {
	name=$1
	shift
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES make -s -C "$build" install \
		DESTDIR="$work/$name" prefix=/usr sysconfdir=/etc localstatedir=/var "$@" \
		>"$work/make.log" 2>&1 </dev/null || { sed 's/^/# /' "$work/make.log"; echo 'Bail out! make install fails'; exit 1; }
	(cd "$work/$name" && find . ! -type d | sed 's,^\.,,' | sort) >"$work/$name.list"
	[ -s "$work/$name.list" ] || exit 1
}

# listed LIST ENTRY...: the paths of the list that an entry names: itself, a pattern, or a
# folder with a slash at its end.
listed() {
	while read -r path; do
		while read -r entry; do
			# shellcheck disable=SC2254 # an entry may be a pattern
			case $path in
			$entry | "${entry%/}/"*) echo "$path" ;;
			esac
		done <"$2"
	done <"$1"
}

# compare FORMAT LIST MAIN EXPORT: files of entries, one per line, of the two packages.
compare() {
	listed "$2" "$3" >"$work/main"
	listed "$2" "$4" >"$work/export"
	none "$1: each installed file is in a package" \
		"$(sort -u "$work/main" "$work/export" | comm -13 - "$2")"
	none "$1: none is in two" "$(sort "$work/main" "$work/export" | uniq -d)"
	none "$1: what belongs to waymark-export is in its package, and nothing else" \
		"$(grep 'waymark-\(export\|fleet\)' "$2" | comm -3 - "$work/export")"
	none "$1: each entry names something that is installed" "$(cat "$3" "$4" |
		while read -r entry; do
			echo "$entry" >"$work/entry"
			[ -n "$(listed "$2" "$work/entry")" ] || echo "$entry"
		done)"
}

# spec_files PACKAGE: the entries of %files, with the macros' values.
spec_files() {
	awk -v section="%files$1" '/^%(files|changelog)/ { inside = $0 == section; next }
		inside && NF && !/^%(license|dir|doc)/' "$src/packaging/rpm/waymark.spec" |
		sed 's,%{_bindir},/usr/bin,; s,%{_sbindir},/usr/sbin,; s,%{_libexecdir},/usr/libexec,
			s,%{_unitdir},/usr/lib/systemd/system,; s,%{_sysusersdir},/usr/lib/sysusers.d,
			s,%{_tmpfilesdir},/usr/lib/tmpfiles.d,; s,%{_docdir},/usr/share/doc,
			s,%{_mandir},/usr/share/man,; s,%{_datadir},/usr/share,; s,%{name},waymark,'
}

# alpine_moves: what the function exporter() moves out of the main package.
alpine_moves() {
	awk '/^exporter\(\)/ { inside = 1 } inside && $1 == "amove" { for (i = 2; i <= NF; i++) print "/" $i } /^}/ { inside = 0 }' \
		"$src/packaging/alpine/APKBUILD"
}

! grep -q '^systemdsystemunitdir = no$' "$build/Makefile" ||
	skip 'this build installs no units'

install_list debian systemdsystemunitdir=/lib/systemd/system \
	zshcompletionsdir=/usr/share/zsh/vendor-completions
for package in waymark waymark-export; do
	sed 's,^,/,; s, .*,,' "$src/debian/$package.install" >"$work/debian.$package"
done
compare debian "$work/debian.list" "$work/debian.waymark" "$work/debian.waymark-export"

install_list rpm systemdsystemunitdir=/usr/lib/systemd/system
spec_files '' >"$work/rpm.waymark"
spec_files ' export' >"$work/rpm.export"
compare rpm "$work/rpm.list" "$work/rpm.waymark" "$work/rpm.export"

# Alpine: -doc and the completions are taken by path, the rest stays in the main package.
grep -v '/share/\(man\|doc\|zsh\|fish\|bash-completion\)/\|/lib/\(systemd\|sysusers\.d\|tmpfiles\.d\)/' \
	"$work/rpm.list" >"$work/alpine.list"
alpine_moves >"$work/alpine.export"
grep -v 'waymark-export' "$work/alpine.list" >"$work/alpine.waymark"
compare alpine "$work/alpine.list" "$work/alpine.waymark" "$work/alpine.export"

# OpenWrt: programs alone.
# shellcheck disable=SC2016 # $ is make's
openwrt_files() { # SECTION
	awk -v section="define Package/$1/install" '/^define/ { inside = $0 == section } inside' \
		"$src/packaging/openwrt/Makefile" | sed -n 's,.*$(PKG_INSTALL_DIR)\(/[^ ]*\).*,\1,p'
}
grep '^/usr/\(bin\|sbin\|libexec\)/' "$work/rpm.list" >"$work/openwrt.list"
openwrt_files waymark >"$work/openwrt.waymark"
openwrt_files waymark-export >"$work/openwrt.export"
compare openwrt "$work/openwrt.list" "$work/openwrt.waymark" "$work/openwrt.export"

# abuild reads it with the shell of busybox.
none 'alpine: a POSIX shell reads the APKBUILD' "$(sh -n "$src/packaging/alpine/APKBUILD" 2>&1)"

# One version, everywhere.
version=$(sed -n 's/^AC_INIT(\[waymark\], \[\(.*\)\])$/\1/p' "$src/configure.ac")
none 'the packages have the version of configure.ac' "$(
	for found in "$(sed -n '1s/.*(\(.*\)).*/debian \1/p' "$src/debian/changelog")" \
		"$(sed -n 's/^Version: */rpm /p' "$src/packaging/rpm/waymark.spec")" \
		"$(sed -n 's/^pkgver=/alpine /p' "$src/packaging/alpine/APKBUILD")" \
		"$(sed -n 's/^PKG_VERSION:=/openwrt /p' "$src/packaging/openwrt/Makefile")" \
		"$(sed -n 's/^PKG_VERSION:=/luci /p' "$src/packaging/luci-app-waymark/Makefile")"; do
		[ "${found#* }" = "$version" ] || echo "$found"
	done)"

finish
