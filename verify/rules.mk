# bestauth-verify, a script: nothing to build. The Makefile includes this.

.PHONY: install-verify uninstall-verify
install: install-verify
install-verify:
	$(MKDIR_P) '$(DESTDIR)$(bindir)' '$(DESTDIR)$(mandir)/man1'
	$(INSTALL_SCRIPT) verify/bestauth-verify '$(DESTDIR)$(bindir)/'
	$(INSTALL_DATA) verify/bestauth-verify.1 '$(DESTDIR)$(mandir)/man1/'

uninstall: uninstall-verify
uninstall-verify:
	rm -f '$(DESTDIR)$(bindir)/bestauth-verify' '$(DESTDIR)$(mandir)/man1/bestauth-verify.1'
