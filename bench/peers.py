# SPDX-License-Identifier: PostgreSQL
"""
The sketches that sql.py compares: their SQL, and which of them this server has. A new peer is one function here; one that is not
installed is left out.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sketch:
    """A type with its functions: {x} is an element, {s}, {a} and {b} are stored values, and hashes are by SQL type of the element."""
    name: str
    extension: str
    column: str
    build: str
    union: str
    merge: str
    cardinality: str
    # The count of an intersection, where it is not by inclusion and exclusion.
    common: str = ''
    # One more element; not every sketch can.
    add: str = ''
    hashes: dict = field(default_factory=dict)
    # The types of elements that it can have, if not all.
    kinds: tuple = ()
    # False where the final function of its union destroys the state, so that it can't be a window aggregate.
    windows: bool = True
    # The standard error of a large union, times the root of the buckets.
    constant: float = 0.0
    buckets: int = 0

    def takes(self, kind):
        return not self.kinds or kind in self.kinds

    def aggregate(self, kind, x='x'):
        return self.build.format(x=self.hashes.get(kind, '{x}').format(x=x))

    def count(self, s):
        return self.cardinality.format(s=s)

    def overlap(self, a, b):
        """The count of what a and b share."""
        if self.common:
            return self.common.format(a=a, b=b)
        return f'({self.count(a)} + {self.count(b)} - {self.count(self.merge.format(a=a, b=b))})'

    def table(self, what):
        """Where sql.py keeps sets of this sketch."""
        return f'stored_{self.name.replace(" ", "_").replace("-", "_")}_{what}'


def hllset(precision, compact=False):
    form = f'hllset({precision}, compact)' if compact else f'hllset({precision})'
    build = 'hll_add_agg({x})' if precision == 12 else f'hll_add_agg({{x}}, {precision})'
    return Sketch(f'hllset {precision}{" compact" if compact else ""}', 'hllset', form, f'{build}::{form}' if compact else build,
                  'hll_union_agg({s})', 'hll_union({a}, {b})', 'hll_cardinality({s})', 'hll_cardinality({a} & {b})',
                  'hll_add({s}, {x})', constant=.6491, buckets=2 ** precision)


def hll(log2m):
    """postgresql-hll; a uuid goes through its bytes, as its manual has no hash of one."""
    return Sketch(f'hll {log2m}', 'hll', 'peer_hll.hll', f'peer_hll.hll_add_agg({{x}}, {log2m})', 'peer_hll.hll_union_agg({s})',
                  'peer_hll.hll_union({a}, {b})', 'peer_hll.hll_cardinality({s})', '',
                  'peer_hll.hll_add({s}, peer_hll.hll_hash_bigint({x}))',
                  {'integer': 'peer_hll.hll_hash_integer({x})', 'bigint': 'peer_hll.hll_hash_bigint({x})',
                   'text': 'peer_hll.hll_hash_text({x})', 'uuid': 'peer_hll.hll_hash_bytea(uuid_send({x}))'},
                  constant=1.04, buckets=2 ** log2m)


def datasketches(kind, name, lg_k, constant):
    """Apache DataSketches for PostgreSQL. Its final functions free the state: a window of it may end the server."""
    call = f'peer_datasketches.{kind}_sketch'
    common = ''
    if kind == 'theta':
        common = f'{call}_get_estimate({call}_intersection({{a}}, {{b}}))'
    return Sketch(f'{name} {lg_k}', 'datasketches', call, f'{call}_build({{x}}, {lg_k})', f'{call}_union({{s}}, {lg_k})',
                  f'{call}_union({{a}}, {{b}}, {lg_k})', f'{call}_get_estimate({{s}})', common, windows=False,
                  constant=constant, buckets=2 ** lg_k)


def ds_hll(lg_k):
    return datasketches('hll', 'ds-hll', lg_k, 1.04)


def cpc(lg_k):
    return datasketches('cpc', 'cpc', lg_k, .6931)


def theta(lg_k):
    return datasketches('theta', 'theta', lg_k, 1.0)


def roaring():
    """
    pg_roaringbitmap, which is exact and for integers: elements of sets that other sketches hash become ids below 2^24, scattered over all
    of them.
    """
    call = 'peer_roaringbitmap.rb'
    scattered = '(((({x} & 16777215) + (({x} >> 32) & 65535) * 1000003) * 10368889) & 16777215)::integer'
    return Sketch('roaring', 'roaringbitmap', 'peer_roaringbitmap.roaringbitmap', f'{call}_build_agg({{x}})',
                  f'{call}_or_agg({{s}})', f'{call}_or({{a}}, {{b}})', f'{call}_cardinality({{s}})',
                  f'{call}_and_cardinality({{a}}, {{b}})', f'{call}_add({{s}}, {scattered})', {'bigint': scattered}, ('integer',))


# Contenders of aggregates, of stored values, and of intersections.
BUILDERS = (hllset(12), hll(11), hll(14), ds_hll(12), cpc(11), cpc(12), theta(12), roaring())
KEPT = (hllset(11), hllset(12), hllset(11, True), hllset(12, True), hllset(14), hll(11), hll(14), ds_hll(12), cpc(11), cpc(12),
        theta(12), roaring())
OVERLAPPING = (hllset(11, True), hllset(12, True), hllset(12), hllset(13), hllset(14, True), hllset(14), hll(11), hll(14), ds_hll(12),
               cpc(11), cpc(12), cpc(14), theta(7), theta(10), theta(12))


def create(session):
    """Ours and the peers that this server has, each in a schema of its own; their names."""
    session.run('CREATE EXTENSION hllset')
    wanted = {sketch.extension for sketch in (*BUILDERS, *KEPT, *OVERLAPPING)} - {'hllset'}
    names = ', '.join(f"'{name}'" for name in sorted(wanted))
    found = [row[0] for row in session.rows(f'SELECT name FROM pg_available_extensions WHERE name IN ({names}) ORDER BY 1')]
    for name in found:
        session.run(f'CREATE SCHEMA peer_{name}')
        session.run(f'CREATE EXTENSION {name} SCHEMA peer_{name}')
    if 'hll' in found:
        # the others have one; it is there to read a value without doing anything with it
        session.run('CREATE CAST (peer_hll.hll AS bytea) WITHOUT FUNCTION')
    return ['hllset', *found]


def present(sketches, installed):
    return [sketch for sketch in sketches if sketch.extension in installed]
