# Shared by test/packages, test/run, test/suites and demo/run. Sourced, not run.
# shellcheck shell=bash disable=SC2154

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
is_root=$([ "$(id -u)" = 0 ] && echo yes || echo no)
safe_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
work=

say()
{
	echo "$*"
}

die()
{
	echo "$*" >&2
	exit 1
}

# An extension can be built and tested with this pg_config.
usable()
{
	local pgxs

	pgxs=$("$1" --pgxs 2>/dev/null) || return 1
	[ -x "$("$1" --bindir)/postgres" ] &&
		[ -e "$("$1" --includedir-server)/postgres.h" ] &&
		[ -x "${pgxs%/makefiles/*}/test/regress/pg_regress" ]
}

# Prints the pg_config to use: the caller's, else the newest that is usable.
find_pg_config()
{
	local candidate

	if [ -n "${PG_CONFIG:-}" ]; then
		usable "$PG_CONFIG" || return 1
		realpath -s "$(command -v "$PG_CONFIG")"
		return
	fi
	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV) pg_config; do
		if usable "$candidate"; then
			command -v "$candidate"
			return
		fi
	done
	return 1
}

# Prints the major version of a pg_config.
major_of()
{
	"$1" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'
}

# Makes $work with a copy of the tree in $work/tree, without .git and what was
# built. It goes away when the script ends, and servers that run in it do too.
# Root gives it to an ordinary user, since PostgreSQL refuses to run as root.
start_work()
{
	work=$(mktemp -d "/tmp/bestauth-$1.XXXXXX")
	trap stop_work EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP

	mkdir "$work/tree" "$work/tmp"
	{
		# status 1: somebody is editing the tree meanwhile
		tar -C "$root" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
			--exclude=./tmp_check --exclude=./results --exclude=./test/failures \
			--warning=no-file-changed -cf - . || [ $? = 1 ]
	} | tar -C "$work/tree" --no-same-owner -xf -

	if [ "$is_root" = yes ]; then
		work_user=postgres
		id $work_user >/dev/null 2>&1 || work_user=nobody
		chown -R "$work_user:" "$work"
	fi
}

stop_work()
{
	local pidfile pid

	# a second Ctrl-C must not leave things behind
	trap '' INT TERM HUP
	find "$work" -name postmaster.pid 2>/dev/null | while read -r pidfile; do
		pid=$(head -n 1 "$pidfile")
		[ "$(readlink "/proc/$pid/cwd")" = "${pidfile%/*}" ] || continue
		kill -QUIT "$pid" 2>/dev/null || continue
		for _ in $(seq 50); do
			[ -e "/proc/$pid" ] || break
			sleep 0.1
		done
	done
	rm -rf "$work"
}

# Runs a command in the copy, not as root, with a clean environment, for the
# PostgreSQL of $pg_config.
in_work()
{
	local become=()

	if [ "$is_root" = yes ]; then
		become=(runuser -u "$work_user" --)
	fi
	(
		cd "$work/tree"
		exec "${become[@]}" env -i PATH=$safe_path LANG=C.UTF-8 HOME="$work" TMPDIR="$work/tmp" \
			WORK="$work" PG_CONFIG="$pg_config" COPT="${COPT:-}" WERROR="${WERROR--Werror}" \
			TEST_TIMEOUT="${TEST_TIMEOUT:-3600}" PROVE_FLAGS="${PROVE_FLAGS:-}" \
			BESTAUTH_ENVIRONMENT_TESTS="${BESTAUTH_ENVIRONMENT_TESTS:-}" "$@"
	)
}

# In the copy: builds, installs into $WORK/stage, and writes $WORK/stage.conf,
# the settings with which a server finds the extension there.
build_and_stage()
{
	local major sharedir libdir bin

	major=$(major_of "$PG_CONFIG")
	bin=$("$PG_CONFIG" --bindir)
	sharedir=$("$PG_CONFIG" --sharedir)
	libdir=$("$PG_CONFIG" --pkglibdir)
	# shellcheck disable=SC2153
	stage=$WORK/stage

	make -s clean PG_CONFIG="$PG_CONFIG"
	make -s -j"$(nproc)" with_llvm=no PG_CONFIG="$PG_CONFIG" WERROR="$WERROR" all || return

	if [ "$major" -lt 18 ] && ! grep -q extension_destdir "$bin/postgres"; then
		# built from source: extensions load from its own folders only
		stage=
		: > "$WORK/stage.conf"
		[ -w "$libdir" ] ||
			die "PostgreSQL $major in $bin can't load a staged extension, and $libdir is not writable."
	elif [ "$major" -lt 18 ]; then
		cat > "$WORK/stage.conf" <<-END
			extension_destdir = '$stage'
			dynamic_library_path = '$stage$libdir:\$libdir'
		END
	else
		cat > "$WORK/stage.conf" <<-END
			extension_control_path = '$stage$sharedir:\$system'
			dynamic_library_path = '$stage$libdir:\$libdir'
		END
	fi
	make -s with_llvm=no PG_CONFIG="$PG_CONFIG" WERROR="$WERROR" DESTDIR="$stage" install > "$WORK/install.log" ||
		{ cat "$WORK/install.log"; return 1; }
}
