# secrets: no weak or foreign cryptography [A-08], and no comparison of a secret that
# takes longer the more of it is right [M-15]: BaSecretEqual() is for those.
use strict;
use warnings;
use Source;

# a comparison of what is called like a secret, and why it may be one
my %allowed = (
	'src/password.c: strncmp(hash, "$2a$", 4)' => 'the form of a stored hash, which is the same for all',
	'src/repeat.c: memcmp(last.digest, call->digest, BA_DIGEST_LENGTH)' => 'two calls of one statement of one caller',
);
my $secret = qr/secret|password|passwd|token|hash|digest|answer|hmac|prehash|assertion|pepper(?!_id)/i;
my $compare = qr/\b(?:memcmp|bcmp|strcmp|strncmp|strcasecmp|strncasecmp|pg_strcasecmp|pg_strncasecmp|strcoll|strstr|texteq|text_starts_with|byteaeq|byteacmp|bttextcmp|varstr_cmp|datumIsEqual|datum_image_eq|timingsafe_bcmp)\s*(\((?:[^()]++|(?1))*\))/;
my $weak = qr/\b(?:pgp_\w+|md5\w*|MD5\w*|PG_MD5|PG_SHA1|sha1|des_\w+|gen_random_uuid|setseed|srandom|rand|srand|drand48|erand48|lrand48|rand_r|pg_prng_\w+|pg_erand48)\b/;
my %used;

for my $file (c_sources(), mailer_sources())
{
	my $text = slurp($file);
	my $code = code_of($text);
	my $plain = uncommented($text);

	complain("$file:" . line_of($code, $-[0]), "uses $&") while $code =~ /$weak(?=\s*[(,)])/g;
	# pauses and sweeps may come at any moment; nothing else is left to chance that can be foreseen
	for my $line (split /(?<=\n)/, $code)
	{
		next unless $line =~ /\brandom\s*\(\s*\)/;
		complain($file, "random() is for waiting and sweeping alone: $line")
		  unless $line =~ /wait|sleep|sweep/i;
	}
	for (c_strings($text))
	{
		my ($string, $line) = @$_;
		complain("$file:$line", "uses $1 in SQL")
		  if $string =~ /\b(pgp_\w+|md5|gen_random_uuid|setseed|random|random_normal)\s*\(/;
	}
	while ($plain =~ /$compare/g)
	{
		my ($call, $arguments, $line) = ($&, substr($1, 1, -1), line_of($plain, $-[0]));
		# of "token->purpose" it is the purpose that is compared
		(my $names = $arguments) =~ s/"(?:[^"\\]|\\.)*"//g;
		1 while $names =~ s/\b\w+(?:\[[^]]*\])?\s*(?:->|\.)\s*(?=\w)//g;
		$names =~ s/\b[A-Z0-9_]+\b//g;
		next unless $names =~ $secret;
		$call =~ s/\s+/ /g;
		my $key = "$file: $call";
		$used{$key} = 1;
		complain("$file:$line", "compares a secret: $call") unless $allowed{$key};
	}
}
for my $file (sql_sources())
{
	my $raw = sql_uncommented(slurp($file));
	complain("$file:" . line_of($raw, $-[0]), "uses $1")
	  while $raw =~ /\b(pgp_\w+|md5|gen_random_uuid|setseed|random)\s*\(/gi;
}
complain('test/lint/secrets.pl', "$_ needs no exception") for grep { !$used{$_} } sort keys %allowed;
finish();
