-- pgaudit, of what writes, into the server's log, with parameters: without them it would not
-- tell which row. Wants shared_preload_libraries.
LOAD 'pgaudit';
CREATE ROLE bench_pgaudit LOGIN IN ROLE bench_app;
ALTER ROLE bench_pgaudit SET pgaudit.log = 'write';
ALTER ROLE bench_pgaudit SET pgaudit.log_catalog = off;
ALTER ROLE bench_pgaudit SET pgaudit.log_parameter = on;
