# SPDX-License-Identifier: PostgreSQL
# The table of functions in docs/sync-security.md, "Who may call what": it names each function of the extension, and each of its cells is tried.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use Workers;

my $node = worker_node('matrix', "hllset_sync.every = '1h'\n");
$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN") for qw(stranger owner speaker usage operator);
my $us = id_of($node, 'app');
my $them = '11111111-1111-1111-1111-111111111111';
$node->safe_psql('app', qq{
	GRANT CREATE ON SCHEMA public TO owner;
	CREATE SERVER far FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'localhost', dbname 'far', sslmode 'disable');
	CREATE SERVER other FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'localhost', dbname 'far', sslmode 'disable');
	GRANT USAGE ON FOREIGN SERVER far, other TO usage, operator;
	CREATE USER MAPPING FOR hllset_worker SERVER far OPTIONS (user 'app_sync', password_required 'false');
	SELECT hllset_sync.add_peer('far');
	DO \$\$ DECLARE f regprocedure; BEGIN
		FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'hllset_sync'::regnamespace AND proname IN ('add_peer', 'alter_peer', 'drop_peer', 'pause_peer', 'resume_peer', 'pause_set', 'resume_set', 'resync_set', 'run_round', 'verify') LOOP
			EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO operator', f);
		END LOOP;
	END \$\$});
$node->safe_psql('app', 'CREATE TABLE mine (k int PRIMARY KEY, s hllset(12)); CREATE TABLE fresh (k int PRIMARY KEY, s hllset(12))', extra_params => [ '-U', 'owner' ]);
$node->safe_psql('app', "CALL hllset_sync.register('mine')", extra_params => [ '-U', 'owner' ]);
$node->safe_psql('app', "SELECT hllset_sync.grant_peer('mine', 'reader'); SELECT hllset_sync.grant_peer('mine', 'speaker', node => '$them')", extra_params => [ '-U', 'owner' ]);

$node->safe_psql('app', "CREATE TABLE gone (k int PRIMARY KEY, s hllset(12)); CALL hllset_sync.register('gone'); SELECT hllset_sync.unregister('gone')", extra_params => [ '-U', 'owner' ]);
$node->safe_psql('app', "SELECT hllset_sync.p_hello(2, 2, '$them', 'them'); CALL hllset_sync.p_advance('{mine}'); SELECT hllset_sync.p_heads('{mine}')", extra_params => [ '-U', 'speaker' ]);
is($node->safe_psql('app', 'SELECT node_name FROM hllset_sync.consumers'), 'them', 'the speaker is a reader');
state_is($node, 'far', 'ok', undef, 'the peer is synced');

# The owner of the extension is the superuser.
my @callers = qw(stranger owner reader speaker usage operator);

# ---- the table ----

my %may;
open my $page, '<', "$FindBin::RealBin/../../docs/sync-security.md" or die "docs/sync-security.md: $!";
while (<$page>)
{
	$may{$1} = { map { $_ => 1 } split /, /, $2 } if /^\| `([a-z_]+)` \| ([a-z, ]+) \| [^|]+ \| [^|]+ \| [^|]+ \|$/;
}
close $page;
is_deeply([ sort keys %may ], [ split /\n/, $node->safe_psql('app', q{
	SELECT DISTINCT proname COLLATE "C" FROM pg_proc WHERE pronamespace = 'hllset_sync'::regnamespace ORDER BY 1}) ], 'docs/sync-security.md names each function once');
for my $name (sort keys %may)
{
	my @unknown = grep { my $caller = $_; !grep { $_ eq $caller } @callers, 'anybody', 'extension' } keys %{ $may{$name} };
	is("@unknown", '', "callers of $name are words that the page explains");
}

# ---- the calls: each would succeed, or fail with what is named, if it is allowed ----

my $none = q{'{}', '{}', '{}'};
my %call = (
	node => 'SELECT hllset_sync.node()',
	rename_node => q{BEGIN; SELECT hllset_sync.rename_node('x'); ROLLBACK},
	new_identity => 'BEGIN; SELECT hllset_sync.new_identity(); ROLLBACK',
	keep_identity => 'BEGIN; SELECT hllset_sync.keep_identity(); ROLLBACK',
	running => 'SELECT hllset_sync.running(0, gen_random_uuid())',
	capture => q{BEGIN; CREATE TEMP TABLE t (k int); CREATE TRIGGER t AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture('1', '1', 'k'); ROLLBACK},
	row_digest => 'SELECT hllset_sync.row_digest(NULL::hllset)',
	register => [ q{CALL hllset_sync.register('fresh', 'fresh')}, q{SELECT hllset_sync.unregister('fresh'); SELECT hllset_sync.forget_set('fresh')} ],
	layouts => 'SELECT hllset_sync.layouts(NULL)',
	mend_triggers => 'SELECT hllset_sync.mend_triggers(1)',
	sets_of => 'SELECT set_id FROM hllset_sync.sets_of(0)',
	work => 'SELECT hllset_sync.work(NULL, 0, 0, false)',
	begin_scans => 'SELECT hllset_sync.begin_scans(0, 0, NULL, 0)',
	heads => q{SELECT hllset_sync.heads(NULL, 0, '{}', '{}')},
	nonce_below => 'SELECT hllset_sync.nonce_below(gen_random_uuid(), 1)',
	place => 'SELECT hllset_sync.place(1, 0, NULL)',
	nonces => q{SELECT hllset_sync.nonces(1, '{1}', 1)},
	note_head => 'SELECT hllset_sync.note_head(1, 0, 0, 0, gen_random_uuid(), 0, 0)',
	note_confirmed => q{SELECT hllset_sync.note_confirmed('{}', '{}', '{}', NULL, 1, 1, NULL, NULL)},
	raise_floor => 'SELECT hllset_sync.raise_floor(1, 0, 1)',
	check_name => q{SELECT hllset_sync.check_name('named', 'hllset_sync.named', 10, 10)},
	choose_columns => q{SELECT hllset_sync.choose_columns('hllset_sync.named', NULL, NULL, 'text')},
	put_set => q{SELECT hllset_sync.put_set('x', 'mine', 'owner', '{k}', '{s}', 'x', gen_random_uuid(), false)},
	make_parts => q{SELECT hllset_sync.make_parts(1)},
	give_parts => q{SELECT hllset_sync.give_parts(1, 'stranger')},
	define_views => q{SELECT hllset_sync.define_views(1, 'x')},
	give_view => q{SELECT hllset_sync.give_view(1, 'x', 'hllset_sync.named_global', 'stranger')},
	drop_parts => 'SELECT hllset_sync.drop_parts(1)',
	unregister => q{BEGIN; SELECT hllset_sync.unregister('mine'); ROLLBACK},
	forget_set => q{BEGIN; SELECT hllset_sync.forget_set('gone'); ROLLBACK},
	forget_set_by => q{SELECT hllset_sync.forget_set_by(10, 'gone')},
	rescan => q{CALL hllset_sync.rescan('mine')},
	prune => 'CALL hllset_sync.prune()',
	grant_peer => q{BEGIN; SELECT hllset_sync.grant_peer('mine', 'stranger'); ROLLBACK},
	revoke_peer => q{BEGIN; SELECT hllset_sync.revoke_peer('mine', 'stranger'); ROLLBACK},
	owner_of_all => 'SELECT hllset_sync.owner_of_all(10)',
	put_grant => q{BEGIN; SELECT hllset_sync.put_grant(1, NULL, 'stranger', true, NULL, NULL); ROLLBACK},
	take_grant => q{BEGIN; SELECT hllset_sync.take_grant(1, NULL, 'stranger'); ROLLBACK},
	grant_general => q{BEGIN; SELECT hllset_sync.grant_general(1, 0::regrole); ROLLBACK},
	origin_number => 'SELECT hllset_sync.origin_number(gen_random_uuid(), NULL)',
	drop_origin => [ q{CALL hllset_sync.drop_origin('nobody')}, undef, '42704' ],
	absorb_origin => [ q{CALL hllset_sync.absorb_origin('nobody')}, undef, '42704' ],
	drop_consumer => [ q{BEGIN; SELECT hllset_sync.drop_consumer('them', 'mine'); ROLLBACK}, undef, undef, '42704' ],
	drop_consumer_by => q{SELECT hllset_sync.drop_consumer_by(10, 'them', 'mine')},
	p_hello => qq{SELECT hllset_sync.p_hello(2, 2, '$them', 'them')},
	p_sets => 'SELECT hllset_sync.p_sets()',
	p_advance => q{CALL hllset_sync.p_advance('{mine}')},
	p_heads => q{SELECT hllset_sync.p_heads('{mine}')},
	p_changes => q{SELECT hllset_sync.p_changes('mine', 0, NULL, 10, 10, 1000)},
	p_cursor => [ qq{SELECT 1 / count(*) FROM hllset_sync.p_cursor('{mine}', '$them')}, undef, undef, '22012' ],
	p_receive => qq{CALL hllset_sync.p_receive('mine', '$them', 'them', 'changes', 0, NULL, 0, $none, 0, NULL, false)},
	p_fingerprint => q{SELECT hllset_sync.p_fingerprint('mine', 10)},
	p_bucket => q{SELECT hllset_sync.p_bucket('mine', '{1}', NULL, 10, 1000)},
	p_digests => q{SELECT hllset_sync.p_digests('mine', '{}')},
	p_copy_fingerprint => qq{SELECT hllset_sync.p_copy_fingerprint('mine', '$them')},
	p_copy_bucket => qq{SELECT hllset_sync.p_copy_bucket('mine', '$them', '{1}', NULL, 10, 1000)},
	p_copy_digests => qq{SELECT hllset_sync.p_copy_digests('mine', '$them', '{}')},
	p_fetch => q{SELECT hllset_sync.p_fetch('mine', '{}', 1000)},
	count_index => q{SELECT hllset_sync.count_index(set_id) FROM (SELECT NUMBER AS set_id) s},
	fdw_validator => q{SELECT hllset_sync.fdw_validator('{}', 0)},
	add_peer => q{BEGIN; SELECT hllset_sync.add_peer('other'); ROLLBACK},
	alter_peer => q{BEGIN; SELECT hllset_sync.alter_peer('far', 'pull'); ROLLBACK},
	drop_peer => q{BEGIN; SELECT hllset_sync.drop_peer('far'); ROLLBACK},
	pause_peer => q{BEGIN; SELECT hllset_sync.pause_peer('far'); ROLLBACK},
	resume_peer => q{BEGIN; SELECT hllset_sync.resume_peer('far'); ROLLBACK},
	join_script => qq{SELECT hllset_sync.join_script('x', '$them', '{"host": "localhost"}')},
	leave_script => q{SELECT hllset_sync.leave_script('far')},
	script_section => q{SELECT hllset_sync.script_section('{host=localhost}', NULL)},
	script_peers => 'SELECT hllset_sync.script_peers(NULL)',
	replace_origin => [ qq{CALL hllset_sync.replace_origin('$them', '$them')}, undef, '22023' ],
	rename_origin => [ qq{SELECT hllset_sync.rename_origin('$them', '$them')}, undef, '22023' ],
	add_peer_by => q{SELECT hllset_sync.add_peer_by(10, 'other', NULL, NULL, NULL, NULL)},
	alter_peer_by => q{SELECT hllset_sync.alter_peer_by(10, 'far', NULL, '{}', NULL, NULL)},
	drop_peer_by => q{SELECT hllset_sync.drop_peer_by(10, 'far')},
	pause_peer_by => q{SELECT hllset_sync.pause_peer_by(10, 'far', NULL)},
	resume_peer_by => q{SELECT hllset_sync.resume_peer_by(10, 'far')},
	check_peer => q{SELECT hllset_sync.check_peer(10, 'far')},
	expect_peer => q{SELECT hllset_sync.expect_peer('far', true)},
	peers_of => 'SELECT hllset_sync.peers_of(10)',
	peers_changed => q{BEGIN; CREATE TEMP TABLE t (k int); CREATE TRIGGER t AFTER INSERT ON t EXECUTE FUNCTION hllset_sync.peers_changed(); ROLLBACK},
	pause_set => q{BEGIN; SELECT hllset_sync.pause_set('far', 'visits'); ROLLBACK},
	resume_set => q{BEGIN; SELECT hllset_sync.pause_set('far', 'visits'); SELECT hllset_sync.resume_set('far', 'visits'); ROLLBACK},
	resync_set => q{BEGIN; SELECT hllset_sync.resync_set('far', 'visits'); ROLLBACK},
	pause_set_by => q{SELECT hllset_sync.pause_set_by(10, 'far', 'visits', NULL)},
	resume_set_by => q{SELECT hllset_sync.resume_set_by(10, 'far', 'visits')},
	resync_set_by => q{SELECT hllset_sync.resync_set_by(10, 'far', 'visits')},
	expect_relation => q{SELECT hllset_sync.expect_relation('far', 'visits', true)},
	pause_grant => q{BEGIN; SELECT hllset_sync.pause_grant('mine', 'reader', 'x'); ROLLBACK},
	resume_grant => q{BEGIN; SELECT hllset_sync.resume_grant('mine', 'reader'); ROLLBACK},
	pause_grant_by => q{SELECT hllset_sync.pause_grant_by(10, 'mine', 'reader', NULL)},
	resume_grant_by => q{SELECT hllset_sync.resume_grant_by(10, 'mine', 'reader')},
	expect_grant => q{SELECT hllset_sync.expect_grant('mine', 'reader', true)},
	run_round => [ q{CALL hllset_sync.run_round('other')}, undef, '42704' ],
	verify => [ q{CALL hllset_sync.verify('mine', 'other')}, undef, '42704' ],
	sync_now => q{SELECT hllset_sync.sync_now('far', '1 ms')},
	wait_caught_up => q{SELECT hllset_sync.wait_caught_up('far', '1 ms')},
	wait_for_peers => q{SELECT hllset_sync.wait_for_peers('mine', '1 ms')},
	describe_set => q{SELECT hllset_sync.describe_set('mine')},
	find_attention => 'SELECT hllset_sync.find_attention()',
	awaited_servers => q{SELECT hllset_sync.awaited_servers(10, 'far', NULL, false, NULL)},
	awaited_nodes => q{SELECT hllset_sync.awaited_nodes(10, 'mine', NULL)},
	are_caught_up => q{SELECT hllset_sync.are_caught_up('{far}', NULL, false)},
	numbered_heads => q{SELECT hllset_sync.numbered_heads('{1}', NULL, '{}', '{}')},
	are_confirmed => q{SELECT hllset_sync.are_confirmed('{}', '{}', '{}', '{}', 1)},
	database_status => 'SELECT hllset_sync.database_status()',
	worker_status => 'SELECT hllset_sync.worker_status()',
	save_status => q{SELECT hllset_sync.save_status(NULL::hllset_sync.peer_status)},
	save_relation => q{SELECT hllset_sync.save_relation('far', 'visits', 'pull', NULL, NULL, 0, 0, NULL, NULL, 0, 0, 0)},
	reader_status => 'SELECT hllset_sync.reader_status()',
);
$_ =~ s/NUMBER/$node->safe_psql('app', q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'mine'})/e for $call{count_index};

# What refuses a caller: no right on the function, on the set, on the server, on a node. Where he only sees nothing, the call names the error that this makes.
my $denied = qr/^(42501|HS002|HS005)$/;

sub outcome
{
	my ($caller, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('app', $sql, extra_params => [ '-U', $caller, '-v', 'VERBOSITY=sqlstate' ], on_error_stop => 1);
	return $rc == 0 ? 'ok' : ($err =~ /ERROR:  (\w{5})/)[0] // $err;
}

for my $name (sort keys %may)
{
	next if !ok(defined $call{$name}, "$name is called by this test");
	my ($sql, $undo, $expected, $nothing) = ref $call{$name} ? @{ $call{$name} } : $call{$name};
	for my $caller (@callers)
	{
		my $outcome = outcome($caller, $sql);
		if ($may{$name}{anybody} || $may{$name}{$caller})
		{
			is($outcome, $expected // 'ok', "$name: the page lets $caller call it");
			outcome($caller, $undo) if defined $undo && $outcome eq 'ok';
		}
		else
		{
			like($outcome, defined $nothing ? qr/^$nothing$|$denied/ : $denied, "$name: nothing comes of it that $caller calls it");
		}
	}
}

$node->stop;
done_testing();
