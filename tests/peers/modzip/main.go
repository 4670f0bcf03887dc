// golang.org/x/mod on module zips: for each FILE the h1: sum of what CheckZip and Unzip take, or
// "error: ...". The sum of what was unpacked is compared with that of the zip, which differs only by
// entries of directories.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

func sum(m module.Version, file string) (string, error) {
	dir, err := os.MkdirTemp("", "gw-modzip")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := zip.Unzip(filepath.Join(dir, "x"), m, file); err != nil {
		return "", err
	}
	h, err := dirhash.HashZip(file, dirhash.Hash1)
	if err != nil {
		return "", err
	}
	d, err := dirhash.HashDir(filepath.Join(dir, "x"), m.Path+"@"+m.Version, dirhash.Hash1)
	if err != nil {
		return "", err
	}
	return h + " " + d, nil
}

func main() {
	m := module.Version{Path: os.Args[1], Version: os.Args[2]}
	for _, file := range os.Args[3:] {
		s, err := sum(m, file)
		if err != nil {
			s = "error: " + strings.ReplaceAll(err.Error(), "\n", " | ")
		}
		fmt.Println(s)
	}
}
