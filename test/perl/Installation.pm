# SPDX-License-Identifier: PostgreSQL
# A copy of the server's installation, whose extension folder a test may write to: that of the machine belongs to root.
package Installation;

use strict;
use warnings FATAL => 'all';

use Cwd qw(realpath);
use Exporter 'import';
use File::Basename;
use File::Path;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(own_installation);

# Servers made from now on run from a copy in a temporary folder; returns its extension folder. Where that can't work the test is skipped.
# A server finds its folders from the one that its program lies in, by the way from one to the other that it was built with. So the copy has the
# paths of the original below a new root. Programs are copied, since a link would be followed back; the rest is linked.
sub own_installation
{
	my $root = realpath(PostgreSQL::Test::Utils::tempdir());
	my ($bin, $share, $lib) = folders('pg_config');
	mkpath([ map { "$root$_" } $bin, "$share/extension", dirname($lib) ]);
	system_or_bail('cp', (map { "$bin/$_" } qw(postgres initdb pg_ctl pg_config)), "$root$bin");
	link_into("$root$share", grep { basename($_) ne 'extension' } glob("$share/*"));
	link_into("$root$share/extension", glob("$share/extension/*"));
	link_into(dirname("$root$lib"), $lib);
	my @found = folders("$root$bin/pg_config");
	plan skip_all => "a server whose programs lie in $bin can't be moved: its copy looks for its files in $found[1] and $found[2]"
		unless "@found" eq join(' ', map { "$root$_" } $bin, $share, $lib);
	$ENV{PATH} = "$root$bin:$ENV{PATH}";
	return "$root$share/extension";
}

# Where the programs, the scripts and the libraries lie.
sub folders
{
	my ($pg_config) = @_;
	my @folders = split(/\n/, qx{$pg_config --bindir --sharedir --pkglibdir});
	BAIL_OUT("$pg_config does not say where the server lies") unless @folders == 3;
	return @folders;
}

sub link_into
{
	my ($folder, @files) = @_;
	for my $file (@files)
	{
		symlink($file, "$folder/" . basename($file)) or BAIL_OUT("can't link $file into $folder: $!");
	}
	return;
}

1;
