// A checksum database served by golang.org/x/mod's own server, an implementation that shares nothing
// with ours, for tests to follow and to look things up in.
//
//	sumdb [-name NAME] [-seed N] [-fork N]
//
// It prints its URL and its verifier key, one a line, and serves until standard input ends. The log
// is empty at first. GET /add/COUNT adds that many records (example.com/mI, rising versions; every
// seventh path has upper case); GET /lookup/M@V adds the one that is asked for, as the real log does.
// -fork N: records from number N on get other sums, so that two servers with one name fork there.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	name := flag.String("name", "sum.peer.test", "name of the log's key")
	seed := flag.Int("seed", 1, "varies key and sums")
	fork := flag.Int("fork", -1, "number of the first record with other sums")
	flag.Parse()

	random := sha256.Sum256([]byte(fmt.Sprintf("key %s %d", *name, *seed)))
	signer, verifier, err := note.GenerateKey(bytes.NewReader(random[:]), *name)
	if err != nil {
		log.Fatal(err)
	}
	added := 0
	gosum := func(path, version string) ([]byte, error) {
		variant := *seed
		if *fork >= 0 && added >= *fork {
			variant = -1 - *seed
		}
		added++
		sum := func(what string) string {
			h := sha256.Sum256([]byte(fmt.Sprintf("%d %s %s@%s", variant, what, path, version)))
			return base64.StdEncoding.EncodeToString(h[:])
		}
		return []byte(fmt.Sprintf("%s %s h1:%s\n%s %s/go.mod h1:%s\n",
			path, version, sum("zip"), path, version, sum("mod"))), nil
	}
	ops := sumdb.NewTestServer(signer, gosum)
	next := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/add/", func(w http.ResponseWriter, r *http.Request) {
		count, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/add/"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for ; count > 0; count-- {
			path := fmt.Sprintf("example.com/m%d", next%97)
			if next%7 == 0 {
				path = fmt.Sprintf("example.com/Upper%d", next%97)
			}
			version := fmt.Sprintf("v%d.%d.0", next%2, next/97)
			if _, err := ops.Lookup(context.Background(), module.Version{Path: path, Version: version}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			next++
		}
		fmt.Fprintln(w, added)
	})
	server := sumdb.NewServer(ops)
	for _, path := range sumdb.ServerPaths {
		mux.Handle(path, server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n%s\n", listener.Addr(), verifier)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, mux))
}
