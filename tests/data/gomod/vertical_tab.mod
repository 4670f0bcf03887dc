modulea.b/c
