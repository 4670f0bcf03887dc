// Answers questions about module paths, patterns and go.mod files with golang.org/x/mod and Go's own
// packages, for tests to compare with.
//
// One question a line on standard input: an operation and its arguments in hex, divided by spaces.
// One answer a line, in hex:
//
//	version                the versions of Go and of Unicode
//	module|import|file P   "ok" or "error": CheckPath, CheckImportPath, CheckFilePath
//	glob PATTERNS PATH     "true" or "false": MatchPrefixPatterns
//	wellformed PATTERN     "true" or "false": what path.Match says of the pattern
//	canonical V            CanonicalVersion
//	major V PATHMAJOR      "true" or "false": MatchPathMajor
//	unicode FIRST LAST     for each code point (decimal) a letter: "u" unassigned, else the sum of
//	                       1 (IsLetter), 2 (IsPrint) and 4 (IsSpace) added to "0"
//	trim TEXT              strings.TrimSpace
//	strict|lax TEXT        Parse, ParseLax: the directives as JSON lines, or "error LINE MESSAGE"
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/mod/module"
)

func verdict(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}

func categories(first, last int) string {
	out := make([]byte, 0, last-first+1)
	for r := rune(first); r <= rune(last); r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C) {
			out = append(out, 'u')
			continue
		}
		c := byte('0')
		if unicode.IsLetter(r) {
			c++
		}
		if unicode.IsPrint(r) {
			c += 2
		}
		if unicode.IsSpace(r) {
			c += 4
		}
		out = append(out, c)
	}
	return string(out)
}

func answer(op string, args []string) string {
	switch op {
	case "version":
		return runtime.Version() + " " + unicode.Version
	case "module":
		return verdict(module.CheckPath(args[0]))
	case "import":
		return verdict(module.CheckImportPath(args[0]))
	case "file":
		return verdict(module.CheckFilePath(args[0]))
	case "glob":
		return fmt.Sprint(module.MatchPrefixPatterns(args[0], args[1]))
	case "wellformed":
		_, err := path.Match(args[0], "")
		return fmt.Sprint(err == nil)
	case "canonical":
		return module.CanonicalVersion(args[0])
	case "major":
		return fmt.Sprint(module.MatchPathMajor(args[0], args[1]))
	case "unicode":
		first, _ := strconv.Atoi(args[0])
		last, _ := strconv.Atoi(args[1])
		return categories(first, last)
	case "trim":
		return strings.TrimSpace(args[0])
	case "strict", "lax":
		return gomod(args[0], op == "strict")
	}
	return "unknown operation"
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
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
		out.WriteString(hex.EncodeToString([]byte(answer(args[0], args[1:]))) + "\n")
	}
}
