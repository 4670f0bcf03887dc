"""Where a process's memory goes, from /proc/PID/smaps.

    memory(pid)     PSS, which shares what several map among them, and what is private and dirty, which is
                    gone for everybody else; in kB
    parts(pid)      both by what they are of

A page of the program's file that is yet to be written counts as dirty: fsync a new one first.
"""

import os
import struct


def memory(pid):
    """PSS and private dirty pages in kB."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        found = {line.split(":")[0]: int(line.split()[1]) for line in f if line.endswith("kB\n")}
    return found["Pss"], found["Private_Dirty"]


def segments(program):
    """What a static-pie program is loaded as: (part, begin, end) in whole pages, the narrower first."""
    with open(program, "rb") as f:
        head = f.read(64)
        at, size, count = struct.unpack_from("<Q14xHH", head, 32)
        f.seek(at)
        table = f.read(size * count)
    out = []
    for n in range(count):
        kind, flags, _, begin, _, _, length, _ = struct.unpack_from("<IIQQQQQQ", table, n * size)
        if kind == 0x6474e552:  # PT_GNU_RELRO
            out.insert(0, ("tables", begin & ~4095, begin + length & ~4095))
        elif kind == 1:
            out.append(("data" if flags & 2 else "program", begin & ~4095, begin + length + 4095 & ~4095))
    return out


def parts(pid):
    """Memory by what it is of: the program's file; the tables of addresses that are filled in at a start
    (RELRO), wherever they are kept by then; what is written; the heap; the stack; and the rest, which is
    threads' and mapped memory."""
    out = {part: [0, 0] for part in ("program", "tables", "data", "heap", "stack", "rest")}
    program = os.readlink("/proc/%d/exe" % pid)
    loaded, base, part = segments(program), None, None
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            words = line.split()
            if not words[0].endswith(":"):
                begin = int(words[0].split("-")[0], 16)
                name = " ".join(words[5:])
                if base is None and name == program:
                    base = begin
                of_it = [p for p, first, end in loaded if base is not None and first <= begin - base < end]
                part = name[1:-1] if name in ("[heap]", "[stack]") else (of_it + ["rest"])[0]
            elif words[0] in ("Pss:", "Private_Dirty:"):
                out[part][words[0] != "Pss:"] += int(words[1])
    return out
