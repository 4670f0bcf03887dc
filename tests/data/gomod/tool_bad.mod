module a.b/c
tool a b
