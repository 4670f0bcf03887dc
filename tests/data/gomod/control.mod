module a.b/c
