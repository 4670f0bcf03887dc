module a.b/c
godebug "panicnil=1"
