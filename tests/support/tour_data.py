#!/usr/bin/env python3
"""Makes tests/data/tour, which gwtool-tour(7) begins with: a module proxy with two releases of a service,
and a checksum database whose first head has one of them.

    GW_BUILD=build/release python3 tests/support/tour_data.py DIRECTORY
"""

import os
import shutil
import sys

import module_lab

MODULE = "example.test/svc"
SOURCE = """package main

import "time"

const version = "%s"

func main() {
	println("svc", version, "serves")
	for {
		time.Sleep(time.Hour)
	}
}
"""


def make(directory):
    work = os.path.join(directory, "work")
    lab = module_lab.ModuleLab(work)
    log = os.path.join(directory, "log")
    name = os.path.join(lab.source, "name")
    with open(name, "w") as f:
        f.write("sum.tour.test\n")
    for version, head in (("v0.1.0", "latest.first"), ("v0.1.1", "latest.second")):
        lab.add(MODULE, version, {"main.go": SOURCE % version})
        lab.log()
        shutil.copy(os.path.join(lab.source, "latest"), os.path.join(lab.source, head))
    os.unlink(os.path.join(lab.source, "latest"))
    os.unlink(name)
    shutil.move(lab.source, log)
    shutil.move(lab.proxy_dir, os.path.join(directory, "proxy"))
    os.rmdir(work)
    with open(os.path.join(log, "key.pub"), "w") as f:
        f.write(lab.key + "\n")


if __name__ == "__main__":
    make(sys.argv[1])
