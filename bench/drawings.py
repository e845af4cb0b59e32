#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Draws the pictures of docs/plots that show no measured figures: what a set is, a roll-up, nodes in step."""
import argparse
import random
from html import escape
from pathlib import Path

from style import INK, PAPER, RULE, with_dark

WIDTH = 640
# Each reads on white and on black.
BLUE, RED, GREEN, GREY = '#2f81c7', '#d1495b', '#4f9d71', '#808080'


class Picture:
    def __init__(self, title, height):
        self.height = height
        self.parts = [f'<title>{escape(title)}</title>', f'<rect width="{WIDTH}" height="{height}" style="fill: {PAPER}"/>',
                      f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" style="fill: {GREY}"/></marker></defs>']

    def text(self, x, y, text, anchor='middle', size=12, colour=INK, bold=False):
        weight = ' font-weight: bold;' if bold else ''
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" style="font: {size}px sans-serif;{weight} fill: {colour}">{escape(text)}</text>')

    def lines(self, x, y, lines, **style):
        for i, line in enumerate(lines):
            self.text(x, y + 16 * i, line, **style)

    def box(self, x, y, width, height, lines=(), colour=BLUE):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" style="fill: none; stroke: {colour}; stroke-width: 1.5"/>')
        for i, line in enumerate(lines):
            self.text(x + width / 2, y + height / 2 + 4 + 16 * (i - (len(lines) - 1) / 2), line, bold=i == 0)

    def arrow(self, x, y, to_x, to_y):
        self.parts.append(f'<path d="M {x} {y} L {to_x} {to_y}" style="fill: none; stroke: {GREY}; stroke-width: 1.5" marker-end="url(#tip)"/>')

    def line(self, x, y, to_x, to_y):
        self.parts.append(f'<path d="M {x} {y} L {to_x} {to_y}" style="fill: none; stroke: {GREY}; stroke-width: 1.5"/>')

    def cell(self, x, y, size, colour):
        fill = f'fill: {colour}' if colour else f'fill: none; stroke: {RULE}'
        self.parts.append(f'<rect x="{x}" y="{y}" width="{size}" height="{size}" style="{fill}"/>')

    def save(self, folder, name):
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" height="{self.height}">\n' + '\n'.join(self.parts) + '\n</svg>\n'
        (folder / f'{name}.svg').write_text(with_dark(svg), encoding='utf-8')


def idea():
    """160 elements in 24 buckets: below level 3 a map, from there up a list."""
    picture = Picture('An element is hashed to a bucket and a level. Of the low levels the set keeps a map, of the high ones a list.', 268)
    draw = random.Random(4)
    marks = set()
    for _ in range(160):
        level = 0
        while level < 7 and draw.random() < .5:
            level += 1
        marks.add((draw.randrange(24), level))
    left, top, size = 150, 40, 11
    for level in range(8):
        y = top + (7 - level) * 22
        picture.text(left - 10, y + 10, str(level), anchor='end', size=10, colour=GREY)
        for bucket in range(24):
            kept = (bucket, level) in marks
            picture.cell(left + bucket * 12, y, size, (BLUE if level < 3 else RED) if kept else None)
    picture.lines(56, 72, ['element 4711', 'element 815', 'element 4711', '...'], size=12)
    picture.arrow(102, 90, 126, 90)
    picture.text(56, 20, 'elements', bold=True)
    picture.text(left + 144, 20, 'a hash gives each a bucket and a level', bold=True)
    picture.text(546, 20, 'what is kept', bold=True)
    picture.text(left + 144, 236, 'bucket: any, with the same chance', size=11, colour=GREY)
    picture.text(left + 144, 254, 'level: each half as likely as the one below', size=11, colour=GREY)
    picture.arrow(444, 86, 464, 86)
    picture.lines(472, 62, ['high levels: few marks,', 'a list of tokens that', 'tell elements apart'], anchor='start', size=11, colour=RED)
    picture.arrow(444, 182, 464, 182)
    picture.lines(472, 166, ['low levels: many marks,', 'a map of them, one bit', 'for bucket and level'], anchor='start', size=11, colour=BLUE)
    return picture


def rollup():
    picture = Picture('Events become sets of an hour, sets of hours those of a day, and days any window: each is a union of the ones before.', 208)
    picture.box(14, 70, 110, 62, ['events', 'millions a day'], GREY)
    for i in range(4):
        picture.box(190, 22 + 44 * i, 104, 32, [f'hour {i}' if i < 3 else 'hour 23'])
        picture.arrow(126, 101, 186, 38 + 44 * i)
        picture.arrow(296, 38 + 44 * i, 356, 101)
    picture.box(360, 70, 110, 62, ['day', 'union of hours'], GREEN)
    for i, window in enumerate(('week', 'month', 'all tenants')):
        picture.box(534, 34 + 52 * i, 92, 36, [window], RED)
        picture.arrow(472, 101, 530, 52 + 52 * i)
    picture.text(155, 16, 'hll_add_agg', size=11, colour=GREY)
    picture.text(328, 16, 'hll_union_agg', size=11, colour=GREY)
    picture.text(502, 16, 'hll_union_agg', size=11, colour=GREY)
    return picture


def nodes():
    picture = Picture('Each node writes its own rows, keeps a copy of the rows of each other node, and views unite all of them.', 244)
    for i, (name, others) in enumerate((('us', ('eu', 'asia')), ('eu', ('us', 'asia')), ('asia', ('us', 'eu')))):
        x = 20 + 212 * i
        picture.box(x, 40, 176, 168, colour=GREY)
        picture.text(x + 88, 30, f'node {name}', bold=True)
        picture.box(x + 16, 54, 144, 34, [f'rows of {name}'])
        for k, other in enumerate(others):
            picture.box(x + 16, 98 + 34 * k, 144, 28, colour=GREEN)
            picture.text(x + 88, 117 + 34 * k, f'copy of the rows of {other}', size=11)
        picture.text(x + 88, 190, 'view: all united', colour=RED)
    for i in range(2):
        x = 198 + 212 * i
        picture.arrow(x, 68, x + 32, 108)
        picture.arrow(x + 32, 68, x, 108)
    picture.arrow(108, 228, 108, 211)
    picture.arrow(532, 228, 532, 211)
    picture.line(108, 228, 532, 228)
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, nargs='?', default=Path(__file__).parents[1] / 'docs' / 'plots', help='where they go (default docs/plots)')
    folder = parser.parse_args().folder
    for name, draw in (('idea', idea), ('rollup', rollup), ('nodes', nodes)):
        draw().save(folder, name)


if __name__ == '__main__':
    main()
