# mailer: bestauth-mailer stands on libpq and libcurl, not on the server or src/; it runs
# no other program; what it logs and hands to fail_mail() has no address, text, token or
# password, nor what the SMTP server said [J-06].
use strict;
use warnings;
use Source;

my $secret = qr/recipient|subject|body|token|password|\bfrom\b|from_\w+|dbname|smtp_url|smtp_user/;
my $parens = qr/(\((?:[^()]++|(?-1))*+\))/;
my $unsafe = qr/\b(?:system|popen|exec[lv]p?e?|strcat|gets|tmpnam|mktemp|vsprintf|CURLOPT_ERRORBUFFER|CURLOPT_COPYPOSTFIELDS)\b/;
my $count = 0;

for my $file (mailer_sources())
{
	my $text = slurp($file);
	my $code = code_of($text);
	my $plain = uncommented($text);

	complain("$file:" . line_of($code, $-[0]), "uses $&") while $code =~ /$unsafe(?=\s*[(,])/g;
	while ($plain =~ /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/mg)
	{
		my ($header, $line) = ($1, line_of($plain, $-[0]));

		complain("$file:$line", "includes $header, which is the server's")
		  if $header =~ m{^postgres|^server/|^utils/|^\.\./} || -e "src/$header" && !-e "mailer/$header";
	}
	while ($code =~ /\b(Log(?:Error|Event|Detail)|Describe)\s*$parens/g)
	{
		my ($function, $arguments, $line) = ($1, $2, line_of($code, $-[0]));

		$count++;
		complain("$file:$line", "$function() is given $1") if $arguments =~ /($secret)/;
	}
	# what a message's error is made of
	while ($code =~ /\bsnprintf\s*(\(\s*(?:message->)?error\b(?:[^()]++|$parens)*\))/g)
	{
		complain("$file:" . line_of($code, $-[0]), "the error is made of $1") if substr($1, 1) =~ /($secret)/;
	}
}
complain('mailer', "has $count lines of log: this lint does not see them any more") if $count < 20;
finish();
