#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rpm.sh - proves that the RPM packages build from the tarball with Debian's rpmbuild, contain what
# "make install" installs, install into an empty root and run from there. Macros of Fedora that
# Debian's rpm lacks have stand-ins: scriptlets are read, not run.
#
#	NOCHECK=1 tests/package/rpm.sh	without the unit tests
#
# It builds for minutes and so is run by hand.

LIB_DIR=$(cd "${0%/*}/../netns" && pwd)
. "$LIB_DIR/lib.sh"

for tool in rpmbuild rpm rpm2cpio cpio; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done

top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT

# What Fedora's systemd-rpm-macros and redhat-rpm-config define.
cat >"$top/macros" <<-'END'
	%_topdir %{getenv:RPM_TOP}
	%_unitdir /usr/lib/systemd/system
	%_sysusersdir /usr/lib/sysusers.d
	%_tmpfilesdir /usr/lib/tmpfiles.d
	%_docdir /usr/share/doc
	%sysusers_create_compat() sysusers %1
	%tmpfiles_create() tmpfiles %1
	%systemd_post() post %1
	%systemd_preun() preun %1
	%systemd_postun_with_restart() restart %1
	%debug_package %{nil}
END
RPM_TOP=$top
export RPM_TOP

# rpm_with COMMAND...: rpm or rpmbuild with these macros, and a database of its own.
rpm_with() {
	local tool=$1
	shift
	"$tool" --macros="$(rpm --showrc | sed -n 's/^Macro path: *//p'):$top/macros" --dbpath="$top/db" "$@"
}

build() {
	mkdir -p "$top/SOURCES"
	(cd "$top_build" && make -s dist) && cp "$top_build"/waymark-[0-9]*.tar.gz "$top/SOURCES" &&
		# Debian's packages bring the libraries under other names.
		rpm_with rpmbuild --nodeps ${NOCHECK:+--nocheck} -bb "$top_src/packaging/rpm/waymark.spec"
}

check 'the packages build and their tests pass' sh -c 'exit $1' - "$(build >"$top/log" 2>&1; echo $?)" ||
	{ diag "$(tail -n 30 "$top/log")"; done_testing; }
main=$(echo "$top"/RPMS/*/waymark-[0-9]*.rpm) export=$(echo "$top"/RPMS/*/waymark-export-[0-9]*.rpm)
check_not 'rpmbuild warns of nothing' grep -i '^warning:' "$top/log"

# What "make install" installs is in the packages, and nothing else but the licence.
(cd "$top_build" && make -s install DESTDIR="$top/installed" prefix=/usr sysconfdir=/etc localstatedir=/var \
	systemdsystemunitdir=/usr/lib/systemd/system) >"$top/log" 2>&1 || die "make install: $(tail -n 5 "$top/log")"
(cd "$top/installed" && find . ! -type d | sed 's,^\.,,' | sort) >"$top/wanted"
for package in "$main" "$export"; do
	rpm_with rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$package"
done | sed -n '/^d/d; s/^[^ ]* //p' | grep -v '/licenses/\|/\.build-id/' | sed '/\/man\//s/\.gz$//' | sort >"$top/packed"
is 'they have the files that "make install" installs' "$(diff "$top/wanted" "$top/packed")" ''
is 'the exporter needs the main package' "$(rpm_with rpm -qp --requires "$export" | grep -c '^waymark(.*) = ')" 1
is 'neither needs a program or file that is in none' "$(for package in "$main" "$export"; do
	rpm_with rpm -qp --requires "$package"
done | grep '^/' | sort -u | grep -v '^/bin/sh$\|^/usr/bin/\(env\|sh\)$')" ''

# Installed in an empty root, next to the libraries of this machine.
mkdir "$top/root"
check 'they install' rpm_with rpm --root "$top/root" --nodeps --noscripts --ignorearch -i "$main" "$export"
is 'the program runs from there' "$("$top/root/usr/bin/waymark" --version | head -n 1)" \
	"$("$WAYMARK" --version | head -n 1)"
check 'the example is valid' "$top/root/usr/bin/waymark" -c "$top/root/usr/share/doc/waymark/waymark.conf.example" check --config
check 'they are removed' rpm_with rpm --root "$top/root" --nodeps --noscripts -e waymark waymark-export
is 'nothing is left' "$(find "$top/root" -name '*waymark*')" ''

done_testing
