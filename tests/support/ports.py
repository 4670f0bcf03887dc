"""Ports of this machine for a server that is told its port, or that nobody listens on.

The kernel gives a port of the ephemeral range to whoever asks for any: to a port that was just found
free there, a client of another test may come first. These are outside of that range, so that only
another call of free_port could take one, and that by a chance of one in twenty thousand.
"""

import random
import socket

LOW, HIGH = 10000, 32767


def ephemeral():
    """The first and last port that the kernel gives to who asks for any."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return tuple(map(int, f.read().split()))
    except OSError:
        return 32768, 60999


def free_port(host="127.0.0.1", udp=False):
    """A port that is free for both UDP and TCP (or UDP alone), and stays it."""
    first, last = ephemeral()
    outside = [p for p in range(LOW, HIGH + 1) if not first <= p <= last] or range(LOW, HIGH + 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(100):
        port = random.choice(outside)
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as u, \
                    socket.socket(family, socket.SOCK_STREAM) as t:
                u.bind((host, port))
                if not udp:
                    t.bind((host, port))
            return port
        except OSError:
            continue
    raise AssertionError("no port is free for both UDP and TCP")
