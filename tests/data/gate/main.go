package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"sync"
)

type shape interface{ area() float64 }
type square struct{ side float64 }

func (s square) area() float64 { return s.side * s.side }

var words = regexp.MustCompile(`[a-z]+`)

func main() {
	var all []string
	var lock sync.Mutex
	var group sync.WaitGroup
	for i, arg := range append(os.Args, "one two", "three") {
		group.Add(1)
		go func(i int, arg string) {
			defer group.Done()
			lock.Lock()
			defer lock.Unlock()
			for _, word := range words.FindAllString(strings.ToLower(arg), -1) {
				all = append(all, fmt.Sprintf("%x %g", sha256.Sum256([]byte(word)), shape(square{float64(i) / 3}).area()))
			}
		}(i, arg)
	}
	group.Wait()
	sort.Strings(all)
	fmt.Println(strings.Join(all, "\n"))
}
