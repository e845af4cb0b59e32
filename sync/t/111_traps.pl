# SPDX-License-Identifier: PostgreSQL
# The owner of a set lays traps: code in his tables that those would run who sync them. It runs as himself, and opens nothing to him.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Workers;

my $node = worker_node('traps');
my $me = $node->safe_psql('app', 'SELECT current_user');
add_far($node);
$node->safe_psql('app', "CREATE ROLE evil LOGIN; CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher");
my $evil = sub { $node->safe_psql('app', $_[0], extra_params => [ '-U', 'evil' ]) };

# ---- the traps ----

# What each of them tries where the worker, the scheduler or a superuser is at work.
my @attempts = (
	"SET ROLE $me", 'RESET ROLE', "SET SESSION AUTHORIZATION $me", 'RESET SESSION AUTHORIZATION', 'ALTER ROLE evil SUPERUSER', 'SELECT rolpassword FROM pg_authid',
	'SELECT umoptions FROM pg_user_mapping', 'SELECT users FROM public.visits', 'SELECT * FROM hllset_sync.named', 'CREATE TEMP TABLE later (k int)',
	q{SELECT hllset_sync.grant_peer('visits', 'evil')}, q{SELECT hllset_sync.unregister('visits')}, q{CALL hllset_sync.rescan('visits')},
	q{SELECT hllset_sync.p_changes('visits', 0, NULL, 10, 10, 1000)}, q{SELECT hllset_sync.p_fetch('visits', '{"\\x00"}', 1000000)},
	q{SELECT hllset_sync.p_fingerprint('visits', 10)},
	q{SELECT hllset_sync.pause_peer('far')}, q{CALL hllset_sync.run_round('far')});
my $attempts = join ', ', map { "\$a\$$_\$a\$" } @attempts;

for my $database ('app', 'far')
{
	$node->safe_psql($database, "GRANT CREATE ON DATABASE $database TO evil; GRANT CREATE ON SCHEMA public TO evil");
	$node->safe_psql($database, "CREATE TABLE bait (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('bait')", extra_params => [ '-U', 'evil' ]);
}
$node->safe_psql('far', "SELECT hllset_sync.grant_peer('bait', 'app_sync', node => '" . id_of($node, 'app') . "')");
my $id = $node->safe_psql('app', "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'bait'");

$evil->(qq{
	CREATE SCHEMA evil;
	CREATE TABLE evil.seen (place text, who name);
	CREATE TABLE evil.won (place text, attempt text);
	CREATE FUNCTION evil.trap(place text) RETURNS boolean LANGUAGE plpgsql AS \$f\$
	DECLARE
		attempt text;
	BEGIN
		IF session_user = 'evil' THEN
			RETURN true;
		END IF;
		INSERT INTO evil.seen VALUES (place, current_user);
		FOREACH attempt IN ARRAY ARRAY[$attempts] LOOP
			BEGIN
				EXECUTE attempt;
				INSERT INTO evil.won VALUES (place, attempt);
			EXCEPTION WHEN OTHERS THEN
			END;
		END LOOP;
		PERFORM set_config('search_path', 'evil, pg_catalog', false);
		RETURN true;
	END \$f\$;
	CREATE FUNCTION evil.lie(place text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM evil.trap(place); RETURN 1; END \$f\$;
	CREATE FUNCTION evil.spring() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM evil.trap('trigger of ' || regexp_replace(tg_table_name, '_\\d+', '')); RETURN NULL; END \$f\$;
	-- what would be meant without a fixed search_path
	CREATE FUNCTION evil.same(int, int) RETURNS boolean LANGUAGE sql AS \$f\$ SELECT evil.trap('operator') \$f\$;
	CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = int, RIGHTARG = int);
	CREATE FUNCTION evil.gen_random_uuid() RETURNS uuid LANGUAGE sql AS \$f\$ SELECT pg_catalog.gen_random_uuid() WHERE evil.trap('function') \$f\$;
	SELECT hllset_sync.grant_peer('bait', 'evil'); -- so he may call the protocol
	CREATE INDEX ON bait ((evil.lie('index of bait')));
	CREATE TRIGGER spring AFTER INSERT OR UPDATE ON bait FOR EACH STATEMENT EXECUTE FUNCTION evil.spring();
	CREATE TRIGGER spring AFTER DELETE ON hllset_sync.dirty_$id FOR EACH STATEMENT EXECUTE FUNCTION evil.spring();
	CREATE TRIGGER spring AFTER INSERT OR DELETE ON hllset_sync.rows_$id FOR EACH ROW EXECUTE FUNCTION evil.spring();
	CREATE TRIGGER spring AFTER INSERT OR DELETE ON hllset_sync.copy_$id FOR EACH ROW EXECUTE FUNCTION evil.spring();
	ALTER TABLE hllset_sync.rows_$id ADD CHECK (evil.trap('check of rows')), ADD x boolean DEFAULT evil.trap('default of rows');
	ALTER TABLE hllset_sync.copy_$id ADD CHECK (evil.trap('check of copy')), ADD x boolean DEFAULT evil.trap('default of copy'),
		ADD y int GENERATED ALWAYS AS (evil.lie('generated in copy')) STORED;
	ALTER TABLE hllset_sync.rows_$id ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY p ON hllset_sync.rows_$id USING (evil.trap('policy of rows'));
	ALTER TABLE hllset_sync.copy_$id ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY p ON hllset_sync.copy_$id USING (evil.trap('policy of copy'));
	CREATE RULE r AS ON INSERT TO hllset_sync.dirty_$id DO ALSO SELECT evil.trap('rule of dirty');
});
$node->safe_psql('postgres', 'ALTER DATABASE app SET search_path = evil, public, pg_catalog');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('hllset_sync scheduler', 'hllset_sync worker')");

# ---- everybody walks into them ----

$node->safe_psql('app', 'INSERT INTO bait VALUES (1, hllset_of(1))', extra_params => [ '-U', 'evil' ]);
$node->safe_psql('far', 'INSERT INTO bait VALUES (2, hllset_of(2)), (3, hllset_of(3)); INSERT INTO visits VALUES (1, hllset_of(1))');
poll_ok($node, 'app', "SET SESSION AUTHORIZATION evil; SET search_path = public; SELECT count(*) = 2 FROM bait_by_node WHERE node = 'far'", 'the worker brings the rows of the peer', 30);
poll_ok($node, 'far', "SELECT count(*) = 1 FROM bait_by_node WHERE node = 'app'", 'and sends his', 30);
$node->safe_psql('app', $_)
	for "CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'app_sync', password_required 'false')", "CALL hllset_sync.run_round('far')",
	"CALL hllset_sync.verify('bait', 'far')", 'CALL hllset_sync.prune()', "CALL hllset_sync.p_advance('{bait,visits}')", "SELECT hllset_sync.p_heads('{bait,visits}')",
	'SELECT FROM hllset_sync.backlog', "CALL hllset_sync.absorb_origin('far')";
like(($node->psql('app', "CALL hllset_sync.rescan('bait')"))[2], qr/rules are not supported/, 'a rule only stops the scan of his own set');
$evil->("DROP RULE r ON hllset_sync.dirty_$id");
$node->safe_psql('app', "CALL hllset_sync.rescan('bait')");
$node->safe_psql('app', 'SELECT * FROM hllset_sync.set_status; SELECT * FROM hllset_sync.backlog', extra_params => [ '-U', 'watcher' ]);
poll_ok($node, 'app', "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 FROM public.visits_by_node WHERE node = 'far'", 'the other set is in step', 30);

is($node->safe_psql('app', 'SELECT DISTINCT place FROM evil.seen ORDER BY 1'),
	join("\n", sort 'generated in copy', 'index of bait', 'trigger of bait', 'trigger of dirty', map { ("check of $_", "default of $_", "policy of $_", "trigger of $_") } 'copy', 'rows'),
	'the traps have sprung');
is($node->safe_psql('app', 'SELECT DISTINCT who FROM evil.seen'), 'evil', 'each as its owner');
is($node->safe_psql('app', 'SELECT DISTINCT place, attempt FROM evil.won ORDER BY 1, 2'), '', 'and none has won anything');

# ---- what he makes of his tables while others use them ----

$node->safe_psql('postgres', 'ALTER DATABASE app RESET search_path');
my $crashes = sub { () = slurp_file($node->logfile) =~ /was terminated by signal/g };

# A set of evil's, with a row, and its number.
sub bait
{
	my ($set, $views) = @_;
	$evil->("CREATE TABLE $set (day bigint PRIMARY KEY, users hllset(12))");
	$evil->("CALL hllset_sync.register('$set'" . ($views // '') . ')');
	return $node->safe_psql('app', "SELECT set_id FROM hllset_sync.sets WHERE set_name = '$set'");
}

sub broken
{
	my ($set, $text, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $error;
	# the scheduler may be at it, whose word counts then, but later
	for (1 .. 300)
	{
		$node->safe_psql('app', "CALL hllset_sync.p_advance('{$set}')");
		$error = $node->safe_psql('app', "SELECT last_error FROM hllset_sync.set_status WHERE set_name = '$set'");
		last if $error =~ $text;
		sleep 0.1;
	}
	like($error, $text, $name);
	return;
}

my $n = bait('shifting');
$evil->(qq{
	CREATE FUNCTION evil.shift() RETURNS trigger LANGUAGE plpgsql AS \$f\$
	BEGIN
		IF new.day = 1 THEN
			ALTER TABLE hllset_sync.dirty_$n ALTER k1 TYPE text;
		END IF;
		RETURN NULL;
	END \$f\$;
	CREATE TRIGGER zz AFTER INSERT ON shifting FOR EACH ROW EXECUTE FUNCTION evil.shift();
	INSERT INTO shifting VALUES (1, NULL), (12345, NULL)});
is($node->safe_psql('app', "SELECT count(*) FROM hllset_sync.pending WHERE set_id = $n AND kind = 'r'"), '1', 'a heap of notes that is altered within a statement gets the note that all is to be compared');

SKIP:
{
	skip 'tables do not become views any more', 2 if $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000;
	$n = bait('dirty_view');
	$evil->(qq{ALTER TABLE hllset_sync.dirty_$n NO INHERIT hllset_sync.part;
		CREATE RULE "_RETURN" AS ON SELECT TO hllset_sync.dirty_$n DO INSTEAD SELECT 1::bigint AS k1});
	like(($node->psql('app', "SET SESSION AUTHORIZATION evil; INSERT INTO dirty_view VALUES (1, NULL)"))[2], qr/hllset_sync.dirty_$n is no table any more/, 'no notes into a view');
	# Nothing is pending, so it may take a minute until somebody looks at the set.
	$node->safe_psql('app', "INSERT INTO hllset_sync.pending VALUES ($n, 'r')");
	broken('dirty_view', qr/is no table any more/, 'nor from one');
}

$n = bait('deferring');
$evil->(qq{CREATE CONSTRAINT TRIGGER late AFTER INSERT ON hllset_sync.rows_$n DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION evil.spring();
	SELECT hllset_sync.grant_peer('deferring', '$me'); INSERT INTO deferring VALUES (1, NULL)});
broken('deferring', qr/deferred trigger/, 'nothing of his is put off until the others are themselves again');

bait('renamed', ", global_view => '', by_node_view => ''"); # with views it could have no row security
$evil->(q{ALTER TABLE renamed RENAME TO gone; CREATE VIEW renamed AS SELECT day, users FROM gone WHERE evil.trap('view') IS NOT NULL;
	ALTER TABLE gone ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON gone USING (evil.trap('policy'));
	SELECT hllset_sync.grant_peer('renamed', 'hllset_worker'); INSERT INTO gone VALUES (1, hllset_of(1))});
poll_ok($node, 'app', "SELECT head = 1 FROM hllset_sync.sets WHERE set_name = 'renamed'", 'a table is known by more than its name, and row security is not for its owner', 30);

my $scheduler = pid_of($node, 'hllset_sync scheduler');
$n = bait('cancelling');
$evil->(qq{
	CREATE FUNCTION evil.cancel() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN RAISE EXCEPTION 'stop it' USING ERRCODE = 'query_canceled'; END \$f\$;
	CREATE TRIGGER cancel AFTER INSERT ON hllset_sync.rows_$n FOR EACH ROW EXECUTE FUNCTION evil.cancel();
	SELECT hllset_sync.grant_peer('cancelling', '$me'); INSERT INTO cancelling VALUES (1, NULL)});
broken('cancelling', qr/stop it/, 'who says that all is to be cancelled is heard for himself alone');
$node->safe_psql('app', "INSERT INTO visits VALUES (7, hllset_of(7))");
poll_ok($node, 'far', "SELECT count(*) = 1 FROM visits_by_node WHERE node = 'app' AND day = 7", 'the other set goes on', 30);
is(pid_of($node, 'hllset_sync scheduler'), $scheduler, 'and the scheduler');

# ---- what he leaves behind for the next owner ----

my %left = (
	child => 'CREATE TABLE evil.%1$s () INHERITS (hllset_sync.%1$s)',
	statistics => 'CREATE STATISTICS evil.%1$s ON (evil.lie(k1::text)) FROM hllset_sync.%1$s',
	rule => 'CREATE RULE r AS ON INSERT TO hllset_sync.%1$s DO ALSO NOTHING');
for my $what (sort keys %left)
{
	$n = bait("left_$what");
	$evil->(sprintf($left{$what}, "copy_$n") . "; SELECT hllset_sync.grant_peer('left_$what', '$me')");
	$node->safe_psql('app', "ALTER TABLE evil.left_$what OWNER TO $me");
	broken("left_$what", qr/has another owner now, and the old one has altered hllset_sync.copy_$n/, "a $what");
}

is($node->safe_psql('app', 'SELECT DISTINCT who FROM evil.seen'), 'evil', 'still each as its owner');
is($node->safe_psql('app', 'SELECT DISTINCT place, attempt FROM evil.won ORDER BY 1, 2'), '', 'in vain');
is($crashes->(), 0, 'nothing has crashed');
$node->stop;
done_testing();
