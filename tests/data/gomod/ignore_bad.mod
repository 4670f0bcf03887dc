module a.b/c
ignore
