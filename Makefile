# bestauth: build, install and test with PGXS. "make help" lists the targets.

EXTENSION = bestauth
MODULE_big = bestauth
PGFILEDESC = "bestauth - users, logins, sessions, permissions and audit"

# The version is written in bestauth.control and nowhere else (VERSION is PGXS's own).
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" bestauth.control)

OBJS := $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

# sql/install/<part>.sql, joined in this order
SQL_PARTS = head roles instance company permission usertype functionrule portal office \
	provider employee contact payer facility user user_list role password_policy credential \
	security_question signup registration token session login sso mail_template outbox audit \
	access authority company_access emergency_access served_customer references claim_history report audit_report portal_account \
	provider_user purge isolation audit_table seal health \
	triggers privileges
SQL_FILES = $(SQL_PARTS:%=sql/install/%.sql)
SQL_SCRIPT = sql/bestauth--$(EXTVERSION).sql

DATA = $(sort $(wildcard sql/bestauth--*--*.sql))
DATA_built = $(SQL_SCRIPT)

# "make WERROR=" builds with a compiler that warns of something new
WERROR = -Werror
SHLIB_LINK = -lcrypto
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare $(WERROR)

# Tests: test/sql and test/specs are compared with expected/, test/t is TAP.
REGRESS_NAMES := $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS := $(filter install,$(REGRESS_NAMES)) $(filter-out install,$(REGRESS_NAMES))
REGRESS_OPTS = --inputdir=test
ISOLATION := $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=.
PROVE_TESTS := $(sort $(wildcard test/t/*.pl))
TAP_TESTS := $(if $(PROVE_TESTS),1)

# The program that sends the mail. "make MAILER=no" leaves it out.
MAILER = yes
MAILER_PROGRAM = mailer/bestauth-mailer
MAILER_OBJS := $(patsubst %.c,%.o,$(sort $(wildcard mailer/*.c)))

# The verifier outside the database. "make VERIFY=no" leaves it out.
VERIFY = yes

DIST = bestauth-$(EXTVERSION).zip
EXTRA_CLEAN = $(SQL_SCRIPT) bestauth-*.zip test/failures results regression.diffs \
	regression.out output_iso tmp_check tmp_check_iso log

# pg_config may name a PGXS file although the server's headers are missing.
PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
PG_HEADER := $(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h)

ifneq (,$(and $(PGXS),$(PG_HEADER)))
include $(PGXS)
ifneq ($(MAILER),no)
include mailer/rules.mk
endif
ifneq ($(VERIFY),no)
include verify/rules.mk
endif
else
.PHONY: all install installcheck clean
all install installcheck:
	@echo "PostgreSQL's server headers are missing (Debian: postgresql-server-dev-15)." >&2
	@echo '"make test" and "make demo" install what they need.' >&2
	@exit 1
clean:
	rm -f $(OBJS) $(OBJS:.o=.bc) bestauth.so $(MAILER_OBJS) $(MAILER_PROGRAM)
	rm -rf $(EXTRA_CLEAN)
endif

# PGXS on Debian doesn't track headers.
$(OBJS): $(wildcard src/*.h)

$(SQL_SCRIPT): $(SQL_FILES) bestauth.control Makefile
	cat $(SQL_FILES) > $@.tmp
	mv $@.tmp $@

.PHONY: help test accept demo docs lint format dist
help:
	@echo 'make                build; "make install" installs (as root, usually)'
	@echo 'make MAILER=no      the same, without bestauth-mailer; VERIFY=no: without bestauth-verify'
	@echo 'make test           every test, in a temporary folder and server'
	@echo 'make test T=token   one test (several: T="token iso_login 010_guess")'
	@echo 'make accept T=token run it, and keep its result in expected/'
	@echo 'make installcheck   the tests, against a running server with bestauth installed'
	@echo 'make demo           a guided tour on a throw-away server'
	@echo 'make docs           docs/reference.md, from the comments in sql/install'
	@echo 'make lint           the rules that a script can check'
	@echo 'make format         clang-format over src/ and mailer/'
	@echo 'make dist           $(DIST), from the last commit'
	@echo 'make clean          remove what was built'

test:
	@test/run $(T)

accept:
	@test/run --accept $(T)

demo:
	@demo/run

docs:
	@docs/generate

lint:
	@test/lint/run

format:
	clang-format -i --style=file $(wildcard src/*.c src/*.h mailer/*.c mailer/*.h)

dist:
	git archive --format=zip --prefix=bestauth-$(EXTVERSION)/ -o $(DIST) HEAD

# for the test runner: "make show-REGRESS"
show-%:
	@echo $($*)
