# SPDX-License-Identifier: PostgreSQL
"""
The paper and ink of docs/plots. Each picture has a paper of its own, white, or dark where the reader prefers that, so that it reads on any page.
Other colours are chosen to read on both.
"""
PAPER, INK, RULE = '#ffffff', '#333333', '#e4e4e4'
DARK = {PAPER: '#14181e', INK: '#c9d1d9', RULE: '#30363d'}


def dark_rules():
    """Of CSS: they win over the colours that stand in the elements."""
    rules = [f'[style*="{part}: {colour}"] {{ {part}: {dark} !important }}' for colour, dark in DARK.items() for part in ('fill', 'stroke')]
    return '\n'.join(rules)


def with_dark(svg):
    """The picture with a dark side, without blanks at the ends of lines, which matplotlib leaves."""
    begin = svg.index('>', svg.index('<svg')) + 1
    svg = f'{svg[:begin]}\n <style>@media (prefers-color-scheme: dark) {{\n{dark_rules()}\n }}</style>{svg[begin:]}'
    return '\n'.join(line.rstrip() for line in svg.splitlines()) + '\n'
