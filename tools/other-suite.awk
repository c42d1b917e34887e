# The sources of Debian packages in a file of apt's, asked for another suite.
#
#   format   "list" (one line each) or "sources" (deb822 paragraphs)
#   ours     the names our own suite may have; sources of others are left out
#   suite    the suite to ask for
#   out      each source goes into a file out-N.list or out-N.sources

BEGIN {
	n = split(ours, names, " ")
	for (i = 1; i <= n; i++)
		is_ours[names[i]] = 1
	if (format == "sources")
		RS = ""
}

function has(words, set,   list, n, i)
{
	n = split(words, list, /[ \t\n]+/)
	for (i = 1; i <= n; i++)
		if (list[i] in set)
			return 1
	return 0
}

# deb [options] uri suite component...
format == "list" && /^deb[ \t]/ {
	line = $0
	sub(/#.*/, "", line)
	sub(/^deb[ \t]+/, "", line)
	options = ""
	if (match(line, /^\[[^]]*\][ \t]+/)) {
		options = substr(line, 1, RLENGTH)
		line = substr(line, RLENGTH + 1)
	}
	split(line, word, /[ \t]+/)
	main["main"]
	if ((word[2] in is_ours) && has(line, main) && word[1] !~ /^cdrom:/) {
		file = out "-" ++count ".list"
		print "deb " options word[1] " " suite " main" > file
		close(file)
	}
}

# fields may go on in lines that begin with a blank
format == "sources" {
	n = split($0, lines, "\n")
	kept = field = suites = types = components = enabled = ""
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^#/)
			continue
		value = lines[i]
		if (value !~ /^[ \t]/) {
			field = tolower(value)
			sub(/[ \t]*:.*/, "", field)
			sub(/^[^:]*:/, "", value)
		}
		if (field == "suites") suites = suites " " value
		else if (field == "types") types = types " " value
		else if (field == "components") components = components " " value
		else if (field == "enabled") enabled = tolower(value)
		else kept = kept lines[i] "\n"
	}
	main["main"]; deb["deb"]
	if (has(suites, is_ours) && has(types, deb) && has(components, main) && enabled !~ /no|false|off|0/) {
		file = out "-" ++count ".sources"
		printf "Types: deb\nSuites: %s\nComponents: main\n%s", suite, kept > file
		close(file)
	}
}
