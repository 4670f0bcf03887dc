// An HTTP/2 server on loopback with its own certificate, for tests of the HTTP client: Go's, which
// shares no code with ours. Prints its URL and CA file; "/connections" tells how many it accepted;
// "/wait/N" answers once N requests wait at the same time; "/narrow/" shares a slow link; "/newest/"
// answers one request after the other, the newest first. Ends with
// its standard input.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func certificate(directory string) (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	check(err)
	file := directory + "/h2-ca.pem"
	check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	cert, file := certificate(os.Args[1])
	var connections int64
	var mu, link sync.Mutex
	waiting := map[string]chan struct{}{}
	count := map[string]int{}
	var stack []chan struct{}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/connections":
			fmt.Fprint(w, atomic.LoadInt64(&connections))
		case strings.HasPrefix(r.URL.Path, "/wait/"):
			n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/wait/"))
			mu.Lock()
			if waiting[r.URL.Path] == nil {
				waiting[r.URL.Path] = make(chan struct{})
			}
			all := waiting[r.URL.Path]
			if count[r.URL.Path]++; count[r.URL.Path] == n {
				close(all)
			}
			mu.Unlock()
			select {
			case <-all:
				fmt.Fprint(w, "together")
			case <-time.After(60 * time.Second):
				fmt.Fprint(w, "alone")
			}
		case strings.HasPrefix(r.URL.Path, "/narrow/"):
			// 50 KB over a link that carries a quarter of a megabyte a second, for all streams together.
			for i := 0; i < 10; i++ {
				link.Lock()
				_, _ = w.Write(make([]byte, 5000))
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond)
				link.Unlock()
			}
		case strings.HasPrefix(r.URL.Path, "/newest/"):
			turn := make(chan struct{})
			mu.Lock()
			stack = append(stack, turn)
			mu.Unlock()
			// Each answers one of those that wait, and waits for who answers it.
			link.Lock()
			time.Sleep(50 * time.Millisecond)
			mu.Lock()
			close(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
			mu.Unlock()
			link.Unlock()
			<-turn
			fmt.Fprint(w, "newest")
		default:
			fmt.Fprintf(w, "%s %s", r.Proto, r.URL.Path)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				atomic.AddInt64(&connections, 1)
			}
		},
	}
	go func() { check(server.ServeTLS(listener, "", "")) }()
	fmt.Printf("https://%s %s\n", listener.Addr(), file)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
