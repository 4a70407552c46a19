CREATE FUNCTION bestauth.purge_expired(older_than interval DEFAULT '720 hours',
	OUT tokens bigint, OUT sessions bigint, OUT messages bigint, OUT signups bigint) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_purge_expired' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.purge_expired(interval) IS
'Removes tokens, sessions and sign-ups that expired, and mail that was sent, called off or given up, so long ago. The audit keeps what became of them and gets one row that counts. Rows that somebody is using stay. For the operator; call it once a day.
Parameters: older_than: since when they are over; by default 30 days.
Returns: how many tokens, sessions, messages and sign-ups went.
Raises: 22023 bad older_than; 42501 not the operator; 55000 instance closed.
Rules: [E-14].';
