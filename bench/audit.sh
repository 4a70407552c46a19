# Sourced by bench/run after bench/audit.sql: cases x ways to audit, each way with a table of
# its own. A round measures a case in all ways one after the other, from the same state; what
# they wrote is then checked. A ratio is to the limit of the same round.
# shellcheck shell=bash disable=SC2154

read -r -a ways <<< "${POLICIES:-limit used second bestauth session plpgsql supa hstore pgaudit}"
read -r -a cases <<< "${CASES:-insert update delete many bulk bulkinsert bulkdelete}"
all=10000 # rows of a table
slow=1000 # ms: a transaction of many that takes longer is measured twice
series=$((seconds * 500 < all ? seconds * 500 : all)) # transactions of one row

declare -A title=(
	[insert]='insert 1 row' [update]='update 1 row' [delete]='delete 1 row'
	[many]='5,000 updates in a transaction' [bulk]='update 10,000 rows'
	[bulkinsert]='insert 10,000 rows' [bulkdelete]='delete 10,000 rows'
)
declare -A op=(
	[insert]=INSERT [update]=UPDATE [delete]=DELETE [many]=UPDATE [bulk]=UPDATE [bulkinsert]=INSERT [bulkdelete]=DELETE
)
declare -A changes=([insert]=$series [update]=$series [delete]=$series [many]=5000 [bulk]=$all [bulkinsert]=$all [bulkdelete]=$all)

# change_of CASE WAY: of one row, whose number is @, or of all
change_of()
{
	case $1 in
		insert)
			echo "INSERT INTO claim_$2 VALUES (@::bigint, '$company', 'Maria Maier'," \
				"'NPI 1234567893', '2026-03-02', '99213', @::bigint * 0.01, 'new'," \
				"'seen again in two weeks, asks for the report by mail', '2026-03-02 10:20:30+00')" ;;
		update | many) echo "UPDATE claim_$2 SET amount = amount + 1, status = 'paid' WHERE claim_id = @" ;;
		delete) echo "DELETE FROM claim_$2 WHERE claim_id = @" ;;
		bulk) echo "UPDATE claim_$2 SET amount = amount + 1, status = 'paid'" ;;
		bulkinsert) echo "INSERT INTO claim_$2 SELECT * FROM claim" ;;
		bulkdelete) echo "DELETE FROM claim_$2" ;;
	esac
}

# The hand-written audit that goes with it, of the way that has it.
second_of()
{
	local many=false

	[ "$2" = second ] || return 0
	[[ $1 != bulk* ]] || many=true
	ask -c "SELECT second_insert('${op[$1]}', $many)"
}

is_one()
{
	[ "$1" = insert ] || [ "$1" = update ] || [ "$1" = delete ]
}

in_session()
{
	case $1 in used | session) echo "SELECT FROM bestauth.use_session('$token');" ;; esac
}

role_of()
{
	[ "$1" = pgaudit ] && echo bench_pgaudit || echo bench_app
}

# A way that can't be set up here is left out, with a word.
set_up()
{
	local way

	if [[ " ${ways[*]} " = *' pgaudit '* && -e $("$PG_CONFIG" --pkglibdir)/pgaudit.so ]]; then
		echo "shared_preload_libraries = 'pgaudit'" >> "$WORK/data/postgresql.conf"
		pg_ctl -D "$WORK/data" -l "$WORK/server.log" -s -w restart
	fi
	for way in "${ways[@]}"; do
		if ask -1 -v table="claim_$way" -v reset="reset_$way" -v written="written_$way" > /dev/null 2> "$out/error" \
			-c "CREATE TABLE claim_$way (LIKE claim INCLUDING INDEXES)" \
			-c "GRANT SELECT, INSERT, UPDATE, DELETE ON claim_$way TO bench_app" -f "bench/audit/$way.sql"
		then
			found+=("$way")
		else
			say "$way is left out: $(grep -m 1 'ERROR:' "$out/error")"
		fi
	done
	ways=("${found[@]}")
	[ "${ways[0]}" = limit ] || die 'limit comes first in POLICIES'
}

# The script of a case: for pgbench a transaction of one row, as an application sends it; for
# psql one of many, after what only the first call in a backend costs.
script()
{
	local case=$1 way=$2 change second types='' warm

	change=$(change_of "$case" "$way")
	second=$(second_of "$case" "$way")
	if is_one "$case"; then
		printf '%s\n' '\set i :i + 1' 'BEGIN;' "$(in_session "$way")" ${second:+'\startpipeline'} "${change//@/:i};" \
			${second:+"${second//@/:i};"} ${second:+'\endpipeline'} 'COMMIT;' > "$out/$case.$way.pgb"
		return
	fi
	warm="$change WHERE claim_id = 7"
	[ "$case" != many ] || types='(bigint)' warm=${change//@/7}
	{
		echo "PREPARE change$types AS ${change//@/\$1};"
		[ "$second" = '' ] || echo "PREPARE second$types AS ${second//@/\$1};"
		echo "BEGIN; $(in_session "$way") $warm; ROLLBACK;"
		echo "BEGIN; $(in_session "$way")"
		echo 'SELECT clock_timestamp() AS began \gset'
		if [ "$case" = many ]; then
			seq "${changes[many]}" | sed "s/.*/EXECUTE change(&)${second:+\\\\; EXECUTE second(&)};/"
		else
			echo "EXECUTE change${second:+\\; EXECUTE second};"
		fi
		echo 'COMMIT;'
		echo "SELECT extract(epoch FROM clock_timestamp() - :'began') * 1000;"
	} > "$out/$case.$way.sql"
}

# The tables as the case wants them, and no audit rows: for all ways before any is measured.
prepare()
{
	local case=$1 way

	for way in "${ways[@]}"; do
		echo "TRUNCATE claim_$way;"
		[ "${op[$case]}" = INSERT ] || echo "INSERT INTO claim_$way SELECT * FROM claim;"
		# room for the new versions of rows, as in any table that lives
		[ "${op[$case]}" != UPDATE ] || echo "UPDATE claim_$way SET amount = amount;"
		echo "SELECT to_regproc('reset_$way') IS NOT NULL AS resets \\gset"
		printf '%s\n' '\if :resets' "SELECT reset_$way();" '\endif'
		echo "VACUUM ANALYZE claim_$way;"
	done > "$out/prepare.sql"
	PGOPTIONS='-c session_replication_role=replica' ask -f "$out/prepare.sql" > /dev/null || die "$case: could not be prepared"
}

# Milliseconds of a transaction of one row (without the first tenth, when a backend warms up,
# and the slowest hundredth, which is the machine's), or of the one of many.
timed()
{
	local case=$1 way=$2

	if is_one "$case"; then
		rm -f "$out"/log.*
		pgbench -n -M prepared -D i=0 -U "$(role_of "$way")" -t "$series" -l --log-prefix="$out/log" \
			-f "$out/$case.$way.pgb" bench > "$out/error" 2>&1 || die "$case, $way: pgbench failed: $(head -c 1000 "$out/error")"
		awk -v first=$((series / 10)) 'NR > first { print $3 }' "$out"/log.* | sort -n |
			awk '{ v[NR] = $1 } END { for (n = 1; n <= NR * 0.99; n++) sum += v[n]; printf "%.5f\n", sum / (n - 1) / 1000 }'
	else
		ask -U "$(role_of "$way")" -f "$out/$case.$way.sql" | tail -n 1
	fi
}

# Fails when what was written is not what was changed.
check()
{
	local case=$1 way=$2 n=${changes[$1]} written right

	case $way in
		limit | used) return ;;
		pgaudit)
			written=$(tail -c "+$((log_size + 1))" "$WORK/server.log" | grep -c "AUDIT: SESSION,.*,WRITE,${op[$case]},")
			# a statement each, and the warming up
			is_one "$case" || { [ "$case" = many ] && n=$((n + 1)) || n=2; }
			[ "$written" = "$n" ] || die "$case, pgaudit: $written lines, not $n"
			return ;;
	esac
	case ${op[$case]} in
		# all that are inserted one by one are of one company
		INSERT) right="w.old IS NULL AND w.new - 'company_id' = to_jsonb(c) - 'company_id'" ;;
		DELETE) right='w.new IS NULL AND w.old = to_jsonb(c)' ;;
		UPDATE) right="w.old @> jsonb_build_object('amount', c.amount, 'status', c.status)
			AND w.new @> jsonb_build_object('amount', c.amount + 1, 'status', 'paid')" ;;
	esac
	# its values are ready-made, of one row
	[ "$way" != second ] || [[ $case = bulk* ]] || right=true
	right="SELECT count(*) FROM written_$way w JOIN claim c USING (claim_id) WHERE claim_id % 97 = 7 AND w.op = '${op[$case]}' AND $right"
	written=$(ask -c "SELECT count(*) || ' rows of ' || count(DISTINCT claim_id) || ', right: ' || ($right) FROM written_$way")
	[ "$written" = "$n rows of $n, right: $(((n - 7) / 97 + 1))" ] || die "$case, $way: $written; not $n"
}

report()
{
	local case way

	echo "$rounds rounds of $series transactions of one row, fsync $(ask -c 'SHOW fsync'): ratios to the limit"
	printf '%-32s%12s' '' 'limit, ms'
	printf '%12s' "${ways[@]:1}"
	echo
	for case in "${cases[@]}"; do
		printf '%-32s%12.3f' "${title[$case]}" "$(median < "$out/$case.limit.ms")"
		for way in "${ways[@]:1}"; do
			printf '%12.2f' "$(ratios "$case" "$way" | median)"
		done
		echo
	done
}

# To the limit of the same round; for one row in a session, without what use_session costs.
ratios()
{
	if [ "$2" = session ] && is_one "$1"; then
		paste "$out/$1.limit.ms" "$out/$1.session.ms" "$out/$1.used.ms" | awk 'NF == 3 { print ($2 - $3) / $1 + 1 }'
	else
		paste "$out/$1.limit.ms" "$out/$1.$2.ms" | awk 'NF == 2 { print $2 / $1 }'
	fi
}

matrix()
{
	local case way round i

	out=$WORK/audit
	mkdir "$out"
	token=$(ask -c 'SELECT session_token FROM entered')
	company=$(ask -c "SELECT company_id FROM bestauth.company WHERE code = 'clinic'")
	set_up
	for case in "${cases[@]}"; do
		for way in "${ways[@]}"; do
			script "$case" "$way"
		done
	done
	began=$SECONDS
	for round in $(seq "$rounds"); do
		[ $((SECONDS - began)) -lt "$budget" ] || { rounds=$((round - 1)); break; }
		say "round $round of $rounds"
		for case in "${cases[@]}"; do
			prepare "$case"
			for ((i = 0; i < ${#ways[@]}; i++)); do
				way=${ways[(i + round - 1) % ${#ways[@]}]}
				[ "$round" -le 2 ] || [ "$(median < "$out/$case.$way.ms" | awk -v slow=$slow '{ print $1 < slow }')" = 1 ] || continue
				log_size=$(stat -c %s "$WORK/server.log")
				timed "$case" "$way" >> "$out/$case.$way.ms"
				check "$case" "$way"
			done
		done
	done
	report
}
