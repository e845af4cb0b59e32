# SPDX-License-Identifier: PostgreSQL
# The Debian package index as two files for COPY. In: apt-cache dumpavail. Out: the files named by -v packages= and dependencies=.

function escaped(text) {
	gsub(/\\/, "&&", text)
	gsub(/\t/, " ", text)
	return text
}

function or_null(text) { return text == "" ? "\\N" : escaped(text) }

# "a (>= 1) | b:any, c [arm64]" is three dependencies, on a, b and c; versions and architectures are left out.
function write_dependencies(kind, list,    i, n, target, targets) {
	n = split(list, targets, /[,|]/)
	for (i = 1; i <= n; i++) {
		target = targets[i]
		sub(/^[ \t]+/, "", target)
		sub(/[ \t:(\[<].*/, "", target)
		if (target != "")
			print own, kind, escaped(target) > dependencies
	}
}

function write_package(    i) {
	own = escaped(field["Section"]) OFS escaped(field["Maintainer"]) OFS escaped(field["Package"])
	print own, or_null(field["Version"]), or_null(field["Installed-Size"]), or_null(field["Size"]),
		or_null(field["MD5sum"]), field["SHA256"] == "" ? "\\N" : "\\\\x" field["SHA256"] > packages
	own = own OFS or_null(field["Installed-Size"])
	for (i = 1; i <= kinds; i++)
		if (kind_names[i] in field)
			write_dependencies(kind_names[i], field[kind_names[i]])
	split("", field)
}

BEGIN {
	OFS = "\t"
	kinds = split("Pre-Depends Depends Recommends Suggests Enhances", kind_names, " ")
}

/^[^ \t:]+:/ {
	name = substr($0, 1, index($0, ":") - 1)
	field[name] = substr($0, index($0, ":") + 2)
	next
}
/^[ \t]/ { field[name] = field[name] $0 }
/^$/ { write_package() }
END { if ("Package" in field) write_package() }
