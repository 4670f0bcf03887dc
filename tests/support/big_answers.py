"""DNS answers as large as they may be, and how much memory gwtool takes of them.

    server = big_answers.BigAnswers(["v=spf1 -all"] * 3000)
    r = big_answers.Measured(["check", "module", "-", "--resolver", server.resolver], "a.b/c\\n")
    r.kb, r.code, r.out, r.err
"""

import os
import socket
import struct
import subprocess
import threading

import cli


class Measured:
    """A run of gwtool with the most memory that it had."""

    def __init__(self, args, input=""):
        p = subprocess.Popen([cli.GWTOOL, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=cli.clean_env())
        texts = {}

        def read(name, stream):
            texts[name] = stream.read()
        threads = [threading.Thread(target=read, args=x)
                   for x in (("out", p.stdout), ("err", p.stderr))]
        for t in threads:
            t.start()
        p.stdin.write(input.encode())
        p.stdin.close()
        _, status, usage = os.wait4(p.pid, 0)
        for t in threads:
            t.join()
        p.stdout.close()
        p.stderr.close()
        p.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.kb = usage.ru_maxrss
        self.out, self.err = texts["out"].decode(), texts["err"].decode()
        cli.check_sanitizers(self.err)


class BigAnswers:
    """A name server on TCP that answers every question with a TXT record of each text."""

    def __init__(self, texts):
        self.count, self.answer = len(texts), b""
        for text in texts:
            data = text.encode()
            parts = [data[i:i + 255] for i in range(0, len(data), 255)]
            rdata = b"".join(bytes([len(p)]) + p for p in parts)
            self.answer += b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(rdata)) + rdata
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", cli.free_port()))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.bind(self.udp.getsockname())
        self.tcp.listen(256)
        self.resolver = "%s@%d" % self.udp.getsockname()
        for target in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def reply(self, query, answer):
        end = query.index(b"\0", 12) + 5
        flags = 0x8180 if answer else 0x8380
        return query[:2] + struct.pack(">HHHHH", flags, 1, self.count if answer else 0, 0, 0) + \
            query[12:end] + answer

    def serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            self.udp.sendto(self.reply(query, b""), peer)

    def serve_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        try:
            with connection:
                data = b""
                while True:
                    while len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
                        more = connection.recv(4096)
                        if not more:
                            return
                        data += more
                    size = 2 + struct.unpack(">H", data[:2])[0]
                    reply = self.reply(data[2:size], self.answer)
                    connection.sendall(struct.pack(">H", len(reply)) + reply)
                    data = data[size:]
        except OSError:
            pass
