# Sourced by bench/run after bench/seal.sql: the updates that 16 clients get done in a second,
# with sealing off and on, with a transaction that stays open meanwhile, and chained. Ratios
# are to sealing off in the same round.
# shellcheck shell=bash disable=SC2154

read -r -a ways <<< "${POLICIES:-off on idle chain}"
[ "$seconds" -ge 5 ] || seconds=5 # a few times of sealing

declare -A title=(
	[off]='sealing off' [on]='sealing each second' [idle]='the same, and one idle in transaction' [chain]='a chain, row by row'
)

# A way that can't be set up here is left out, with a word.
set_up()
{
	local way call

	for way in "${ways[@]}"; do
		case $way in
			off) call="SELECT bestauth.audit_table('claim')" ;;
			on | idle) call="SELECT bestauth.audit_seal() WHERE EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'claim'::regclass)" ;;
			*) call='SELECT' ;;
		esac
		if ask -c "$call" > /dev/null 2> "$out/error"; then
			found+=("$way")
		else
			say "$way is left out: $(grep -m 1 'ERROR:' "$out/error")"
		fi
	done
	ways=("${found[@]}")
}

# Rows that a way has written, and those with the right values.
written()
{
	if [ "$1" = chain ]; then
		ask -c "SELECT count(*) FROM chain_log WHERE (old_values ->> 'amount')::int + 1 = (new_values ->> 'amount')::int"
	else
		ask -c "SELECT count(*) FROM bestauth.audit_log WHERE object_type = 'public.claim' AND action = 'row.updated'
			AND (old_values ->> 'amount')::int + 1 = (new_values ->> 'amount')::int"
	fi
}

seal_each_second()
{
	while :; do
		echo 'SELECT bestauth.audit_seal();'
		sleep 1
	done | ask > "$out/sealed"
}

# Keeps a transaction open that has written an audit row.
stay_in_transaction()
{
	{
		echo 'BEGIN; UPDATE claim SET amount = amount + 1 WHERE claim_id = 0; SELECT pg_backend_pid();'
		sleep $((seconds + 60))
	} | ask > "$out/open"
}

# The jobs that a way needs beside its clients, each a process group of its own.
start()
{
	jobs=()
	set -m
	if [ "$1" = idle ]; then
		: > "$out/open"
		stay_in_transaction & jobs+=($!)
		until [ -s "$out/open" ]; do sleep 0.1; done
	fi
	if [ "$1" = on ] || [ "$1" = idle ]; then
		seal_each_second & jobs+=($!)
	fi
	set +m
}

stop()
{
	local job

	for job in "${jobs[@]}"; do
		kill -- "-$job"
		wait "$job" 2> /dev/null || :
	done
}

# Updates a second. What was written must be what was done, and some of it sealed meanwhile.
timed()
{
	local way=$1 table=claim before updates

	[ "$way" != chain ] || table=chained
	# no dead rows, and nothing left over to be sealed
	ask -c "VACUUM $table" -c 'VACUUM chain_head' > /dev/null
	[[ " ${ways[*]} " != *' on '* ]] || ask -c 'SELECT bestauth.audit_seal()' > /dev/null
	before=$(written "$way")
	printf '%s\n' '\set id random(1, 100000)' "UPDATE $table SET amount = amount + 1 WHERE claim_id = :id;" > "$out/update.pgb"
	start "$way"
	pgbench -n -M prepared -U bench_app -c 16 -j 2 -T "$seconds" -f "$out/update.pgb" bench > "$out/pgbench.out" 2> "$out/error" ||
		die "$way: pgbench failed: $(head -c 1000 "$out/error")"
	stop
	updates=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$out/pgbench.out")
	[ $(($(written "$way") - before)) = "$updates" ] || die "$way: $updates updates, but $(($(written "$way") - before)) rows"
	[ "${#jobs[@]}" = 0 ] || [ "$(awk '{ sum += $1 } END { print (sum > updates / 2) }' updates="$updates" "$out/sealed")" = 1 ] ||
		die "$way: of $updates rows were sealed: $(xargs < "$out/sealed")"
	sed -n 's/^tps = \([0-9.]*\) .*/\1/p' "$out/pgbench.out" >> "$out/$way.tps"
}

# That the chains hold.
verify()
{
	if [[ " ${ways[*]} " = *' chain '* ]]; then
		[ "$(ask -c 'SELECT bool_and(row_hash = link_hash(log, previous)) FROM
			(SELECT l AS log, row_hash, lag(row_hash, 1, $$$$::bytea) OVER (ORDER BY link) AS previous FROM chain_log l) c')" = t ] ||
			die 'the chain is broken'
	fi
	if [[ " ${ways[*]} " = *' on '* ]]; then
		[ "$(ask -c 'SELECT ok FROM bestauth.audit_verify()')" = t ] || die "$(ask -c 'SELECT * FROM bestauth.audit_verify()')"
	fi
}

matrix()
{
	local way round i

	out=$WORK/seal
	mkdir "$out"
	set_up
	began=$SECONDS
	for round in $(seq "$rounds"); do
		[ $((SECONDS - began)) -lt "$budget" ] || { rounds=$((round - 1)); break; }
		say "round $round of $rounds"
		for ((i = 0; i < ${#ways[@]}; i++)); do
			timed "${ways[(i + round - 1) % ${#ways[@]}]}"
		done
	done
	verify
	echo "16 clients, $rounds rounds of $seconds seconds, fsync $(ask -c 'SHOW fsync'): updates a second, ratios to the first"
	for way in "${ways[@]}"; do
		printf '%-40s%10.0f%10.2f\n' "${title[$way]}" "$(median < "$out/$way.tps")" \
			"$(paste "$out/$way.tps" "$out/${ways[0]}.tps" | awk '{ print $1 / $2 }' | median)"
	done
}
