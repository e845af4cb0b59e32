#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""A TCP proxy between two nodes, on which a test makes the network fail.

    proxy.py LISTEN_PORT TARGET_PORT CONTROL_PORT

forwards 127.0.0.1:LISTEN_PORT to 127.0.0.1:TARGET_PORT. "up" is from the client (who syncs) to the server (its peer), "down" the way
back. A line sent to CONTROL_PORT is a command; it is answered by a line, "ok" or what was asked for:

    hold                  a black hole: nothing passes, nothing is closed, new connections are accepted and hear nothing
    hold up|down          the same in one direction only
    heal                  all passes again, also what was held; ends latency, rate, refuse and cut too
    refuse                new connections are closed at once
    reset                 all connections are reset (RST)
    cut up|down N         connections that come from now on are reset after N bytes in that direction
    cut up|down N once    only the next one is
    latency MS            added to each piece that passes
    rate N                bytes a second in each direction
    mutate SEED ONE_IN    from now on one in ONE_IN messages of the server has some of its bytes changed; SEED makes it repeatable
    garble KIND           answers of the server to queries become: endless (one row for ever), huge (a row that claims 1 GB),
                          slow (a byte a second), types (columns of another type), nul (zero bytes in texts); or they are
                          preceded by messages without end: notices, parameters, notifies, or one row of 1 GB (giant)
    count                 answered by: UP DOWN CONNECTIONS, bytes and connections since the start or the last "zero"
    zero                  sets these to 0
    messages up|down      answered by the bytes after which messages in that direction ended, in the last connection
"""
import asyncio
import random
import socket
import struct
import sys


def framed(tag, body):
    return tag + struct.pack(">I", len(body) + 4) + body


TEXT = b"x" * 20000
GIANT = b"D" + struct.pack(">IHi", 0x3FFFFFFF, 1, 0x3FFFFFF0)


def flood(kind, number):
    """A piece of what never ends."""
    if kind == "notices":
        return framed(b"N", b"SNOTICE\0C00000\0M" + TEXT + b"\0\0")
    if kind == "parameters":
        return framed(b"S", b"hostile.p%d\0" % number + TEXT + b"\0")
    if kind == "notifies":
        return framed(b"A", struct.pack(">I", 1) + b"channel\0" + TEXT + b"\0")
    return GIANT if number == 0 else TEXT


FLOODS = ("notices", "parameters", "notifies", "giant")


class State:
    def __init__(self):
        self.up = self.down = self.connections = 0
        self.ends = {"up": [], "down": []}
        self.links = set()
        self.seed = 0
        self.heal()

    def heal(self):
        self.held = {"up": False, "down": False}
        self.cut = {"up": None, "down": None}
        self.once = False
        self.refused = False
        self.latency = 0.0
        self.rate = 0
        self.one_in = 0
        self.kind = None


class Marks:
    """Finds where messages of the client end."""

    def __init__(self, ends):
        self.ends = ends
        self.pending = b""
        self.offset = 0

    def feed(self, data):
        self.pending += data
        while len(self.pending) >= 5:
            tag = 1 if self.offset else 0  # the first message has a length only
            size = tag + struct.unpack_from(">I", self.pending, tag)[0]
            if len(self.pending) < size:
                return
            self.pending = self.pending[size:]
            self.offset += size
            self.ends.append(self.offset)


class Mutator:
    """Changes messages of the server, which are taken apart by their length words."""

    def __init__(self, state):
        self.state = state
        self.random = random.Random(state.seed)
        state.seed += 1
        self.pending = b""
        self.offset = 0

    def feed(self, data):
        """The messages that are whole now, as they are to be sent; all of DATA as it is while nothing is to be changed."""
        self.pending += data
        out = []
        if self.offset == 0 and self.pending == b"N":  # the answer to a request for encryption
            self.pending, self.offset = b"", 1
            return [data]
        while len(self.pending) >= 5:
            size = 1 + struct.unpack_from(">I", self.pending, 1)[0]
            if len(self.pending) < size:
                break
            message, self.pending = self.pending[:size], self.pending[size:]
            self.offset += size
            self.state.ends["down"].append(self.offset)
            out.append(self.change(message))
        return out if self.state.one_in or self.state.kind else [data]

    def change(self, message):
        kind, tag = self.state.kind, message[:1]
        if kind == "huge" and tag == b"D":
            return b"D" + struct.pack(">IHi", 0x3FFFFFFF, 1, 0x3FFFFFF0) + b"x" * 100
        if kind == "types" and tag == b"T":
            return message.replace(struct.pack(">IhiH", 20, 8, -1, 1), struct.pack(">IhiH", 25, -1, -1, 1))
        if kind == "nul" and tag == b"D":
            return message[:7] + message[7:].replace(b"a", b"\0").replace(b"e", b"\0")
        if self.state.one_in and tag in b"DTCSZE" and self.random.randrange(self.state.one_in) == 0 and len(message) > 5:
            body = bytearray(message)
            for _ in range(self.random.choice((1, 1, 1, 2, 8))):
                where = self.random.randrange(0 if self.random.randrange(8) == 0 else 5, len(body))
                body[where] = self.random.choice((0, 0xFF, 0x7F, body[where] ^ 1 << self.random.randrange(8), self.random.randrange(256)))
            return bytes(body)
        return message


class Link:
    def __init__(self, state, reader, writer, far_reader, far_writer):
        self.state = state
        self.mutator = Mutator(state)
        self.near, self.far = (reader, writer), (far_reader, far_writer)
        self.left = dict(state.cut)
        if state.once:
            state.cut = {"up": None, "down": None}
        state.ends = {"up": [], "down": []}
        self.marks = Marks(state.ends["up"])

    async def run(self):
        self.state.links.add(self)
        pumps = [
            asyncio.ensure_future(self.pump("up", self.near[0], self.far[1])),
            asyncio.ensure_future(self.pump("down", self.far[0], self.near[1])),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for task in pumps:
            task.cancel()
        self.state.links.discard(self)
        for writer in (self.near[1], self.far[1]):
            writer.close()

    def reset(self):
        for _, writer in (self.near, self.far):
            sock = writer.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def pump(self, direction, reader, writer):
        state = self.state
        while True:
            data = await reader.read(65536)
            if not data:
                return
            if state.latency:
                await asyncio.sleep(state.latency)
            if state.rate:
                await asyncio.sleep(len(data) / state.rate)
            while state.held[direction]:
                await asyncio.sleep(0.02)
            if self.left[direction] is not None:
                data = data[: self.left[direction]]
                self.left[direction] -= len(data)
            await self.send(direction, data, writer)
            setattr(state, direction, getattr(state, direction) + len(data))
            if self.left[direction] == 0:
                await asyncio.sleep(0.01)
                self.reset()
                return

    async def send(self, direction, data, writer):
        if direction == "up":
            self.marks.feed(data)
            writer.write(data)
        else:
            for message in self.mutator.feed(data):
                await self.send_message(message, writer)
        await writer.drain()

    async def send_message(self, message, writer):
        if self.state.kind == "slow":
            for byte in message:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(1)
        elif self.state.kind in FLOODS and message[:1] in b"1T":
            number = 0
            while self.state.kind in FLOODS:
                writer.write(flood(self.state.kind, number))
                await writer.drain()
                number += 1
        elif self.state.kind == "endless" and message[:1] == b"D":
            while self.state.kind == "endless":
                writer.write(message * 100)
                await writer.drain()
        else:
            writer.write(message)


async def main(listen, target, control):
    state = State()

    async def connected(reader, writer):
        state.connections += 1
        if state.refused:
            writer.close()
            return
        try:
            far = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await Link(state, reader, writer, *far).run()

    def command(words):
        match words:
            case ["hold"]:
                state.held = {"up": True, "down": True}
            case ["hold", ("up" | "down") as direction]:
                state.held[direction] = True
            case ["heal"]:
                state.heal()
            case ["refuse"]:
                state.refused = True
            case ["reset"]:
                for link in list(state.links):
                    link.reset()
            case ["cut", ("up" | "down") as direction, count, *once]:
                state.cut[direction] = int(count)
                state.once = once == ["once"]
            case ["latency", ms]:
                state.latency = float(ms) / 1000
            case ["rate", count]:
                state.rate = int(count)
            case ["mutate", seed, one_in]:
                state.seed, state.one_in = int(seed), int(one_in)
            case ["garble", ("endless" | "huge" | "slow" | "types" | "nul" | "notices" | "parameters" | "notifies" | "giant") as kind]:
                state.kind = kind
            case ["count"]:
                return f"{state.up} {state.down} {state.connections}"
            case ["zero"]:
                state.up = state.down = state.connections = 0
            case ["messages", ("up" | "down") as direction]:
                return " ".join(map(str, state.ends[direction]))
            case _:
                return "what?"
        return "ok"

    async def controlled(reader, writer):
        while line := await reader.readline():
            writer.write((command(line.decode().split()) + "\n").encode())
            await writer.drain()
        writer.close()

    await asyncio.start_server(controlled, "127.0.0.1", control)
    server = await asyncio.start_server(connected, "127.0.0.1", listen)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    asyncio.run(main(*map(int, sys.argv[1:])))
