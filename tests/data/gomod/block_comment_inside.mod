module a.b/c/*no*/d
