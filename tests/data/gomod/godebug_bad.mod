module a.b/c
godebug panicnil
