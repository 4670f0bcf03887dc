#!/usr/bin/env python3
"""Builds a program that answers as the go command does, out of the source of the installed Go: its
functions for meta tags, known hosts and import paths are taken as they are, so that what they do is
what is tested against.

    vanity_oracle.py DIRECTORY      writes and builds DIRECTORY/oracle (kept for the next time)

The program reads lines "OP HEX [HEX]" and answers each with a line:

    version                    the Go version, such as go1.19.8
    tags PAGE PATH             "error", or the tag for PATH: "none", "several" or "PREFIX VCS ROOT"
    static PATH                "lookup", "error", or "ROOT VCS URL"
    path PATH                  "ok" or "error" (x/mod module.CheckImportPath)
    url URL                    "ok" or "error": a root that the go command takes
    glob PATTERNS PATH         "true" or "false" (x/mod module.MatchPrefixPatterns)
    join BASE REFERENCE        the URL that a redirect leads to, or "error"
"""
import fcntl
import os
import re
import subprocess
import sys

MAIN = r'''
package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/mod/module"
)

var _ = regexp.MustCompile

type ModuleMode int

const (
	IgnoreMod ModuleMode = iota
	PreferMod
)

type Cmd struct{ Cmd string }

var vcsList = []*Cmd{{"hg"}, {"git"}, {"svn"}, {"bzr"}, {"fossil"}}

func tags(page, path string) string {
	imports, err := parseMetaGoImports(strings.NewReader(page), PreferMod)
	if err != nil {
		return "error"
	}
	m, err := matchGoImport(imports, path)
	if errors.As(err, &ImportMismatchError{}) {
		return "none"
	}
	if err != nil {
		return "several"
	}
	return m.Prefix + " " + m.VCS + " " + m.RepoRoot
}

func static(path string) string {
	for _, srv := range vcsPaths {
		if !HasPathPrefix(path, srv.pathPrefix) {
			continue
		}
		m := srv.regexp.FindStringSubmatch(path)
		if m == nil {
			if srv.pathPrefix != "" {
				return "error"
			}
			continue
		}
		match := map[string]string{"prefix": srv.pathPrefix + "/", "import": path}
		for i, name := range srv.regexp.SubexpNames() {
			if name != "" && match[name] == "" {
				match[name] = m[i]
			}
		}
		if srv.vcs != "" {
			match["vcs"] = expand(match, srv.vcs)
		}
		if srv.repo != "" {
			match["repo"] = expand(match, srv.repo)
		}
		if srv.check != nil {
			if err := srv.check(match); err != nil {
				return "error"
			}
		}
		repo := match["repo"]
		if srv.schemelessRepo {
			repo = "https://" + repo
		}
		return match["root"] + " " + match["vcs"] + " " + repo
	}
	return "lookup"
}

func answer(args []string) string {
	switch args[0] {
	case "version":
		return runtime.Version()
	case "tags":
		return tags(args[1], args[2])
	case "static":
		return static(args[1])
	case "path":
		if module.CheckImportPath(args[1]) != nil {
			return "error"
		}
		return "ok"
	case "url":
		if validateRepoRoot(args[1]) != nil {
			return "error"
		}
		return "ok"
	case "join":
		base, err := url.Parse(args[1])
		if err != nil {
			return "error"
		}
		u, err := base.Parse(args[2])
		if err != nil {
			return "error"
		}
		u.Fragment = ""
		return u.String()
	}
	return "unknown"
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		args := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		for i := 1; i < len(args); i++ {
			b, _ := hex.DecodeString(args[i])
			args[i] = string(b)
		}
		out.WriteString(hex.EncodeToString([]byte(answer(args))) + "\n")
	}
}
'''


def cut(source, start):
    """A declaration at top level that begins with this text, up to its closing brace."""
    at = source.index("\n" + start) + 1
    return source[at:source.index("\n}\n", at) + 3]


def main():
    directory = os.path.abspath(sys.argv[1])
    os.makedirs(directory, exist_ok=True)
    # Held until the end: tests that run side by side build it once.
    lock = open(os.path.join(directory, "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    goroot = subprocess.run(["go", "env", "GOROOT"], check=True, stdout=subprocess.PIPE,
                            text=True).stdout.strip()
    internal = os.path.join(goroot, "src", "cmd", "go", "internal")

    def read(*names):
        with open(os.path.join(internal, *names)) as f:
            return f.read()

    vcs = read("vcs", "vcs.go")
    prefix = ""
    for name in sorted(os.listdir(os.path.join(internal, "str"))):
        text = read("str", name)
        if "\nfunc HasPathPrefix(" in text:
            prefix = cut(text, "func HasPathPrefix(")
    parts = [cut(vcs, start) for start in (
        "type metaImport struct", "type ImportMismatchError struct", "func (m ImportMismatchError)",
        "func matchGoImport(", "func expand(", "type vcsPath struct", "var vcsPaths = ",
        "func noVCSSuffix(", "func validateRepoRoot(")]
    body = "\n".join(parts + [prefix])
    body = body.replace("str.HasPathPrefix", "HasPathPrefix")
    body = body.replace("lazyregexp.New", "regexp.MustCompile").replace("lazyregexp.", "regexp.")
    body = body.replace("urlpkg.Parse", "url.Parse")
    discovery = re.sub(r"(?m)^package vcs$", "package main", read("vcs", "discovery.go"))
    source = os.path.join(directory, "src")
    os.makedirs(source, exist_ok=True)
    imports = 'import (\n\t"errors"\n\t"fmt"\n\t"net/url"\n\t"regexp"\n\t"strings"\n)\n'
    changed = False
    for name, text in (("main.go", MAIN), ("discovery.go", discovery),
                       ("vcs.go", "package main\n\n" + imports + body)):
        path = os.path.join(source, name)
        old = open(path).read() if os.path.exists(path) else None
        if old != text:
            changed = True
            with open(path, "w") as f:
                f.write(text)
    oracle = os.path.join(directory, "oracle")
    if not changed and os.path.exists(oracle):
        return
    env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", CGO_ENABLED="0",
               GOCACHE=os.environ.get("GW_GO_CACHE", os.path.join(directory, "cache")), GOFLAGS="")
    p = subprocess.run(["go", "build", "-o", oracle, "."], cwd=source, env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode != 0:
        sys.exit("building the oracle: " + p.stdout)


if __name__ == "__main__":
    main()
