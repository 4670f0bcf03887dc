module `a.b/c`
