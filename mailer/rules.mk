# bestauth-mailer, beside the module: PGXS makes a module or a program, not both.
# The Makefile includes this.

MAILER_DOC = $(DESTDIR)$(docdir)/$(docmoduledir)
LIBPQ_INCLUDE := $(shell $(PG_CONFIG) --includedir)
LIBPQ_HEADER := $(wildcard $(LIBPQ_INCLUDE)/libpq-fe.h)
CURL_FLAGS := $(shell curl-config --cflags 2>/dev/null || pkg-config --cflags libcurl 2>/dev/null)
CURL_LIBS := $(shell curl-config --libs 2>/dev/null || pkg-config --libs libcurl 2>/dev/null)

all: $(MAILER_PROGRAM)

ifneq (,$(and $(LIBPQ_HEADER),$(CURL_LIBS)))
$(MAILER_OBJS): %.o: %.c $(wildcard mailer/*.h) bestauth.control
	$(CC) $(filter-out -Wno-%,$(CFLAGS)) -Wall -Wextra $(WERROR) -D_GNU_SOURCE \
		-DBESTAUTH_VERSION='"$(EXTVERSION)"' -I$(LIBPQ_INCLUDE) $(CURL_FLAGS) -c -o $@ $<

$(MAILER_PROGRAM): $(MAILER_OBJS)
	$(CC) $(CFLAGS) $(MAILER_OBJS) -o $@ $(LDFLAGS) $(LDFLAGS_EX) \
		-L$(shell $(PG_CONFIG) --libdir) -lpq $(CURL_LIBS)
else
$(MAILER_PROGRAM):
	@echo "bestauth-mailer needs the headers of libpq and libcurl (Debian: libpq-dev, libcurl4-openssl-dev)." >&2
	@echo '"make MAILER=no" leaves it out.' >&2
	@exit 1
endif

.PHONY: install-mailer uninstall-mailer clean-mailer
install: install-mailer
install-mailer: $(MAILER_PROGRAM)
	$(MKDIR_P) '$(DESTDIR)$(bindir)' '$(DESTDIR)$(mandir)/man1' '$(MAILER_DOC)'
	$(INSTALL_PROGRAM) $(MAILER_PROGRAM) '$(DESTDIR)$(bindir)/'
	$(INSTALL_DATA) mailer/bestauth-mailer.1 '$(DESTDIR)$(mandir)/man1/'
	$(INSTALL_DATA) mailer/mailer.conf.example '$(MAILER_DOC)/bestauth-mailer.conf.example'
	sed 's,@bindir@,$(bindir),' mailer/bestauth-mailer.service > '$(MAILER_DOC)/bestauth-mailer.service'
	chmod 644 '$(MAILER_DOC)/bestauth-mailer.service'

uninstall: uninstall-mailer
uninstall-mailer:
	rm -f '$(DESTDIR)$(bindir)/bestauth-mailer' '$(DESTDIR)$(mandir)/man1/bestauth-mailer.1' \
		'$(MAILER_DOC)/bestauth-mailer.conf.example' '$(MAILER_DOC)/bestauth-mailer.service'

clean: clean-mailer
clean-mailer:
	rm -f $(MAILER_OBJS) $(MAILER_PROGRAM)
