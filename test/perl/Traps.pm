# A schema of traps to stand first in a search path: twins of PostgreSQL's operators,
# functions, aggregates and casts, and better matches of them for varchar and text[].
# Each gives what the original gives, so that a script which meets them prints
# what it would print without; but when it is the extension that steps into one,
# which its queries' user tells, that is a warning, to the client and in the server's
# log, and moves a sequence, which no rollback takes back.
#
# Not here, since scripts would print other things with them: domains called like
# types, and relations called like those of pg_catalog (test/sql/hostile.sql has them).
# A script can't have a full join or compare rows with these operators: they belong to
# no operator family. It names PostgreSQL's own there.
package Traps;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(trap_sql steps_sql);

# How often somebody stepped into one.
sub steps_sql
{
	return 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM trap.steps';
}

# What makes the schema; the tables are names that it takes as well.
sub trap_sql
{
	my (@tables) = @_;

	return join '', base_sql(), operators_sql(), functions_sql(), aggregates_sql(), casts_sql(),
	  map { "CREATE TABLE trap.$_ ();\n" } @tables;
}

sub base_sql
{
	return <<'SQL';
SET search_path = pg_catalog;
SET client_min_messages = warning;
CREATE SCHEMA trap;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
CREATE SEQUENCE trap.steps;
CREATE FUNCTION trap.step(trap text) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog SET client_min_messages = warning SET log_min_messages = warning AS $$
BEGIN
	PERFORM nextval('trap.steps');
	RAISE WARNING 'stepped into %', trap;
	RETURN true;
END
$$;
-- The body of a trap: short, so that the planner takes it into the query, which makes
-- it fast. Who is not the extension: another user, or somebody who took the role.
CREATE FUNCTION pg_temp.body(trap text, expression text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT CASE WHEN CURRENT_USER OPERATOR(pg_catalog.<>) ''bestauth_owner''::pg_catalog.name'
		' OR pg_catalog.current_setting(''role'') OPERATOR(pg_catalog.=) ''bestauth_owner'''
		' OR trap.step(%L) THEN %s END', trap, expression)
$$;
CREATE FUNCTION pg_temp.parallel(parallel "char") RETURNS text LANGUAGE sql AS $$
	SELECT CASE parallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END
$$;
-- What an SQL function can take and return.
CREATE FUNCTION pg_temp.usable(VARIADIC types oid[]) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and(typtype <> 'p' OR typname ~ '^any(array|element|nonarray|compatible.*|range|multirange)$')
	FROM unnest(types) t JOIN pg_type ON pg_type.oid = t
$$;
SQL
}

sub operators_sql
{
	return <<'SQL';
CREATE FUNCTION pg_temp.operator(name text, l text, r text, result text, expression text, parallel "char" = 's') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	trap text := format('%s (%s, %s)', name, l, r);
BEGIN
	EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE sql PARALLEL %s AS %L',
		trap, concat_ws(', ', l, r), result, pg_temp.parallel(parallel), pg_temp.body(trap, expression));
	EXECUTE format('CREATE OPERATOR trap.%s (FUNCTION = trap.%I%s, RIGHTARG = %s)', name, trap, ', LEFTARG = ' || l, r);
END
$$;
SELECT count(pg_temp.operator(oprname, CASE WHEN oprleft <> 0 THEN oprleft::regtype::text END, oprright::regtype::text,
	oprresult::regtype::text, CASE WHEN oprleft = 0 THEN format('OPERATOR(pg_catalog.%s) $1', oprname)
		ELSE format('$1 OPERATOR(pg_catalog.%s) $2', oprname) END, proparallel))
FROM pg_operator JOIN pg_proc ON pg_proc.oid = oprcode
WHERE oprnamespace = 'pg_catalog'::regnamespace
	AND pg_temp.usable(CASE WHEN oprleft = 0 THEN oprright ELSE oprleft END, oprright, oprresult);
-- Better matches than PostgreSQL has itself.
SELECT count(pg_temp.operator(name, l, r, CASE name WHEN '||' THEN 'text' ELSE 'boolean' END,
	format('$1::pg_catalog.text OPERATOR(pg_catalog.%s) $2::pg_catalog.text', name)))
FROM unnest('{=,<>,<,>,<=,>=,||,~,~*,!~,~~,~~*}'::text[]) name,
	(VALUES ('varchar', 'varchar'), ('text', 'varchar'), ('varchar', 'text')) v (l, r);
SELECT count(pg_temp.operator(name, 'text[]', 'text[]', 'boolean', format('$1 OPERATOR(pg_catalog.%s) $2', name)))
FROM unnest('{=,<>,<,>,<=,>=,@>,<@,&&}'::text[]) name;
SQL
}

sub functions_sql
{
	return <<'SQL';
CREATE FUNCTION pg_temp.function(name text, args text, result text, expression text, parallel "char" = 's') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE sql PARALLEL %s AS %L',
		name, args, result, pg_temp.parallel(parallel), pg_temp.body(format('%s(%s)', name, args), expression));
END
$$;
SELECT count(pg_temp.function(proname, pg_get_function_identity_arguments(oid), prorettype::regtype::text,
	format('pg_catalog.%I(%s)', proname, (SELECT string_agg('$' || n, ', ') FROM generate_series(1, pronargs) n)), proparallel))
FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND NOT proretset AND provariadic = 0
	AND pronargdefaults = 0 AND proargmodes IS NULL AND proargnames IS NULL
	AND pg_temp.usable(VARIADIC proargtypes::oid[] || prorettype)
	AND NOT EXISTS (SELECT FROM pg_proc twin WHERE twin.pronamespace = 'trap'::regnamespace
		AND twin.proname = pg_proc.proname AND twin.proargtypes = pg_proc.proargtypes);
-- Of pgcrypto's, which hashes the passwords.
SELECT count(pg_temp.function(name, args, result, 'NULL::pg_catalog.' || result)) FROM (VALUES
	('crypt', 'text, text', 'text'), ('gen_salt', 'text', 'text'), ('gen_salt', 'text, integer', 'text'),
	('gen_random_bytes', 'integer', 'bytea'), ('digest', 'text, text', 'bytea'), ('digest', 'bytea, text', 'bytea'),
	('hmac', 'text, text, text', 'bytea'), ('hmac', 'bytea, bytea, text', 'bytea')) v (name, args, result);
SQL
}

sub aggregates_sql
{
	return <<'SQL';
DO $$
DECLARE
	a record;
BEGIN
	FOR a IN SELECT p.oid, proname, CASE WHEN pronargs = 0 THEN '*' ELSE oidvectortypes(proargtypes) END AS args, aggtransfn,
			aggtranstype::regtype AS type, agginitval
		FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid
		WHERE aggkind = 'n' AND aggfinalfn = 0 AND aggtranstype = prorettype AND pg_temp.usable(aggtranstype)
			AND aggtranstype <> 'anyarray'::regtype
	LOOP
		EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %2$s LANGUAGE sql PARALLEL SAFE AS %L',
			'aggregate ' || a.oid, a.type, pg_temp.body(format('%s(%s)', a.proname, a.args), '$1'));
		EXECUTE format('CREATE AGGREGATE trap.%I(%s) (SFUNC = %s, STYPE = %s, FINALFUNC = trap.%I%s, PARALLEL = SAFE)',
			a.proname, a.args, a.aggtransfn, a.type, 'aggregate ' || a.oid, ', INITCOND = ' || quote_literal(a.agginitval));
	END LOOP;
END
$$;
SQL
}

# Casts are found whatever the path, but only a superuser can make one of a type of
# PostgreSQL's. Here are explicit ones, and to text on assignment, as PostgreSQL's own by
# way of text are, so that scripts mean the same. Those between uuid and text are
# hostile.sql's own; a number goes to text in queries.
sub casts_sql
{
	return <<'SQL';
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT typname, typinput, typoutput,
			CASE (SELECT pronargs FROM pg_proc WHERE oid = typinput) WHEN 3 THEN ', 0, -1' ELSE '' END AS modifier
		FROM pg_type WHERE oid IN ('jsonb'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'bytea'::regtype)
	LOOP
		EXECUTE format('CREATE FUNCTION trap.%I(text) RETURNS %I LANGUAGE sql PARALLEL SAFE AS %L', 'text to ' || c.typname, c.typname,
			pg_temp.body('cast to ' || c.typname, format('pg_catalog.%s(pg_catalog.textout($1)%s)', c.typinput, c.modifier)));
		EXECUTE format('CREATE FUNCTION trap.%I(%I) RETURNS text LANGUAGE sql PARALLEL SAFE AS %L', c.typname || ' to text', c.typname,
			pg_temp.body('cast of ' || c.typname, format('pg_catalog.textin(pg_catalog.%s($1))', c.typoutput)));
		EXECUTE format('CREATE CAST (text AS %I) WITH FUNCTION trap.%I(text)', c.typname, 'text to ' || c.typname);
		EXECUTE format('CREATE CAST (%I AS text) WITH FUNCTION trap.%I(%1$I) AS ASSIGNMENT', c.typname, c.typname || ' to text');
	END LOOP;
END
$$;
SQL
}

1;
