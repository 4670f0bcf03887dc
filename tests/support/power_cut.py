"""What a power cut may leave of a program's writes: from a trace of its system calls, every state of its
directories that a file system may show afterwards.

    calls = power_cut.read_trace("trace")            # of strace with OPTIONS
    for state in power_cut.states(calls, before, directories):
        power_cut.build(state, "copy")

The file system promises no more than POSIX: what was written to a file is there after an fsync() of the
file, a name after an fsync() of its directory; until then each change is there or is not, whatever came
before or after it. A rename() is one change. Of a file's writes these are tried: none, all, the first half,
the last half (a file of N unsynced pieces has 2^N states, and none of them is whole but one).

A state: {directory: {name: Entry}}.
"""

import collections
import itertools
import os
import re

OPTIONS = ["-qq", "-xx", "-s", "100000000", "-e", "signal=none", "-e",
           "trace=openat,openat2,close,dup,dup2,dup3,fcntl,write,pwrite64,writev,ftruncate,fallocate,fchmod,"
           "fsync,fdatasync,link,linkat,symlink,symlinkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,"
           "mkdirat"]
# What would change directories and is not understood here must not go unseen.
UNKNOWN = {"dup2", "dup3", "pwrite64", "writev", "link", "symlink", "rename", "mkdir"}

Entry = collections.namedtuple("Entry", "kind data mode")  # kind: file, link (data: where to), dir
Call = collections.namedtuple("Call", "name args result")


def unquote(text):
    return bytes(int(h, 16) for h in text.split("\\x")[1:])


def read_trace(path):
    """The calls that succeeded."""
    out = []
    with open(path) as f:
        for line in f:
            m = re.match(r"(\w+)\((.*)\) += (\d+)", line)
            if m:
                args = [unquote(a[1:-1]) if a.startswith('"') else a for a in m.group(2).split(", ")]
                out.append(Call(m.group(1), args, int(m.group(3))))
    return out


class File:
    """Its writes and modes, the first `synced` of which are on the disk."""

    def __init__(self, data=None, mode=0o644):
        self.changes, self.synced, self.cache = [], 0, {}
        if data is not None:
            self.changes = [("data", data), ("mode", mode)]
            self.synced = 2

    def variants(self):
        done, rest = self.changes[:self.synced], self.changes[self.synced:]
        half = len(rest) // 2
        tried = {tuple(range(a, b)) for a, b in ((0, 0), (0, len(rest)), (0, half), (half, len(rest)))}
        for chosen in sorted(tried):
            yield self.entry(len(done), chosen, done + [rest[i] for i in chosen])

    def entry(self, done, chosen, changes):
        key = (done, chosen)
        if key not in self.cache:
            data, mode, at = bytearray(), 0o600, 0
            for kind, value in changes:
                if kind == "data":
                    data[at:at + len(value)] = value
                    at += len(value)
                elif kind == "size":
                    data.extend(bytes(max(0, value - len(data))))
                else:
                    mode = value
            self.cache[key] = Entry("file", bytes(data), mode)
        return self.cache[key]


class Machine:
    def __init__(self, before, directories):
        """before: {directory: {name: Entry}}; directories: those that are watched."""
        self.directories = directories
        self.now = {d: {} for d in directories}  # name -> File or Entry
        for directory, entries in before.items():
            for name, entry in entries.items():
                self.now[directory][name] = File(entry.data, entry.mode) if entry.kind == "file" else entry
        self.disk = {d: dict(names) for d, names in self.now.items()}
        self.pending = {d: [] for d in directories}  # [(name, what), ...], one change each
        self.open = {}

    def where(self, at, path):
        path = path.decode()
        if not path.startswith("/"):
            base = self.open.get(int(at)) if at != "AT_FDCWD" else None
            if not isinstance(base, str):
                return None, None
            path = os.path.normpath(os.path.join(base, path))
        directory, name = os.path.split(path)
        return directory, name

    def change(self, directory, *changes):
        """One change of a directory: names and what they are from now on; None: gone."""
        if directory not in self.directories:
            return
        self.pending[directory].append(changes)
        self.apply(self.now[directory], changes)

    @staticmethod
    def apply(names, changes):
        for name, what in changes:
            if what is None:
                names.pop(name, None)
            else:
                names[name] = what

    def see(self, call):
        name, args, result = call
        if name in UNKNOWN:
            raise AssertionError("a call that this does not know: %s %s" % (name, args[:3]))
        getattr(self, "on_" + name, lambda *unused: None)(args, result)

    def on_openat(self, args, result):
        directory, name = self.where(args[0], args[1])
        flags = " ".join(a for a in args[2:] if isinstance(a, str))
        self.open[result] = None
        if directory is None:
            return
        path = os.path.join(directory, name)
        if "O_TMPFILE" in flags:
            self.open[result] = File() if path in self.directories else None
        elif "O_DIRECTORY" in flags:
            self.open[result] = path
        elif directory in self.directories:
            if "O_CREAT" in flags and name not in self.now[directory]:
                self.change(directory, (name, File()))
            self.open[result] = self.now[directory].get(name)

    on_openat2 = on_openat

    def on_close(self, args, _):
        self.open.pop(int(args[0]), None)

    def on_fcntl(self, args, result):
        if args[1].startswith("F_DUPFD"):
            self.open[result] = self.open.get(int(args[0]))

    def on_dup(self, args, result):
        self.open[result] = self.open.get(int(args[0]))

    def alter(self, fd, kind, value):
        file = self.open.get(int(fd))
        if isinstance(file, File):
            file.changes.append((kind, value))

    def on_write(self, args, result):
        self.alter(args[0], "data", args[1][:result] if isinstance(args[1], bytes) else b"")

    def on_fallocate(self, args, _):
        self.alter(args[0], "size", int(args[2]) + int(args[3]))

    def on_fchmod(self, args, _):
        self.alter(args[0], "mode", int(args[1], 8))

    def on_ftruncate(self, args, _):
        raise AssertionError("a file is made shorter")

    def on_fsync(self, args, _):
        what = self.open.get(int(args[0]))
        if isinstance(what, File):
            what.synced = len(what.changes)
        elif what in self.directories:
            self.disk[what] = dict(self.now[what])
            self.pending[what] = []

    on_fdatasync = on_fsync

    def on_linkat(self, args, _):
        if args[1] == b"" or args[1].startswith(b"/proc/self/fd/"):
            what = self.open.get(int(args[0] if args[1] == b"" else args[1].rsplit(b"/", 1)[1]))
        else:
            directory, name = self.where(args[0], args[1])
            what = self.now.get(directory, {}).get(name)
        directory, name = self.where(args[2], args[3])
        if directory in self.directories and what is None:
            raise AssertionError("a link to what nobody saw: %s" % name)
        self.change(directory, (name, what))

    def on_symlinkat(self, args, _):
        directory, name = self.where(args[1], args[2])
        self.change(directory, (name, Entry("link", args[0].decode(), 0)))

    def on_renameat(self, args, _):
        directory, old = self.where(args[0], args[1])
        other, new = self.where(args[2], args[3])
        if directory not in self.directories:
            return
        if directory != other:
            raise AssertionError("a name goes elsewhere: %s" % old)
        self.change(directory, (old, None), (new, self.now[directory][old]))

    on_renameat2 = on_renameat

    def on_unlinkat(self, args, _):
        directory, name = self.where(args[0], args[1])
        if name in self.now.get(directory, {}):
            self.change(directory, (name, None))

    def on_unlink(self, args, result):
        self.on_unlinkat(["AT_FDCWD", args[0]], result)

    def on_mkdirat(self, args, _):
        directory, name = self.where(args[0], args[1])
        self.change(directory, (name, Entry("dir", "", 0)))

    def possible(self, directory):
        """What the directory may hold after a cut now: [{name: Entry}]."""
        pending = self.pending[directory]
        for chosen in itertools.product((False, True), repeat=len(pending)):
            names = dict(self.disk[directory])
            for take, changes in zip(chosen, pending):
                if take:
                    self.apply(names, changes)
            order = sorted(names)
            choices = [list(names[n].variants()) if isinstance(names[n], File) else [names[n]] for n in order]
            for contents in itertools.product(*choices):
                yield dict(zip(order, contents))


def signature(state):
    return tuple((d, tuple((n, e.kind, hash(e.data), e.mode) for n, e in sorted(names.items())))
                 for d, names in sorted(state.items()))


def states(calls, before, directories):
    """Each state that a cut between two of the calls may leave, once, with the number of calls before it."""
    machine, seen = Machine(before, directories), set()
    for number, call in enumerate([None, *calls]):
        if call is not None:
            machine.see(call)
        each = [list(machine.possible(d)) for d in directories]
        for chosen in itertools.product(*each):
            state = dict(zip(directories, chosen))
            # A directory whose name is lost is lost with it.
            for d in directories:
                parent, name = os.path.split(d)
                if parent in state and name not in state[parent]:
                    state.pop(d, None)
            key = signature(state)
            if key not in seen:
                seen.add(key)
                yield number, state


def build(state, base, to):
    """Makes the directories below `base` of a state below `to`."""
    os.makedirs(to)
    for directory, names in state.items():
        there = os.path.join(to, os.path.relpath(directory, base))
        os.makedirs(there, exist_ok=True)
        for name, entry in names.items():
            path = os.path.join(there, name)
            if entry.kind == "link":
                os.symlink(entry.data, path)
            elif entry.kind == "dir":
                os.makedirs(path, exist_ok=True)
            else:
                with open(path, "wb") as f:
                    f.write(entry.data)
                os.chmod(path, entry.mode)
