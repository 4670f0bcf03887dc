module a.b/c
