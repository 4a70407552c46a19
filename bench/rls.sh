# Sourced by bench/run after bench/rls.sql: cases x policies. Every query is checked
# against the limit's answer before anything is measured; each round then measures a case
# under all policies one after the other, and a ratio is to the limit of the same round.
# shellcheck shell=bash disable=SC2016,SC2154

read -r -a policies <<< "${POLICIES:-limit bestauth nosupport array subselect plpgsql}"
read -r -a cases <<< "${CASES:-full sum count key top one batch parallel anew whole}"
slow=3000 # ms: what takes longer is measured once

# @ is where the limit has its condition; $1 is what a query is asked for.
declare -A query=(
	[full]='SELECT count(*), sum(amount) FROM unindexed WHERE @'
	[sum]='SELECT sum(amount) FROM claim WHERE @'
	[count]='SELECT count(*) FROM claim WHERE @'
	[key]='SELECT * FROM claim WHERE claim_id = $1 AND @'
	[top]='SELECT claim_id, serviced_at, amount FROM claim WHERE @ ORDER BY serviced_at DESC LIMIT 20'
	[one]='SELECT claim_id, serviced_at, amount FROM claim WHERE company_id = $1 AND @ ORDER BY serviced_at DESC LIMIT 20'
)
query[batch]=${query[key]} query[parallel]=${query[full]} query[anew]=${query[key]} query[whole]=${query[key]}
declare -A argument=([key]=bigint [batch]=bigint [anew]=bigint [whole]=bigint [one]=uuid)
declare -A title=(
	[full]='full scan, no index' [sum]='sum over an index' [count]='count, index-only' [key]='row by key'
	[top]='top 20 of all' [one]='top 20 of one company' [batch]='row by key, 50 a round trip'
	[parallel]='full scan, one parallel worker' [anew]='row by key, plan made anew'
	[whole]='use_session and a row by key'
)

# query_of CASE POLICY
query_of()
{
	local condition=true

	[ "$2" != limit ] || condition="company_id = ANY ('$held')"
	printf '%s' "${query[$1]/@/$condition}"
}

options_of()
{
	[ "$1" != parallel ] || echo '-c max_parallel_workers_per_gather=1'
}

# What a case asks for in the check: nothing; a company; or rows, the first of which the
# user may see, the others of their neighbours and of no company.
arguments_of()
{
	case ${argument[$1]:-} in
		uuid) printf "('%s')\n" "$one" "$one" "$one" "$one" "$one" "$one" "$foreign" ;;
		bigint) for n in 0 1 2 3 5 8 13 $((rows / 2 - rows / 2 % companies)) -1; do echo "($n)"; done ;;
		*) printf '\n' ;;
	esac
}

# The limit itself, against a join.
check_limit()
{
	local seen

	seen=$(ask -U bench_limit <<< "$(query_of full limit)")
	[ "$seen" = "$(ask -c 'SELECT count(*), sum(amount) FROM unindexed JOIN held USING (company_id)')" ] ||
		die "the limit does not see what the user may see, but $seen"
}

# Fails when a policy shows anything else than the limit does. Keeps the plan.
check()
{
	local case=$1 policy=$2 list=() arguments=

	[ "${argument[$case]:-}" = '' ] || arguments="(${argument[$case]})"
	mapfile -t list < <(arguments_of "$case")
	{
		echo "PREPARE q$arguments AS $(query_of "$case" "$policy");"
		echo "BEGIN; SELECT FROM bestauth.use_session('$token');"
		printf 'EXECUTE q%s;\n' "${list[@]}"
		echo "\\o $out/$case.$policy.plan"
		echo "EXPLAIN (COSTS OFF) EXECUTE q${list[0]};"
		echo 'COMMIT;'
	} > "$out/check.sql"
	PGOPTIONS=$(options_of "$case") ask -U "bench_$policy" -f "$out/check.sql" > "$out/$case.$policy.rows" ||
		die "$case, $policy: failed"
	[ -s "$out/$case.$policy.rows" ] || die "$case, $policy: no rows"
	cmp -s "$out/$case.limit.rows" "$out/$case.$policy.rows" ||
		die "$case, $policy: not the limit's rows: $(diff "$out/$case.limit.rows" "$out/$case.$policy.rows" | head -n 5)"
}

# The script of a case for pgbench: the session once a transaction, then the queries.
script()
{
	local case=$1 policy=$2 times=1 i

	case $case in
		key | anew | one | top) times=20 ;;
		batch) times=50 ;;
	esac
	if [ "$case" != anew ]; then
		printf '%s\n' '\if :prepared = 0' \
			"PREPARE q${argument[$case]:+(${argument[$case]})} AS $(query_of "$case" "$policy");" \
			'\set prepared 1' '\endif'
	fi
	if [ "${argument[$case]:-}" = bigint ]; then
		for ((i = 0; i < times; i++)); do
			echo "\\set k$i random(0, $children - 1)"
			echo "\\set n$i random(0, $rows / $companies - 1) * $companies + :k$i * $companies / $children"
		done
	fi
	echo 'BEGIN;'
	echo "SELECT FROM bestauth.use_session('$token');"
	for ((i = 0; i < times; i++)); do
		case $case in
			anew) echo "$(query_of "$case" "$policy" | sed "s/\$1/:n$i/");" ;;
			batch) printf 'EXECUTE q(:n%s)%s' "$i" "$([ "$i" = 49 ] || printf '\\; ')" ;;
			one) echo "EXECUTE q('$one');" ;;
			*) echo "EXECUTE q${argument[$case]:+(:n$i)};" ;;
		esac
	done
	[ "$case" != batch ] || echo ';'
	echo 'COMMIT;'
}

# Milliseconds of one query, or of the whole transaction.
timed()
{
	local case=$1 policy=$2 seconds=$3

	PGOPTIONS=$(options_of "$case") pgbench -n -r -M simple -D prepared=0 -U "bench_$policy" -T "$seconds" \
		-f "$out/$case.$policy.pgb" bench 2> "$out/pgbench.log" > "$out/pgbench.out" ||
		die "$case, $policy: pgbench failed: $(head -c 1000 "$out/pgbench.log")"
	case $case in
		whole) sed -n 's/^latency average = \([0-9.]*\) ms/\1/p' "$out/pgbench.out" ;;
		*) awk -v batch="$([ "$case" = batch ] && echo 50 || echo 1)" '
			$3 == "EXECUTE" || ($3 == "SELECT" && $4 != "FROM") { sum += $1; n++ }
			END { printf "%.5f\n", sum / n / batch }' "$out/pgbench.out" ;;
	esac
}

scan_of()
{
	sed -n 's/^[ >-]*\([A-Z][A-Za-z ]* Scan\).*/\1/p' "$out/$1.$2.plan" | head -n 1
}

report()
{
	local case policy

	echo "$rows rows, $companies companies, a user with $children, $rounds rounds: ratios to the limit"
	printf '%-32s%12s' '' 'limit, ms'
	printf '%12s' "${policies[@]:1}"
	echo
	for case in "${cases[@]}"; do
		printf '%-32s%12.3f' "${title[$case]}" "$(median < "$out/$case.limit.ms")"
		for policy in "${policies[@]:1}"; do
			printf '%12.2f' "$(paste "$out/$case.$policy.ms" "$out/$case.limit.ms" |
				awk 'NF == 2 { print $1 / $2 }' | median)"
		done
		echo
	done
	echo 'Scans of the limit, and of policies that have another:'
	for case in "${cases[@]}"; do
		printf '%-32s%s' "${title[$case]}" "$(scan_of "$case" limit)"
		for policy in "${policies[@]:1}"; do
			[ "$(scan_of "$case" "$policy")" = "$(scan_of "$case" limit)" ] || printf '; %s: %s' "$policy" "$(scan_of "$case" "$policy")"
		done
		echo
	done
	[ -z "${PLANS:-}" ] || for case in "${cases[@]}"; do
		for policy in "${policies[@]}"; do
			echo "--- ${title[$case]}, $policy"
			cut -c 1-160 "$out/$case.$policy.plan"
		done
	done
}

matrix()
{
	local case policy round i

	out=$WORK/rls
	mkdir "$out"
	if [ "$rows" -lt "$companies" ] || [ "$companies" -lt "$children" ]; then
		die "ROWS >= COMPANIES >= CHILDREN, please"
	fi
	[ "${policies[0]}" = limit ] || die 'limit comes first in POLICIES'
	token=$(ask -c 'SELECT session_token FROM entered')
	held=$(ask -c 'SELECT array_agg(company_id ORDER BY company_id) FROM held')
	one=$(ask -c "SELECT company_id FROM held JOIN claim USING (company_id) ORDER BY company_id LIMIT 1")
	foreign=$(ask -c "SELECT coalesce((SELECT company_id FROM claim EXCEPT SELECT company_id FROM held LIMIT 1), gen_random_uuid())")
	check_limit
	for case in "${cases[@]}"; do
		for policy in "${policies[@]}"; do
			check "$case" "$policy"
			script "$case" "$policy" > "$out/$case.$policy.pgb"
		done
	done
	say 'every policy shows the rows of the limit'
	for round in $(seq "$rounds"); do
		say "round $round of $rounds"
		for case in "${cases[@]}"; do
			for ((i = 0; i < ${#policies[@]}; i++)); do
				policy=${policies[(i + round - 1) % ${#policies[@]}]}
				[ "$round" = 1 ] || [ "$(awk -v slow=$slow 'NR == 1 { print $1 < slow }' "$out/$case.$policy.ms")" = 1 ] || continue
				timed "$case" "$policy" "$seconds" >> "$out/$case.$policy.ms"
			done
		done
	done
	report
}
