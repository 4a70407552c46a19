CREATE FUNCTION bestauth.create_provider_user(employee_id uuid, username text, role text, email text,
	password text DEFAULT NULL, first_name text DEFAULT NULL, middle_name text DEFAULT NULL, last_name text DEFAULT NULL,
	questions text[] DEFAULT NULL, answers text[] DEFAULT NULL, company text DEFAULT NULL,
	OUT user_id uuid, OUT temporary_password text) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_create_provider_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_provider_user(uuid, text, text, text, text, text, text, text, text[], text[], text) IS
'Makes an account for an employee of the session''s office, at the session''s level: of the office, or of its own provider. Takes manage_portal_users in that office, or the operator, whose account is at individual level if the employee has a provider. A session gives only a role that it holds all of. The password is temporary: it is good for bestauth.setup_link_lifetime and must be changed at the first login; nothing is mailed. The e-mail address counts as verified by whoever makes the account.
Parameters: employee_id; username: see docs/usernames.md; role: name; email: one address; password: as docs/passwords.md says, NULL to have one made; first_name, middle_name, last_name: NULL takes the employee''s; questions, answers: up to three security questions, both NULL for none; company: for the operator, the employee''s or NULL.
Returns: user_id; temporary_password, this once, NULL if one was given.
Raises: 23505 user name taken, or the employee has an account; 22023 bad argument; P0002 no such employee or role (42501 in a session); UA001 password refused; 28000 no session; 42501; 55000 instance closed.
Rules: [PRV-12] [PRV-18] [G-08].';
